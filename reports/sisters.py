"""Which services of a project are like one another."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from django.db.models import OuterRef, Subquery

from builds.models import Build, Material, Service

MOST_SERVICES = 200
"""Services of a project that are looked at, by name."""

MOST_SISTERS = 50
TOOLS = ("docker/dockerfile", "docker/dockerfile-upstream", "docker/buildkit-syft-scanner")
"""Images that a build runs with, and is not built from."""


@dataclass(frozen=True, slots=True)
class Sister:
    """A service that may be held against another, and by which rule."""

    service: Service
    rule: str


def sisters_of(service: Service) -> list[Sister]:
    """Return services whose last build had a base image repository of this one's last build.

    Without any, those with the same target, or else the same variant, by name.
    """
    known = _last_builds(service)
    own = known.pop(service.pk, None)
    if own is None:
        return []
    bases = _bases([own.last_build, *(other.last_build for other in known.values())])
    found = _by_base(known, bases, bases[own.last_build])
    return (found or _by_name(known, own))[:MOST_SISTERS]


@dataclass(frozen=True, slots=True)
class _Last:
    service: Service
    last_build: int
    target: str
    variant: str


def _last_builds(service: Service) -> dict[int, _Last]:
    """Return the last succeeded build of each service of the project, and of this one."""
    newest = Build.objects.filter(service=OuterRef("pk")).succeeded().newest_first()
    services = Service.objects.filter(project=service.project_id).annotate(
        last_build=Subquery(newest.values("pk")[:1])
    )
    others = services.exclude(pk=service.pk).order_by("name", "pk")[:MOST_SERVICES]
    rows: list[Any] = [*services.filter(pk=service.pk), *others]
    names = Build.objects.only("target", "variant").in_bulk(
        [row.last_build for row in rows if row.last_build]
    )
    return {
        row.pk: _Last(row, row.last_build, build.target, build.variant)
        for row in rows
        if (build := names.get(row.last_build)) is not None
    }


def _bases(builds: list[int]) -> defaultdict[int, set[str]]:
    found: defaultdict[int, set[str]] = defaultdict(set)
    materials = Material.objects.filter(build__in=builds, uri__startswith="pkg:docker/")
    for build, uri in materials.order_by().values_list("build_id", "uri"):
        if (name := repository_of(uri)) not in TOOLS:
            found[build].add(name)
    return found


def repository_of(uri: str) -> str:
    """Return the repository of an image's package URL: no tag, digest or platform."""
    name = uri.removeprefix("pkg:docker/").partition("?")[0].partition("#")[0]
    return unquote(name.partition("@")[0])


def _by_base(
    known: Mapping[int, _Last], bases: Mapping[int, set[str]], own: set[str]
) -> list[Sister]:
    return [
        Sister(other.service, f"base image {', '.join(sorted(shared))}")
        for other in known.values()
        if (shared := bases[other.last_build] & own)
    ]


def _by_name(known: Mapping[int, _Last], own: _Last) -> list[Sister]:
    for name in ("target", "variant"):
        said = getattr(own, name)
        same = [other for other in known.values() if said and getattr(other, name) == said]
        if same:
            return [Sister(other.service, f"{name} {said}") for other in same]
    return []
