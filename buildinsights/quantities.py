"""Form fields of durations, sizes and shares, as people write them and as machines do."""

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from math import isfinite
from operator import itemgetter
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError

SECONDS = {"w": 604_800, "d": 86_400, "h": 3600, "min": 60, "s": 1}
BYTES = {unit: 1000**power for power, unit in enumerate(("B", "kB", "MB", "GB", "TB", "PB"))}
BINARY = {f"{unit}iB": 1024**power for power, unit in enumerate("KMGTP", start=1)}
LARGEST_FIRST = sorted((BYTES | BINARY).items(), key=itemgetter(1), reverse=True)
OTHERS = {"m": "min", "mins": "min", "sec": "s", "secs": "s", "hr": "h", "hrs": "h"} | {
    form: unit
    for unit, word in zip(SECONDS, ("week", "day", "hour", "minute", "second"), strict=True)
    for form in (word, f"{word}s")
}
"""Other words for units of time."""

PART = re.compile(r"([0-9]{1,18}(?:\.[0-9]{1,30})?) ?([A-Za-z%]*)")
LARGEST = 2**62


class QuantityField(forms.CharField, ABC):
    """A number with its unit, such as ``15 min``; a program gives the number in the base unit.

    What it shows reads back as the same number.
    """

    examples: ClassVar[str]

    def __init__(
        self, *, least: float | None = None, most: float | None = None, **kwargs: Any
    ) -> None:
        super().__init__(max_length=60, **kwargs)
        self.least, self.most = least, most

    def prepare_value(self, value: Any) -> Any:
        """Show a number as people write it, and what was typed as it was."""
        return self.written(Decimal(str(value))) if _is_number(value) else value

    def clean(self, value: Any) -> Any:
        """Return the number in the base unit; ``None`` if nothing was said."""
        if _is_number(value):
            number = Decimal(str(value))
        else:
            text = super().clean(value)
            if not text:
                return None
            number = self.read(" ".join(text.split()))
        self._bound(number)
        return int(number) if number == int(number) else float(number)

    def _bound(self, number: Decimal) -> None:
        if self.least is not None and number < Decimal(str(self.least)):
            raise ValidationError(f"{self.written(Decimal(str(self.least)))} at least.")
        if self.most is not None and number > Decimal(str(self.most)):
            raise ValidationError(f"{self.written(Decimal(str(self.most)))} at most.")
        if number > LARGEST:
            raise ValidationError("This is too much.")

    @abstractmethod
    def read(self, text: str) -> Decimal:
        """Return the number that a text says."""

    @abstractmethod
    def written(self, number: Decimal) -> str:
        """Return the text that says a number."""

    def refuse(self) -> ValidationError:
        """Return what is told of a text that says none."""
        return ValidationError(f"Write it with its unit: {self.examples}.")


class DurationField(QuantityField):
    """Seconds, written as ``1 h 30 min``."""

    examples = "15 min, 2 h, 3 d"

    def read(self, text: str) -> Decimal:
        """Return seconds; each unit may be said once."""
        if text == "0":
            return Decimal(0)
        parts = PART.findall(text)
        units = [OTHERS.get(unit, unit) for _, unit in parts]
        is_said = "".join(f"{number}{unit}" for number, unit in parts) == text.replace(" ", "")
        if not parts or not is_said or len(set(units)) < len(units) or set(units) - set(SECONDS):
            raise self.refuse()
        pairs = zip(parts, units, strict=True)
        return sum((Decimal(number) * SECONDS[unit] for (number, _), unit in pairs), Decimal(0))

    def written(self, number: Decimal) -> str:
        """Return the units of which there are any."""
        words: list[str] = []
        rest = number
        for unit, size in SECONDS.items():
            count = rest if unit == "s" else rest // size
            if count and unit != "w":  # two weeks are 14 days to most people
                words.append(f"{_plain(count)} {unit}")
                rest -= count * size
        return " ".join(words) or "0 s"


class SizeField(QuantityField):
    """Bytes, written as ``10 GB`` in decimal or ``10 GiB`` in binary units."""

    examples = "10 GB, 500 MB"

    def read(self, text: str) -> Decimal:
        """Return whole bytes."""
        number, unit = _one(text)
        size = (BYTES | BINARY | _folded(BYTES | BINARY)).get(unit or "?")
        if number is None or not size:
            raise self.refuse()
        return Decimal(round(number * size))

    def written(self, number: Decimal) -> str:
        """Return bytes in the largest unit that says them with three decimals."""
        fits = (
            (number / size, unit)
            for unit, size in LARGEST_FIRST
            if number >= size and number * 1000 % size == 0
        )
        count, unit = next(fits, (number, "B"))
        return f"{_plain(count)} {unit}"


class ShareField(QuantityField):
    """0 to 1, written as ``80 %``."""

    examples = "80 %"

    def read(self, text: str) -> Decimal:
        """Return a share; below 1 without the sign it could be meant either way."""
        number, unit = _one(text)
        if number is None or unit not in {"", "%"} or (not unit and 0 < number < 1):
            raise ValidationError(f"Write it in percent: {self.examples}.")
        return number / 100

    def written(self, number: Decimal) -> str:
        """Return percent."""
        return f"{_plain(number * 100)} %"


UNITS: Mapping[str, type[QuantityField]] = {
    "s": DurationField,
    "bytes": SizeField,
    "ratio": ShareField,
}
"""Fields of the units that metrics have."""

SUFFIXES = {"_seconds": "s", "_bytes": "bytes", "_ratio": "ratio", "share": "ratio"}


def unit_of(name: str) -> str:
    """Return the unit that a name ends with, as names of values do here; empty without one."""
    return next((unit for suffix, unit in SUFFIXES.items() if name.endswith(suffix)), "")


def _is_number(value: Any) -> bool:
    """Whether a program gave a finite number; what else it gave is refused as text is."""
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)


def _one(text: str) -> tuple[Decimal | None, str]:
    found = PART.fullmatch(text)
    try:
        return (Decimal(found[1]), found[2]) if found else (None, "")
    except InvalidOperation:
        return None, ""


def _folded(units: Mapping[str, int]) -> dict[str, int]:
    """Return the units by how hurried people write them: ``gb``, ``Gb``, ``GIB``."""
    forms = (str.lower, str.upper, str.capitalize)
    return {form(unit): size for unit, size in units.items() for form in forms}


def _plain(number: Decimal) -> str:
    """Return a number without an exponent, and without zeros at its end."""
    return f"{number.normalize():f}"
