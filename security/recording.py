"""A scan becomes findings: what has come, what is there still, what has gone."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from django.db import transaction

from buildinsights.copying import copy_rows
from builds.models import Service
from builds.services import lock_service
from security.following import follow
from security.matching import Match, is_older, lineage_of
from security.models import Finding, Lineage, Presence, Scan
from security.narrowing import Missing, Stated, narrowed_by
from security.order import overtaken
from security.origins import Origin, origins_of
from security.seen import Seen, seen_in
from security.states import changing, keep_fresh, next_keys
from supplychain.reports.model import Report

FACTS = (
    "severity",
    "aliases",
    "severity_source",
    "cvss_score",
    "cvss_vector",
    "epss",
    "is_known_exploited",
    "title",
    "url",
    "fixed_version",
)
"""Of a finding that a newer scan may say otherwise."""

PLACE = ("installed_version", "status", "path", "layer")
"""Of a presence, likewise."""

ORIGIN = ("introduced_by_id", "layer_digest", "instruction", "is_from_base", "base")
"""Of a finding, when it comes and each time that it comes back."""

NEWER = "A newer scan had looked for {kinds}: nothing of that has changed."

NOT_SETTLED: tuple[Any, ...] = ("", "", [])
"""The states and environments of a finding until it is settled, in the same transaction."""


@dataclass(frozen=True, slots=True)
class There:
    """A finding that is in a lineage, as it was kept."""

    presence: int
    finding: int
    facts: tuple[Any, ...]
    place: tuple[Any, ...]
    missing: Missing


@transaction.atomic
def record_scan(
    *,
    scan: Scan,
    service: Service,
    report: Report,
    found: Match | None,
    fields: Mapping[str, str],
    stated: Stated,
) -> Scan:
    """Keep a scan, whose ``kinds`` are known, and what it says of its service's findings.

    A rescan that finds the same writes the scan alone. A scan of an older image than the
    lineage's newest, or one that is older than another of the same image, is kept and changes
    nothing.
    """
    lock_service(service)
    lineage = lineage_of(service, found, fields, report.artifact.platform)
    scan.service, scan.lineage = service, lineage
    scan.image, scan.build = (found.image, found.build) if found else (None, None)
    late = overtaken(scan, lineage)
    scan.is_late = is_older(lineage, found) or (bool(late) and late == set(scan.kinds))
    if late and not scan.is_late:
        scan.problems = [*scan.problems, NEWER.format(kinds=", ".join(sorted(late)))]
    scan.save()
    if not scan.is_late:
        touched = follow(lineage, scan, found)
        _apply(scan, lineage, report, late, stated, found, touched)
    return scan


def _apply(
    scan: Scan,
    lineage: Lineage,
    report: Report,
    late: Collection[str],
    stated: Stated,
    found: Match | None,
    touched: set[int],
) -> None:
    """Write what a scan changes, but for kinds of which it is ``late``.

    ``touched`` are findings that its image alone may change.
    """
    seen = {key: item for key, item in seen_in(report).items() if item.kind not in late}
    there = {key: item for key, item in _there(lineage).items() if item.missing.kind not in late}
    came = [item for key, item in seen.items() if key not in there]
    gone = _gone(scan, report, seen, there, stated)
    both = [(item, there[key]) for key, item in seen.items() if key in there]
    known = _known(lineage, [item.key for item in came])
    touched |= {item.finding for item in gone} | {old.pk for old in known.values()}
    touched |= {old.finding for new, old in both if _is_moved(new, old)}
    with changing(touched, scan.received_at, scan):
        if came:
            _add(scan, lineage, came, known, found)
        _end(scan, gone)
        _say_anew(both)
    scan.came, scan.went = len(came), len(gone)
    scan.save(update_fields=["came", "went", "narrowed_by", "is_narrowing_guessed"])


def _there(lineage: Lineage) -> dict[bytes, There]:
    """Return the findings that are in a lineage, by key."""
    rows = Presence.objects.filter(lineage=lineage, ended_at__isnull=True).values_list(
        "finding__key",
        "pk",
        "finding",
        "finding__kind",
        "finding__target_class",
        *(f"finding__{name}" for name in FACTS),
        *PLACE,
    )
    return {bytes(row[0]): _kept(row) for row in rows}


def _kept(row: Sequence[Any]) -> There:
    facts, place = tuple(row[5 : 5 + len(FACTS)]), tuple(row[5 + len(FACTS) :])
    missing = Missing(row[3], row[4], facts[0], bool(facts[FACTS.index("fixed_version")]))
    return There(row[1], row[2], facts, place, missing)


def _gone(
    scan: Scan,
    report: Report,
    seen: Mapping[bytes, Seen],
    there: Mapping[bytes, There],
    stated: Stated,
) -> list[There]:
    """Return what is there no more, noting on the scan if that cannot be told."""
    lacking = [
        item
        for key, item in there.items()
        if key not in seen and item.missing.kind in set(scan.kinds)
    ]
    narrowing = narrowed_by(stated, report, seen.values(), [item.missing for item in lacking])
    scan.narrowed_by = narrowing.sentence if narrowing else ""
    scan.is_narrowing_guessed = narrowing is not None and narrowing.is_guessed
    return [] if narrowing else lacking


def _add(
    scan: Scan,
    lineage: Lineage,
    came: Sequence[Seen],
    known: dict[bytes, Finding],
    found: Match | None,
) -> None:
    """Keep what has come: presences of what is known from elsewhere, and of what is new."""
    came = sorted(came, key=lambda item: item.key)
    origins = origins_of(found, {item.layer for item in came})
    _say_origin(came, known, origins)
    back = [(item, known[item.key]) for item in came if item.key in known]
    _write(Finding, FACTS, ((row.pk, _facts(item), _facts_of(row)) for item, row in back))
    fresh = [item for item in came if item.key not in known]
    new = dict(zip((item.key for item in fresh), next_keys(len(fresh)), strict=True))
    keys = {key: finding.pk for key, finding in known.items()} | new
    copy_rows(
        "security_presence",
        ("lineage_id", "finding_id", "since_id", *PLACE),
        (
            (lineage.pk, keys[item.key], scan.pk, *(getattr(item, name) for name in PLACE))
            for item in came
        ),
    )
    if fresh:
        rows = ((new[item.key], *_finding_row(scan, item, origins[item.layer])) for item in fresh)
        keep_fresh(("id", *FINDING_COLUMNS), rows, new.values(), scan)


def _known(lineage: Lineage, keys: Sequence[bytes]) -> dict[bytes, Finding]:
    if not keys:
        return {}
    rows = Finding.objects.with_keys(lineage.service_id, keys)
    rows = rows.order_by().only("pk", "key", "seen_state", *FACTS)
    return {bytes(row.key): row for row in rows}


def _say_origin(
    came: Iterable[Seen], known: Mapping[bytes, Finding], origins: Mapping[str, Origin]
) -> None:
    """Write where findings came from that were gone: they may have come back another way."""
    back = []
    for item in came:
        row = known.get(item.key)
        if row is not None and row.seen_state == Finding.State.FIXED:
            values = zip(ORIGIN, _origin(origins[item.layer]), strict=True)
            back.append(Finding(pk=row.pk, **dict(values)))
    if back:
        Finding.objects.bulk_update(back, ORIGIN, batch_size=500)


FINDING_COLUMNS = (
    "public_id",
    "project_id",
    "service_id",
    "key",
    "kind",
    "target_class",
    "package",
    "name",
    "resource",
    *FACTS,
    "state",
    "seen_state",
    "environments",
    "first_seen_at",
    "times_reopened",
    *ORIGIN,
)


def _finding_row(scan: Scan, item: Seen, origin: Origin) -> tuple[Any, ...]:
    return (
        uuid4(),
        scan.project_id,
        scan.service_id,
        item.key,
        str(item.kind),
        item.target_class,
        item.package,
        item.name,
        item.resource,
        *_facts(item),
        *NOT_SETTLED,
        scan.scanned_at,
        0,
        *_origin(origin),
    )


def _origin(origin: Origin) -> tuple[Any, ...]:
    return (
        origin.build_id,
        origin.layer_digest,
        origin.instruction,
        origin.is_from_base,
        origin.base,
    )


def _facts(item: Seen) -> tuple[Any, ...]:
    others = FACTS[len(("severity", "aliases")) :]
    return (int(item.severity), list(item.aliases), *(getattr(item, name) for name in others))


def _facts_of(row: Finding) -> tuple[Any, ...]:
    return tuple(getattr(row, name) for name in FACTS)


def _end(scan: Scan, gone: Collection[There]) -> None:
    keys = [item.presence for item in gone]
    if keys:
        Presence.objects.filter(pk__in=keys).update(until=scan, ended_at=scan.received_at)


def _is_moved(new: Seen, old: There) -> bool:
    """Whether a scan says otherwise what decides how a finding stands."""
    said = (new.severity, list(new.aliases), new.installed_version)
    return said != (old.facts[0], old.facts[1], old.place[0])


def _say_anew(both: Sequence[tuple[Seen, There]]) -> None:
    """Write what a scan says otherwise of findings that were there."""
    _write(Finding, FACTS, ((old.finding, _facts(new), old.facts) for new, old in both))
    _write(
        Presence,
        PLACE,
        (
            (old.presence, tuple(getattr(new, name) for name in PLACE), old.place)
            for new, old in both
        ),
    )


def _write(
    model: Any,
    names: tuple[str, ...],
    rows: Iterable[tuple[int, tuple[Any, ...], tuple[Any, ...]]],
) -> None:
    changed = [
        model(pk=pk, **dict(zip(names, now, strict=True)))
        for pk, now, before in rows
        if now != before
    ]
    if changed:
        model.objects.bulk_update(changed, names, batch_size=500)
