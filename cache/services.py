"""Writes of explanations."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from buildkit.explaining import Cause, Reason
from buildkit.explaining.chains import missing_evidence
from buildkit.model import Step
from builds.masking import mask_secrets
from builds.models import Build
from builds.postponing import attempt, is_due
from cache.explaining import comparable, explained, outdated_by
from cache.models import Explanation, StepReason
from cache.staleness import MARK, day_of, mark

ASK = f"""
WITH stale AS ({MARK})
INSERT INTO cache_explanation (build_id, state, missing) VALUES (%s, 'pending', '{{}}')
ON CONFLICT (build_id) DO UPDATE SET state = 'pending'
"""  # noqa: S608


def ask_for(*, build: Build, listed_before: datetime | None = None, **_: Any) -> None:
    """Note that a build is to be explained and counted, or, as more of it came, once more.

    So are those then that were explained against it.
    """
    if not build.is_final:
        return
    if listed_before:
        done = Explanation.objects.filter(against=build, state=Explanation.State.DONE)
        done.update(state=Explanation.State.PENDING)
    day = day_of(build.listed_at)
    with connection.cursor() as cursor:  # one statement: this is on the way of every build
        cursor.execute(ASK, [build.service_id, day, build.pk])
    if listed_before and day_of(listed_before) != day:
        mark(build.service_id, day_of(listed_before))


def forget(*, build: Build, **_: Any) -> None:
    """Note that a build is to be counted no more."""
    mark(build.service_id, day_of(build.listed_at))


def reasons_of(build: Build, against: Build | None) -> tuple[Explanation, list[StepReason]]:
    """Return what is kept of a build; held against a certain one, it is made and not kept.

    One that no worker has explained is explained now.
    """
    if against is not None:
        return reasons_against(build, against)
    return _explanation_of(build), list(StepReason.objects.filter(build=build))


def _explanation_of(build: Build) -> Explanation:
    known = Explanation.objects.exclude(state=Explanation.State.PENDING)
    kept = known.select_related("against__project").filter(build=build).first()
    return kept or explain_build(build)


@transaction.atomic
def explain_build(build: Build) -> Explanation:
    """Explain a build against the last comparable one, once, and keep it.

    The same records give the same rows whenever it is done: later builds that would have been
    explained against this one, had it come before, wait to be explained again.
    """
    Explanation.objects.get_or_create(build=build)
    explanation = Explanation.objects.select_for_update().get(build=build)
    if explanation.state != Explanation.State.PENDING:
        return explanation
    against = comparable(build).first()
    found, reasons = reasons_against(build, against)
    known = StepReason.objects.filter(build=build)
    explanation.failures, explanation.not_before = 0, None
    if found.state == Explanation.State.IMPOSSIBLE and known.exists():
        # Its records are purged since it was explained: what was found then is kept.
        explanation.state = Explanation.State.DONE
    else:
        explanation.against = against
        explanation.state, explanation.missing = found.state, found.missing
        known.delete()
        StepReason.objects.bulk_create(reasons)
    explanation.save()
    outdated_by(build).update(state=Explanation.State.PENDING)
    mark(build.service_id, day_of(build.listed_at))
    return explanation


def reasons_against(build: Build, against: Build | None) -> tuple[Explanation, list[StepReason]]:
    """Return an explanation against a certain build, and its reasons; neither is saved."""
    found = explained(build, against)
    if found is None:
        return Explanation(build=build, state=Explanation.State.IMPOSSIBLE), []
    decoded, told = found
    explanation = Explanation(
        build=build,
        against=against,
        state=Explanation.State.DONE,
        missing=list(missing_evidence(told)),
    )
    return explanation, list(_rows(build, decoded.steps, told.reasons.values()))


def _rows(build: Build, steps: tuple[Step, ...], reasons: Iterable[Reason]) -> Iterable[StepReason]:
    """Yield a row for each reason; what runs in every build needs none."""
    for reason in reasons:
        if reason.cause is not Cause.ALWAYS:
            yield StepReason(
                build=build,
                position=reason.position,
                service_id=build.service_id,
                identity=steps[reason.position].identity,
                cause=reason.cause.value,
                confidence=reason.confidence.value,
                first=reason.first,
                seconds=steps[reason.position].busy_seconds,
                evidence=[mask_secrets(text) for text in reason.evidence],
                missing=list(reason.missing),
            )


def explain_next() -> bool:
    """Explain one build that waits and that no other worker has; tell whether there was one."""
    with transaction.atomic():
        due = Explanation.objects.pending().filter(is_due())
        waiting = due.select_for_update(of=("self",), skip_locked=True)
        explanation = waiting.select_related("build").first()
        if explanation is None:
            return False
        if not attempt(explanation, explain_build, explanation.build):
            explanation.put_off()
    return True
