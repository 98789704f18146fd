"""Advice on the newest Dockerfile, with what the recorded builds say that it is worth."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from buildkit.advising.advice import Advice, Kind, Observed, Place, Proposal
from buildkit.advising.editing import diff
from buildkit.advising.effects import interval_of_sum
from buildkit.advising.finders import findings, known_of
from buildkit.advising.finding import Finding, Known, Reader, unreadable
from buildkit.advising.history import Seen, seen
from buildkit.advising.ignoring import Rubbish
from buildkit.advising.wording import why_of
from buildkit.dockerfile import read_dockerfile
from buildkit.errors import ParseError

WEEK = timedelta(days=7)

MOST_EXAMPLES = 3

type Runs = Mapping[int, float]
"""Seconds by position of the steps of one build."""


def advise(
    history: Sequence[Observed],
    dockerignore: str | None = None,
    read: Reader = unreadable,
    place: Place | None = None,
) -> list[Advice]:
    """Return advice on the newest Dockerfile, the most seconds a week first.

    ``history`` are the ended builds of one target, newest last. ``dockerignore`` is the text of
    the file that its context has now, empty without one and ``None`` if that is not known;
    ``read`` gives the text of others. Builds without a
    Dockerfile that can be read count for the time observed, and for nothing else.
    """
    known_builds = [one for one in map(seen, history) if one]
    if not known_builds:
        return []
    weeks = max(1.0, (history[-1].at - history[0].at) / WEEK)
    newest = known_builds[-1]
    older = replace(known_of(known_builds), read=read)
    known = replace(older, dockerignore=dockerignore)
    candidates = [item for item in findings(newest, known) if _is_safe(item.proposal)]
    measured = _measured(candidates, known_builds, older)
    told = [
        _advice(item, runs, weeks, known_builds, place or Place())
        for item, runs in zip(candidates, measured, strict=True)
        if sum(map(_total, runs)) > 0
    ]
    return sorted(told, key=lambda advice: (-advice.seconds_a_week, advice.key))


def _is_safe(proposal: Proposal) -> bool:
    """Whether a changed Dockerfile is one: whatever else its edit is, it must be readable."""
    if proposal.file or proposal.new is None:
        return True
    try:
        read_dockerfile(proposal.new)
    except ParseError:
        return False
    return proposal.new != proposal.old


def _measured(
    candidates: Sequence[Finding], builds: Sequence[Seen], known: Known
) -> list[list[Runs]]:
    """Return the runs of each candidate, one mapping a build; each run goes to the first.

    What has been spared since, as advice was followed, goes to none.
    """
    found: list[list[Runs]] = [[] for _ in candidates]
    keys = {item.proposal.key for item in candidates}
    for one in builds:
        own = {item.proposal.key: item for item in findings(one, known)}
        claimed = {
            position
            for key, item in own.items()
            if key not in keys and item.proposal.kind is not Kind.MOUNT
            for position in item.runs(one)
        }
        for number, candidate in enumerate(candidates):
            # Which files are rubbish does not depend on the Dockerfile of that time.
            is_ignore = candidate.proposal.kind is Kind.IGNORE
            item = candidate if is_ignore else own.get(candidate.proposal.key)
            runs = item.runs(one) if item else {}
            free = {place: took for place, took in runs.items() if place not in claimed}
            claimed |= free.keys()
            found[number].append(free)
    return found


def _total(runs: Runs) -> float:
    return sum(runs.values())


def _advice(
    item: Finding, runs: Sequence[Runs], weeks: float, known_builds: Sequence[Seen], place: Place
) -> Advice:
    proposal, newest = item.proposal, known_builds[-1]
    spared = [_total(one) for one in runs]
    seconds, builds = sum(spared), sum(one > 0 for one in spared)
    interval = interval_of_sum(spared)
    spared_bytes = item.bytes if isinstance(item, Rubbish) else None
    return Advice(
        kind=proposal.kind,
        key=proposal.key,
        title=proposal.title,
        why=why_of(proposal.kind, seconds, builds, len(runs), spared_bytes),
        stage=proposal.stage,
        lines=proposal.lines,
        diff=_diff(proposal, newest, place),
        seconds_a_week=seconds / weeks,
        interval=(interval[0] / weeks, interval[1] / weeks) if interval else None,
        is_upper_bound=proposal.kind is Kind.MOUNT,
        builds=builds,
        examples=_examples(known_builds, spared),
        steps=proposal.steps,
        remarks=proposal.remarks,
    )


def _examples(builds: Sequence[Seen], spared: Sequence[float]) -> tuple[str, ...]:
    ranked = sorted(zip(spared, builds, strict=True), key=lambda pair: -pair[0])
    refs = (one.observed.evidence.build.buildkit_ref for seconds, one in ranked if seconds > 0)
    return tuple(ref for ref in refs if ref)[:MOST_EXAMPLES]


def _diff(proposal: Proposal, newest: Seen, place: Place) -> str:
    if proposal.new is None:
        return ""
    if proposal.file:
        return diff(place.dockerignore or proposal.file, proposal.old, proposal.new)
    return diff(place.dockerfile or newest.source.filename, proposal.old, proposal.new)
