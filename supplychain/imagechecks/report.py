"""The result of looking at an image as JSON: what is printed, kept and sent."""

from dataclasses import asdict, dataclass
from typing import Any

from buildkit.imagefiles import Digests
from supplychain.imagechecks.checking import Checked

FORMAT = 1


@dataclass(frozen=True, slots=True)
class About:
    """What was looked at, by what, and what its sender knows of it. Times are ISO 8601 in UTC."""

    image: str
    digests: Digests
    platform: str
    source: str
    inspected_at: str
    tool_version: str
    is_production: bool = False
    service: str = ""
    target: str = ""
    variant: str = ""
    environment: str = ""


def as_report(about: About, checked: Checked) -> dict[str, Any]:
    """Return the report; no value of it is a secret."""
    return {
        "format": FORMAT,
        **asdict(about),
        "is_complete": not checked.problem,
        "problem": checked.problem,
        "config": asdict(checked.facts),
        "checks": [asdict(check) for check in checked.checks],
    }
