"""The graph of an image's provenance as a drawing, and as rows for those who read a table."""

from typing import Any

from buildkit.boxes import Boxes
from reports.provenance_graph import ABOUT, Graph, Node

BOXES = Boxes(width=216, height=66, gap_x=44, gap_y=12, margin=8, is_centred=True)
NAME_LENGTH, STATE_LENGTH = 27, 32
"""Characters that a box has room for."""


def drawing_of(graph: Graph) -> dict[str, Any]:
    """Return sizes, boxes and arrows for the template, and the rows of its table."""
    columns = [[node.key for node in graph.column(number)] for number in range(ABOUT + 1)]
    places, (width, height) = BOXES.places(columns), BOXES.size(columns)
    kinds = {node.key: node.kind for node in graph.nodes}
    return {
        "width": width,
        "height": height,
        "box": BOXES,
        "boxes": [_box(node, *places[node.key]) for node in graph.nodes],
        "arrows": [BOXES.arrow(places[start], places[end]) for start, end in graph.edges],
        "rows": [
            {
                "node": node,
                "detail": inert(node.detail),
                "name": inert(node.name),
                "state": inert(node.state),
                "of": list(
                    dict.fromkeys(kinds[start] for start, end in graph.edges if end == node.key)
                ),
            }
            for node in graph.nodes
        ],
    }


def _box(node: Node, x: int, y: int) -> dict[str, Any]:
    parts = (f"{node.kind}: {node.name}", node.detail, node.state)
    return {
        "node": node,
        "x": x,
        "y": y,
        "name": shortened(node.name.removeprefix("https://"), NAME_LENGTH),
        "state": shortened(node.state, STATE_LENGTH),
        "title": ". ".join(inert(part) for part in parts if part),
    }


def shortened(text: str, most: int) -> str:
    """Return a text without its middle if it is too long: both ends tell names apart."""
    text = inert(text)
    if len(text) <= most:
        return text
    end = (most - 1) // 2
    return f"{text[: most - 1 - end]}…{text[-end:]}"


def inert(text: str) -> str:
    """Return a text without what would turn its order around or begin another line."""
    return "".join(letter if letter.isprintable() else "�" for letter in text)
