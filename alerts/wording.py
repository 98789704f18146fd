"""Values with their units, as messages and pages say them."""

from buildinsights.templatetags.formats import duration, filesize, ratio

SHOWN = {"s": duration, "bytes": filesize, "ratio": ratio}
SEVERITIES = ("unknown", "negligible", "low", "medium", "high", "critical")


def shown(value: float | None, unit: str) -> str:
    """Return a value in words, ``unknown`` if there is none; plain text."""
    if value is None:
        return "unknown"
    if unit == "severity":
        return SEVERITIES[int(value)]
    if unit == "x":
        return f"{value:.2f} ×"
    if unit in SHOWN:
        return str(SHOWN[unit](value))
    return f"{value:g} {unit}".strip()
