"""BuildKit's own checks over time: what builds warn of, and what ``buildinsights lint`` finds.

A warning of a build has its rule at the front of its text, ``JSONArgsRecommended: … (line 3)``, and
what the rule says in its details; the command's output has both apart. Here they are the same.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from audit.services import ActorLike, record_soon
from builds.branches import BranchClass, branch_class
from builds.models import Build, BuildWarning
from builds.services import get_or_create_service, lock_service
from inspections.documents import LintDocument, WarningDocument, content_of, not_after
from inspections.models import Rule, RuleLook

MOST_PLACES = 20
NOT_IN_USE = (BranchClass.CHANGE, BranchClass.OTHER)

_SHORT = re.compile(r"(?P<rule>[A-Za-z][A-Za-z0-9]{0,99}): (?P<detail>.*?)(?: \(line \d+\))?", re.S)
_SAYS_NOTHING = (Build.Status.QUEUED, Build.Status.RUNNING, Build.Status.LOST)


@dataclass(frozen=True, slots=True)
class Found:
    """One place where a rule is broken."""

    rule: str
    description: str
    url: str
    detail: str
    file: str
    lines: tuple[tuple[int, int], ...]


def found_by_build(warnings: Iterable[BuildWarning]) -> list[Found]:
    """Return what a build's warnings say, each once: platforms repeat them.

    A warning without a rule is no check's.
    """
    found = []
    for item in warnings:
        if match := _SHORT.fullmatch(item.short):
            lines = tuple((first, last) for first, last in item.lines)
            text = item.detail.partition("\n")[0]
            found.append(
                Found(match["rule"], text, item.url, match["detail"], item.filename, lines)
            )
    return list(dict.fromkeys(found))


def _found_by_command(warnings: Iterable[WarningDocument]) -> list[Found]:
    return list(dict.fromkeys(_stated(item) for item in warnings))


def _stated(item: WarningDocument) -> Found:
    lines = tuple((first, last) for first, last in item.lines)
    return Found(item.rule, item.description, item.url, item.detail, item.file, lines)


def note_build(build: Build, **_: Any) -> None:
    """Keep which rules a build's Dockerfile breaks; once, however often it is recorded.

    A build that failed may have done so before BuildKit had read all of its Dockerfile.
    """
    found = found_by_build(build.warnings.all())
    if build.status in _SAYS_NOTHING or (build.status != Build.Status.SUCCEEDED and not found):
        return
    look, _created = RuleLook.objects.update_or_create(
        build=build,
        defaults={
            "project_id": build.project_id,
            "service_id": build.service_id,
            "at": build.listed_at,
            "counts": _counts(found),
            **{name: getattr(build, name) for name in ("target", "ref_name", "change_id")},
            "revision": build.revision,
        },
    )
    _follow(look, found, build)


@transaction.atomic
def take_lint(
    *,
    project_id: int,
    document: LintDocument,
    received_at: datetime | None = None,
    actor: ActorLike | None = None,
) -> RuleLook:
    """Keep what a run of the checks alone has found; the same again only moves its time."""
    at = not_after(document.checked_at, received_at or timezone.now())
    service = get_or_create_service(project_id=project_id, name=document.service)
    lock_service(service)
    found = _found_by_command(document.warnings)
    look, is_new = RuleLook.objects.update_or_create(
        service=service,
        content=content_of(document, "checked_at"),
        defaults={
            "project_id": project_id,
            "at": at,
            "counts": _counts(found),
            **document.model_dump(include={"target", "ref_name", "change_id", "revision"}),
        },
    )
    _follow(look, found, None)
    if actor and is_new:
        changes = {"service": service.slug, "content": bytes(look.content or b"").hex()}
        record_soon(
            actor=actor,
            action="lint.received",
            target=look,
            project=service.project,
            changes=changes,
        )
    return look


def _counts(found: Iterable[Found]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for item in found:
        counts[item.rule] = counts.get(item.rule, 0) + 1
    return counts


def _follow(look: RuleLook, found: list[Found], build: Build | None) -> None:
    """Write since when rules are broken, and where, if the look is of what may be in use."""
    RuleLook.objects.filter(pk=look.pk).update(branch_class=branch_class())
    look.refresh_from_db(fields=["branch_class"])
    if look.branch_class in NOT_IN_USE:
        return
    by_rule: dict[str, list[Found]] = {}
    for item in found:
        by_rule.setdefault(item.rule, []).append(item)
    known = Rule.objects.filter(service=look.service_id, target=look.target, name__in=by_rule)
    rules = {rule.name: rule for rule in known}
    for name, places in by_rule.items():
        rule = rules.get(name) or _new(look, name, build)
        _tell(rule, look, places, build)
        rule.save()


def _new(look: RuleLook, name: str, build: Build | None) -> Rule:
    return Rule(
        project_id=look.project_id,
        service_id=look.service_id,
        target=look.target,
        name=name,
        first_at=look.at,
        first_build=build,
    )


def _tell(rule: Rule, look: RuleLook, places: list[Found], build: Build | None) -> None:
    """Put on a rule what a look says, if the look is older than the first or newer than the last.

    A look without a build does not take the place of the first build of the same moment.
    """
    if look.at < rule.first_at:
        rule.first_at, rule.first_build = look.at, build
    if rule.last_at is None or look.at >= rule.last_at:
        rule.last_at, rule.last_build = look.at, build
        rule.count = len(places)
        rule.places = [_place(item) for item in places[:MOST_PLACES]]
        rule.description, rule.url = places[0].description[:500], places[0].url[:500]


def _place(item: Found) -> Mapping[str, Any]:
    return {"detail": item.detail, "file": item.file, "lines": [list(pair) for pair in item.lines]}
