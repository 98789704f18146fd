"""Pieces of one build that arrive apart: which build they belong to, and what it is made of."""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Self

from django.db import connection

from buildkit.model import Build as DecodedBuild
from builds.models import Build, Service
from builds.services import BuildContext, delete_build
from ingest.models import IngestPayload, PayloadBuild
from ingest.uploads import Part, unpack


class Identity(NamedTuple):
    """What tells one build of a pipeline run from another; empty where it is not known."""

    ref: str
    target: str
    platforms: tuple[str, ...]
    variant: str
    environment: str

    @classmethod
    def of(cls, build: Build) -> Self:
        """Return what is known of a build."""
        platforms = tuple(sorted(build.platforms))
        return cls(build.buildkit_ref, build.target, platforms, build.variant, build.environment)

    @classmethod
    def of_piece(cls, decoded: DecodedBuild, context: BuildContext) -> Self:
        """Return what a piece records, and what its sender says of it."""
        platforms = tuple(sorted(decoded.platforms))
        said = context.variant, context.environment
        return cls(decoded.buildkit_ref, decoded.target, platforms, *said)

    def agrees(self, other: Self) -> bool:
        """Tell whether nothing contradicts; an unknown contradicts nothing."""
        return all(not one or not two or one == two for one, two in zip(self, other, strict=True))

    def over(self, older: Self) -> Self:
        """Return what both tell; where they differ, what this one does."""
        return type(self)._make(new or old for new, old in zip(self, older, strict=True))


def find_build(service: Service, decoded: DecodedBuild, context: BuildContext) -> Build | None:
    """Return the build that a decoded piece belongs to, or ``None`` for a new one.

    The BuildKit ref decides where both have one. Else it is the only build of the same service
    and pipeline run whose target, platforms, variant and environment do not contradict.
    """
    known = find_by_ref(service.project_id, decoded.buildkit_ref)
    if not context.pipeline_run_id:
        return known
    piece = Identity.of_piece(decoded, context)
    rest = _builds_of_run(service, context.pipeline_run_id, besides=known)
    if known is None:
        fitting = [build for build in rest if Identity.of(build).agrees(piece)]
        return Build.objects.get(pk=fitting[0].pk) if len(fitting) == 1 else None
    whole = piece.over(Identity.of(known))
    if len(rest) == 1 and not rest[0].buildkit_ref and Identity.of(rest[0]).agrees(whole):
        _absorb(known, rest[0].pk)
    return known


def _builds_of_run(service: Service, pipeline_run_id: str, besides: Build | None) -> list[Build]:
    builds = Build.objects.filter(service=service, pipeline_run_id=pipeline_run_id)
    builds = builds.exclude(pk=besides.pk) if besides else builds
    return list(builds.only("buildkit_ref", "target", "platforms", "variant", "environment"))


def find_by_ref(project_id: int, ref: str) -> Build | None:
    """Return the project's build of that BuildKit ref."""
    if not ref:
        return None
    builds = Build.objects.filter(project_id=project_id, buildkit_ref=ref)
    return builds.select_related("service").first()


def _absorb(known: Build, other_id: int) -> None:
    """Make one build of two that came without anything in common, until a piece named both."""
    told_of_known = PayloadBuild.objects.filter(build=known).values("payload")
    told_of_other = PayloadBuild.objects.filter(build_id=other_id)
    told_of_other.exclude(payload__in=told_of_known).update(build=known)
    delete_build(Build.objects.select_related("service").get(pk=other_id))


def link(payload: IngestPayload, build: Build) -> None:
    """Note that ``payload`` told of ``build``."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO ingest_payloadbuild (payload_id, build_id) VALUES (%s, %s)"
            " ON CONFLICT DO NOTHING",
            [payload.pk, build.pk],
        )


@dataclass(frozen=True, slots=True)
class Told:
    """What one payload says of a build, or several together."""

    parts: dict[str, Part]
    fields: dict[str, str]


def united(build: Build, payload: IngestPayload, parts: dict[str, Part]) -> Told:
    """Return the newest part and field of each name over all payloads that told of ``build``.

    Newest by receipt: workers may digest a later payload first.
    """
    told = [_Receipt.of(other) for other in build.payloads.exclude(pk=payload.pk)]
    told.append(_Receipt(payload.received_at, payload.pk, Told(parts, payload.fields)))
    return _merged(told)


def all_told(build: Build) -> Told:
    """Return the same of the payloads that are kept; nothing once all are purged."""
    return _merged([_Receipt.of(payload) for payload in build.payloads.all()])


class _Receipt(NamedTuple):
    """What a payload says, and when it came."""

    received_at: datetime
    pk: int
    told: Told

    @classmethod
    def of(cls, payload: IngestPayload) -> Self:
        """Unpack a payload."""
        told = Told(unpack(payload.parts, payload.body), payload.fields)
        return cls(payload.received_at, payload.pk, told)


def _merged(receipts: list[_Receipt]) -> Told:
    merged = Told({}, {})
    for receipt in sorted(receipts, key=lambda item: item[:2]):
        merged.parts.update(receipt.told.parts)
        merged.fields.update(receipt.told.fields)
    return merged
