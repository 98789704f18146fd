"""Boxes in columns with arrows between them: where each lies, for whatever draws them."""

from collections.abc import Sequence
from dataclasses import dataclass

type Place = tuple[int, int]
"""The upper left corner of a box, in pixels."""


@dataclass(frozen=True, slots=True)
class Boxes:
    """Sizes in pixels. Columns begin at the top, or else have their middles on one line."""

    width: int
    height: int
    gap_x: int
    gap_y: int
    margin: int
    is_centred: bool = False

    def places(self, columns: Sequence[Sequence[str]]) -> dict[str, Place]:
        """Return where each box lies, by its name."""
        bottom = self.size(columns)[1]
        return {
            name: (
                self.margin + column * (self.width + self.gap_x),
                self._top(len(names), bottom) + row * (self.height + self.gap_y),
            )
            for column, names in enumerate(columns)
            for row, name in enumerate(names)
        }

    def size(self, columns: Sequence[Sequence[str]]) -> tuple[int, int]:
        """Return width and height of all of it."""
        width = 2 * self.margin + len(columns) * (self.width + self.gap_x) - self.gap_x
        return width, self._tall(max(map(len, columns), default=0))

    def arrow(self, start: Place, end: Place) -> str:
        """Return the path of an arrow from the right of one box to the left of another."""
        x1, y1 = start[0] + self.width, start[1] + self.height // 2
        x2, y2 = end[0], end[1] + self.height // 2
        middle = (x1 + x2) // 2
        return f"M{x1} {y1} C{middle} {y1} {middle} {y2} {x2} {y2} m-6 -4 l6 4 l-6 4"

    def _tall(self, rows: int) -> int:
        return 2 * self.margin + rows * (self.height + self.gap_y) - self.gap_y

    def _top(self, rows: int, bottom: int) -> int:
        return self.margin + ((bottom - self._tall(rows)) // 2 if self.is_centred else 0)
