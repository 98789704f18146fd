"""Pieces of one build that arrive apart: which build they belong to, and what it is made of."""

from buildkit.model import Build as DecodedBuild
from builds.models import Build, Service
from ingest.models import IngestPayload
from ingest.uploads import Part, unpack


def find_build(service: Service, decoded: DecodedBuild, pipeline_run_id: str) -> Build | None:
    """Return the build that a decoded piece belongs to, or ``None`` for a new one.

    The BuildKit ref decides where both have one. Else it is the only build of the same service
    and pipeline run whose target and platforms do not contradict; an unknown contradicts nothing.
    """
    if decoded.buildkit_ref:
        same_ref = Build.objects.filter(
            project_id=service.project_id, buildkit_ref=decoded.buildkit_ref
        ).first()
        if same_ref:
            return same_ref
    if not pipeline_run_id:
        return None
    candidates = [
        build
        for build in Build.objects.filter(service=service, pipeline_run_id=pipeline_run_id)
        if _agrees(build, decoded)
    ]
    return candidates[0] if len(candidates) == 1 else None


def _agrees(build: Build, decoded: DecodedBuild) -> bool:
    pairs = (
        (build.buildkit_ref, decoded.buildkit_ref),
        (build.target, decoded.target),
        (sorted(build.platforms), sorted(decoded.platforms)),
    )
    return all(not old or not new or old == new for old, new in pairs)


def united(build: Build, payload: IngestPayload, parts: dict[str, Part]) -> dict[str, Part]:
    """Return the newest part of each name over all payloads that told of ``build``."""
    merged: dict[str, Part] = {}
    earlier = build.payloads.exclude(pk=payload.pk).order_by("received_at", "pk")
    for other in earlier:
        merged |= unpack(other.parts, other.body)
    return merged | parts
