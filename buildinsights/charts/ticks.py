"""Where an axis has its marks: round numbers of the unit."""

from math import floor, log10

MOST_SHOWN, MOST = 5, 10
"""Marks below what is shown, and below all that may be."""

MINUTE, HOUR, DAY = 60, 3_600, 86_400
CLOCK = (
    *(1, 2, 5, 10, 15, 30),
    *(MINUTE * count for count in (1, 2, 5, 10, 15, 30)),
    *(HOUR * count for count in (1, 2, 3, 6, 12)),
)
"""Steps of seconds that people count in, below a day."""


def ticks(unit: str, shown: float, most: float) -> list[float]:
    """Return multiples of one step from 0 to whichever is more.

    At most five lie within ``shown``, fewer if there were more than ten within ``most``.
    """
    step = step_of(unit, max(shown / MOST_SHOWN, most / MOST))
    count = floor(max(shown, most) / step)
    return [round(step * number, 10) for number in range(count + 1)]


def step_of(unit: str, least: float) -> float:
    """Return the smallest round step that is not less."""
    if unit == "s" and least > CLOCK[-1]:
        return DAY * _decimal(least / DAY)
    if unit == "s" and least > 0.5:
        return next(step for step in CLOCK if step >= least)
    return _decimal(least)


def _decimal(least: float) -> float:
    """Return 1, 2 or 5 times a power of ten."""
    power = 10.0 ** floor(log10(least))
    return float(
        next(digit * power for digit in (1, 2, 5, 10) if digit * power >= least * 0.999999)
    )
