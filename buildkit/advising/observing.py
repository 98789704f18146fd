"""From the builds of one target to what advice is told from."""

from collections.abc import Iterable
from datetime import datetime

from buildkit.advising.advice import Observed
from buildkit.explaining import Evidence, explain
from buildkit.model import BuildStatus


def observed(builds: Iterable[tuple[Evidence, datetime]]) -> list[Observed]:
    """Explain ended builds of one target, oldest first, each with its start.

    Each is held against the last one of its platforms before it that succeeded.
    """
    found: list[Observed] = []
    last: dict[tuple[str, ...], Evidence] = {}
    for evidence, at in builds:
        before = last.get(evidence.build.platforms)
        found.append(Observed(evidence, explain(evidence, before), before, at))
        if evidence.build.status is BuildStatus.SUCCEEDED:
            last[evidence.build.platforms] = evidence
    return found
