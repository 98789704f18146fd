"""What a change is likely to come from, with its evidence."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from buildkit.explaining import MEANINGS, Cause, Evidence, Lasting, above, lasting
from builds.masking import mask_secrets
from builds.models import Build
from cache.explaining import evidence_of, without_logs
from cache.models import StepReason
from trends.attribution import Row
from trends.crowding import beside

MOST_COMPARED = 5
"""Builds of each side, those next to the change, whose inputs are held together."""

MOST_EXPLAINED = 3
"""Parts, those with most of the change, of which the causes are looked for."""

MOST_CAUSES = 2
"""Of a part, those with most runs."""

LEAST_WEIGHT = 0.02

LEAST_SLOWER = 0.05
"""Relative change of a step's median run that is worth telling."""

LONGEST_WORDS = 300

LOCK_FILE = re.compile(r"[-.]lock\b|\brequirements[\w./-]*\.txt|\bgo\.sum\b|\bnpm-shrinkwrap\.json")
"""What pins dependencies: package-lock.json, yarn.lock, pnpm-lock.yaml, and the like."""

_SLOWER = 0.5
"""That a step takes longer says what, and not why: what says why of half its runs counts more."""

_ABOVE = 0.8
"""What goes into a step that it builds on, against what goes into itself."""

_SURE = {Cause.FIRST.value: 0.1, Cause.UNKNOWN.value: 0.1}
"""What says little of why is no explanation of a change."""

type Found = dict[str, Any]
"""``cause, words, weight`` and ``revision``, the commit that it came with, empty if not known."""


def causes_of(before: Sequence[Build], after: Sequence[Build], parts: Sequence[Row]) -> list[Found]:
    """Return what is likely behind a change, the likeliest first.

    ``weight`` is the share of the change that speaks for it: of an input that is another one since,
    the parts that it goes into; of a step's reason to run, its part times how many builds more of
    those since it had it in.
    """
    found = [*_builder(before, after), *_crowd(before, after), *_inputs(before, after, parts)]
    for part in parts[:MOST_EXPLAINED]:
        found += _of_step(part, before, after)
    ranked = sorted(found, key=lambda item: -item["weight"])
    first = {(item["cause"], item["words"]): item for item in reversed(ranked)}
    return [
        item
        for item in ranked
        if item["weight"] >= LEAST_WEIGHT and item is first[item["cause"], item["words"]]
    ]


def _told(cause: str, words: str, weight: float, revision: str = "") -> Found:
    return {"cause": cause, "words": words, "weight": weight, "revision": revision}


def _builder(before: Sequence[Build], after: Sequence[Build]) -> Iterator[Found]:
    old, new = (
        Counter(build.builder for build in side if build.builder) for side in (before, after)
    )
    if not old or not new:
        return
    (usual, _), (now, count) = old.most_common(1)[0], new.most_common(1)[0]
    if now != usual:
        words = f"Built on {now} since then; before mostly on {usual}."
        yield _told("builder", words, count / len(after))


def _crowd(before: Sequence[Build], after: Sequence[Build]) -> Iterator[Found]:
    """Yield that more builds ran beside these, on whatever builder they say."""
    old, new = beside(before), beside(after)
    if new >= old + 1:
        words = f"{new:.1f} other builds ran beside each on its builder; {old:.1f} before."
        yield _told("concurrency", words, 1 - (old + 1) / (new + 1))


def _inputs(
    before: Sequence[Build], after: Sequence[Build], parts: Sequence[Row]
) -> Iterator[Found]:
    """Yield which inputs are others since, and the commit that each came with."""
    if not parts:
        return
    old, new = _read(before[-MOST_COMPARED:]), _read(after[:MOST_COMPARED])
    for item in lasting([evidence for _, evidence in old], [evidence for _, evidence in new]):
        came_with, evidence = (new if item.since >= 0 else old)[item.since]
        weight = sum(part["share"] * _reaches(item, part, evidence) for part in parts)
        words = mask_secrets(" ".join(item.evidence))[:LONGEST_WORDS]
        words = f"{MEANINGS[item.cause].title}: {words}"
        yield _told(_cause(item.cause, words), words, weight, came_with.revision)


def _read(builds: Sequence[Build]) -> list[tuple[Build, Evidence]]:
    """Return the builds whose records are kept, with what they were made from."""
    found = ((build, evidence_of(build)) for build in builds)
    return [
        (build, Evidence(without_logs(evidence.build), evidence.files))
        for build, evidence in found
        if evidence
    ]


def _reaches(item: Lasting, part: Row, evidence: Evidence) -> float:
    """Return how directly an input goes into a step: 1 its own, 0 not at all."""
    if part["identity"] in item.steps:
        return 1.0
    return _ABOVE if above(evidence.build, part["identity"]) & set(item.steps) else 0.0


def _of_step(part: Row, before: Sequence[Build], after: Sequence[Build]) -> Iterator[Found]:
    """Yield why a step ran in more of the builds since, or that it takes longer for the same."""
    if "before_seconds" not in part:
        return
    yield from _slower(part)
    told = _firsts([*before, *after], part["identity"])
    since = {build.pk for build in after}
    now = Counter(reason.cause for reason in told if reason.build_id in since)
    then = Counter(reason.cause for reason in told if reason.build_id not in since)
    for cause, count in now.most_common(MOST_CAUSES):
        example = next(
            reason for reason in told if reason.build_id in since and reason.cause == cause
        )
        more = count / len(after) - then[cause] / len(before) if before else 0.0
        evidence = " ".join(example.evidence)[:LONGEST_WORDS]
        words = f"{MEANINGS[Cause(cause)].title}: {evidence}"
        weight = part["share"] * max(0.0, more) * _SURE.get(cause, 1.0)
        yield _told(_cause(Cause(cause), words), words, weight)


def _slower(part: Row) -> Iterator[Found]:
    old, new = part["median_before"], part["median_after"]
    if not part["ran_before"] or part["runs_more"] or abs(new - old) < LEAST_SLOWER * old:
        return
    words = f"{part['name']} takes {new:.1f} s where it took {old:.1f} s, and runs as often."
    yield _told("slower", words, part["share"] * _SLOWER)


def _firsts(builds: Sequence[Build], identity: str) -> list[StepReason]:
    """Return the reasons that the chains began with in which a step ran."""
    reasons = StepReason.objects.filter(build__in=builds, identity=identity)
    heads = list(reasons.values_list("build_id", "first"))
    found = StepReason.objects.filter(
        build__in={build for build, _ in heads}, position__in={head for _, head in heads}
    )
    firsts = {(reason.build_id, reason.position): reason for reason in found}
    return [firsts[head] for head in heads if head in firsts]


def _cause(cause: Cause, words: str) -> str:
    """Return the cause; changed files of a lock file are a dependency."""
    is_lock = cause is Cause.FILES and LOCK_FILE.search(words) is not None
    return "dependency" if is_lock else cause.value
