"""Pieces of one build that arrive apart: which build they belong to, and what it is made of."""

from typing import Any

from buildkit.model import Build as DecodedBuild
from builds.models import Build, Service
from ingest.models import IngestPayload
from ingest.uploads import Part, unpack


def find_build(service: Service, decoded: DecodedBuild, pipeline_run_id: str) -> Build | None:
    """Return the build that a decoded piece belongs to, or ``None`` for a new one.

    The BuildKit ref decides where both have one. Else it is the only build of the same service
    and pipeline run whose target and platforms do not contradict; an unknown contradicts nothing.
    """
    if same_ref := find_by_ref(service.project_id, decoded.buildkit_ref):
        return same_ref
    if not pipeline_run_id:
        return None
    of_run = Build.objects.filter(service=service, pipeline_run_id=pipeline_run_id)
    identities = of_run.values_list("pk", "buildkit_ref", "target", "platforms")
    candidates = [pk for pk, *identity in identities if _agrees(identity, decoded)]
    return Build.objects.get(pk=candidates[0]) if len(candidates) == 1 else None


def find_by_ref(project_id: int, ref: str) -> Build | None:
    """Return the project's build of that BuildKit ref."""
    if not ref:
        return None
    builds = Build.objects.filter(project_id=project_id, buildkit_ref=ref)
    return builds.select_related("service").first()


def _agrees(identity: list[Any], decoded: DecodedBuild) -> bool:
    ref, target, platforms = identity
    pairs = (
        (ref, decoded.buildkit_ref),
        (target, decoded.target),
        (sorted(platforms), sorted(decoded.platforms)),
    )
    return all(not old or not new or old == new for old, new in pairs)


def united(build: Build, payload: IngestPayload, parts: dict[str, Part]) -> dict[str, Part]:
    """Return the newest part of each name over all payloads that told of ``build``.

    Newest by receipt: workers may digest a later payload first.
    """
    told = [
        (other.received_at, other.pk, unpack(other.parts, other.body))
        for other in build.payloads.exclude(pk=payload.pk)
    ]
    told.append((payload.received_at, payload.pk, parts))
    merged: dict[str, Part] = {}
    for _, _, found in sorted(told, key=lambda item: item[:2]):
        merged |= found
    return merged
