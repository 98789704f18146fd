"""Options of the cache commands: durations and sizes, read once for all."""

import re
from datetime import timedelta

import click

from buildkit.caching.usage import read_size
from buildkit.errors import ParseError

_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


class Duration(click.ParamType[timedelta]):
    """A time such as ``30d``, ``12h``, ``90m`` or ``2w``."""

    name = "duration"

    def convert(
        self, value: str | timedelta, param: click.Parameter | None, ctx: click.Context | None
    ) -> timedelta:
        if isinstance(value, timedelta):
            return value
        found = re.fullmatch(r"(\d{1,5})([mhdw])", value.strip())
        if found is None:
            self.fail(f"{value!r} is no time: 30d, 12h, 90m, 2w.", param, ctx)
        return timedelta(**{_UNITS[found[2]]: int(found[1])})


class Size(click.ParamType[int]):
    """Bytes, such as ``10GB`` in decimal units."""

    name = "size"

    def convert(
        self, value: str | int, param: click.Parameter | None, ctx: click.Context | None
    ) -> int:
        if isinstance(value, int):
            return value
        try:
            return read_size(value)
        except ParseError:
            self.fail(f"{value!r} is no size: 10GB, 500MB.", param, ctx)
