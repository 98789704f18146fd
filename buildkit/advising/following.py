"""What became of advice that was followed: the seconds of its steps before and since."""

from collections.abc import Iterator, Sequence

from buildkit.advising.advice import Applied, Observed
from buildkit.advising.finders import findings, known_of
from buildkit.advising.finding import Finding
from buildkit.advising.history import Seen, seen
from buildkit.advising.mounting import plain
from buildkit.model import BuildStatus


def applied(history: Sequence[Observed]) -> list[Applied]:
    """Return advice that older Dockerfiles had and that the newest follows, the latest first.

    ``history`` are the ended builds of one target, newest last. What was deleted was not followed.
    """
    builds = [one for one in map(seen, history) if one]
    known = known_of(builds)
    found = [{item.proposal.key: item for item in findings(one, known)} for one in builds]
    told = []
    for key in dict.fromkeys(key for own in found for key in own):
        last = max(at for at, own in enumerate(found) if key in own)
        item, below = found[last][key], builds[last + 1 :]
        first = _first_of_all_followed(item, below)
        if first < len(below):
            told.append(_applied(item, builds[: last + 1], below[first:]))
    return sorted(told, key=lambda item: item.since, reverse=True)


def _first_of_all_followed(item: Finding, builds: Sequence[Seen]) -> int:
    """Return from which build on all have followed it; their number if the newest has not."""
    first = len(builds)
    while first and item.is_followed(builds[first - 1]):
        first -= 1
    return first


def _applied(item: Finding, before: Sequence[Seen], after: Sequence[Seen]) -> Applied:
    proposal = item.proposal
    steps = frozenset(map(plain, proposal.steps))
    return Applied(
        proposal.kind,
        proposal.key,
        proposal.title,
        after[0].observed.at,
        tuple(_seconds(before, proposal.stage, steps)),
        tuple(_seconds(after, proposal.stage, steps)),
    )


def _seconds(builds: Sequence[Seen], stage: str, steps: frozenset[str]) -> Iterator[float]:
    """Yield the seconds that the steps ran in each build that succeeded: none from the cache."""
    for one in builds:
        if one.observed.evidence.build.status is BuildStatus.SUCCEEDED:
            names = {item.number: item.name for item in one.dockerfile.stages}
            ours = [
                item
                for item in one.dockerfile.instructions
                if plain(item.normalised) in steps and stage in ("", names.get(item.stage))
            ]
            build = one.observed.evidence.build
            yield sum(build.steps[place].busy_seconds for place in one.positions_of(ours))
