"""What scans of an image found, read from the reports themselves.

A scan of an image that is no longer the newest changes no finding, yet it is asked whether that
image may ship: so the report is read, not the findings' states. A finding of its key tells since
when it is known.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Q

from buildkit.errors import ParseError
from ingest.models import IngestPayload
from ingest.schemas import parse_trivy_fields
from ingest.trivy import report_of, stated_of
from policies.excuses import Excuse, Excuses
from policies.images import Subject
from security.models import Finding, Scan
from security.narrowing import Stated, doubt_of
from security.seen import Seen, seen_in, united
from supplychain.gate.evidence import SCANNED, Found, Scanned

MOST_SCANS = 50
"""Scans of an image that are looked at, the newest first, for one of each kind and platform."""


@dataclass(frozen=True, slots=True)
class Scans:
    """What the newest scans of an image say, and for which platforms nobody looked."""

    scans: tuple[Scanned, ...]
    findings: tuple[Found, ...]
    unscanned: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Newest:
    """The newest scan of a platform's image that looked for one kind."""

    kind: str
    platform: str
    scan: Scan


def scans_of(subject: Subject, environment: str) -> Scans:
    """Read what the newest scans of a subject's images found, and what is waived there."""
    candidates = list(
        Scan.objects.filter(project=subject.project)
        .filter(Q(image__in=subject.images) | Q(digests__overlap=list(subject.digests)))
        .select_related("lineage")
        .order_by("-scanned_at", "-received_at", "-pk")[:MOST_SCANS]
    )
    platforms = {image.pk: image.platform for image in subject.images}
    reports = Reports()
    read = [item for item in _newest(candidates, platforms, reports) if reports.of(item.scan)]
    told = set(platforms.values())
    wanted = sorted(told if any(told) else {item.platform for item in read}) or [""]
    unscanned = [
        (kind, platform)
        for kind in SCANNED
        for platform in wanted
        if not any(item.kind == kind and item.platform == platform for item in read)
    ]
    complete = [item for item in read if item.kind not in {kind for kind, _ in unscanned}]
    return Scans(
        tuple(_scanned(kind, complete, reports) for kind in _kinds(complete)),
        tuple(_found(subject, environment, complete, reports)),
        tuple(unscanned),
    )


@dataclass(frozen=True, slots=True)
class Read:
    """A report as it is kept, read again."""

    sha256: str
    stated: Stated
    platform: str
    seen: dict[bytes, Seen]
    doubts: dict[str, str]
    """By kind, what the report itself shows to lack."""


class Reports:
    """The reports of scans as they are kept, each read once, when it is asked for."""

    def __init__(self) -> None:
        self._read: dict[int, Read | None] = {}

    def of(self, scan: Scan) -> Read | None:
        """Return a scan's report; ``None`` of one that is not kept any more."""
        if scan.pk not in self._read:
            payload = IngestPayload.objects.filter(scan_link__scan=scan).first()
            self._read[scan.pk] = _read(payload) if payload else None
        return self._read[scan.pk]


def _read(payload: IngestPayload) -> Read | None:
    try:
        report = report_of(payload)
    except ParseError:
        return None  # it was read once; what cannot be read now speaks for nothing
    stated = stated_of(parse_trivy_fields(payload.fields))
    return Read(
        payload.parts[0]["sha256"],
        stated,
        report.artifact.platform,
        seen_in(report),
        {kind: doubt_of(stated, report, kind) for kind in SCANNED},
    )


def _kinds(newest: Iterable[Newest]) -> list[str]:
    have = {item.kind for item in newest}
    return [kind for kind in SCANNED if kind in have]


def _newest(candidates: list[Scan], platforms: dict[int, str], reports: Reports) -> list[Newest]:
    """Return of each kind and platform the newest scan, whatever it left out: that is told."""
    found: dict[tuple[str, str], Newest] = {}
    for scan in candidates:
        platform = _platform_of(scan, platforms, reports)
        if platform is not None:
            for kind in scan.kinds:
                # Of a platform that is not known it says nothing beside newer ones.
                if platform or kind not in {name for name, _ in found}:
                    found.setdefault((kind, platform), Newest(kind, platform, scan))
    return list(found.values())


def _platform_of(scan: Scan, platforms: dict[int, str], reports: Reports) -> str | None:
    """Return for which platform's image a scan speaks; ``None`` if that is not known."""
    distinct = set(platforms.values())
    if not any(distinct):
        # What is known by one digest may be an index and not say so: then the report has told.
        return scan.lineage.platform if scan.lineage else ""
    if scan.image_id in platforms:
        return platforms[scan.image_id]
    if len(distinct) == 1:
        return next(iter(distinct))
    # It names the index alone; the report tells which of its images the scanner took.
    report = reports.of(scan)
    return report.platform if report and report.platform in distinct else None


def _scanned(kind: str, newest: list[Newest], reports: Reports) -> Scanned:
    """Return one fact for all platforms: of several scans the oldest, and what any left out."""
    own = [item.scan for item in newest if item.kind == kind]
    read = [report for scan in own if (report := reports.of(scan))]
    oldest = min(own, key=lambda scan: scan.scanned_at)
    databases = [scan.database_updated_at for scan in own]
    narrowed = [set(one.stated.severities) for one in read if one.stated.severities]
    return Scanned(
        kind,
        oldest.scanned_at,
        read[own.index(oldest)].sha256,
        min((at for at in databases if at), default=None) if all(databases) else None,
        any(seen.is_known_exploited is not None for one in read for seen in one.seen.values()),
        tuple(sorted(set.intersection(*narrowed))) if narrowed else (),
        any(one.stated.ignore_unfixed for one in read),
        tuple(sorted({name for one in read for name in one.stated.packages_left_out()})),
        next(filter(None, _doubts(kind, own, read)), ""),
    )


def _doubts(kind: str, scans: Iterable[Scan], read: Iterable[Read]) -> Iterable[str]:
    """Yield why scans seem to lack what is there; what their senders said is no doubt."""
    yield from (one.doubts[kind] for one in read)
    yield from (scan.narrowed_by for scan in scans if scan.is_narrowing_guessed)


def _found(
    subject: Subject, environment: str, newest: list[Newest], reports: Reports
) -> Iterable[Found]:
    seen: dict[bytes, Seen] = {}
    for item in newest:
        report = reports.of(item.scan)
        for key, one in report.seen.items() if report else ():
            if one.kind == item.kind:
                seen[key] = united(one, seen[key]) if key in seen else one
    known = _known(subject, seen)
    excuses = Excuses(subject, environment, seen.values())
    worst_first = sorted(seen.items(), key=lambda pair: (-pair[1].severity, pair[1].name, pair[0]))
    for key, one in worst_first:
        finding = known.get(key)
        yield _as_found(one, finding, excuses.of(one, finding))


def _known(subject: Subject, keys: Iterable[bytes]) -> dict[bytes, Finding]:
    if subject.build is None:
        return {}
    rows = Finding.objects.with_keys(subject.build.service_id, keys)
    return {bytes(row.key): row for row in rows}


def _as_found(seen: Seen, known: Finding | None, excuse: Excuse | None) -> Found:
    return Found(
        kind=str(seen.kind),
        name=seen.name,
        severity=seen.severity.label,
        where=seen.package or seen.resource,
        fixed_version=seen.fixed_version,
        first_seen_at=known.first_seen_at if known else None,
        is_known_exploited=seen.is_known_exploited,
        excused_by=excuse.by if excuse else "",
        excused_until=excuse.until if excuse else None,
    )
