"""Severities as people see them: which have a column of their own, their badges and words."""

from security.models import Severity

SHOWN = (Severity.CRITICAL, Severity.HIGH, Severity.MEDIUM, Severity.LOW)
"""Those that pages count and time, the worst first; each has a badge of its own."""


def badge_of(severity: int) -> str:
    """Return the state that the badge of a severity shows."""
    level = Severity(severity)
    return level.label.lower() if level in SHOWN else "info"


def word_of(severity: int) -> str:
    """Return what people read."""
    return Severity(severity).label.capitalize()
