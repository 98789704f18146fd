"""Which registries the server asks about a project's caches, as whom, and about which."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.db.models import Max, Q
from django.utils import timezone

from accounts.models import Project
from buildkit.registry import (
    InvalidReferenceError,
    Reference,
    Registry,
    canonical,
    credentials_for,
)
from buildkit.registry.reference import DOCKER_HUB
from cache.models import ReferenceDay
from cache.querysets import DayQuerySet

KNOWN_FOR = timedelta(days=90)
"""References that no build has used for that long are looked at no more."""

MOST = 500
"""References of a project that are looked at, those used last."""

type ByHost = Mapping[str, list[Reference]]


def registry_for(project: Project, host: str) -> Registry:
    """Return a registry with the project's credentials; without any it is asked anonymously.

    Raises:
        RegistryError: the credentials cannot be read.
    """
    folder = Path(settings.REGISTRY_CONFIG_DIR) / project.slug
    return Registry(host, credentials_for(host, folder))


def allowed(text: str) -> Reference | None:
    """Return the reference if it is one, of a registry that the server may ask."""
    try:
        reference = Reference.parse(text)
    except InvalidReferenceError:
        return None
    return reference if reference.host in settings.CACHE_REGISTRIES else None


def references_of(project: Project) -> ByHost:
    """Return the references that the project's builds have used, and that may be asked for."""
    since = timezone.now() - KNOWN_FOR
    days = _allowed_days().filter(project=project, day__gte=since.date())
    names = days.values_list("reference").annotate(last=Max("day"))
    return by_host(name for name, _ in names.order_by("-last", "reference")[:MOST])


def exports_of(project: Project) -> ByHost:
    """Return the references that the project's builds have ever exported to: its own caches."""
    days = _allowed_days().filter(project=project, exports__gt=0)
    names = days.values_list("reference").annotate(last=Max("day"))
    return by_host(name for name, _ in names.order_by("last", "reference")[:MOST])


def by_host(names: Iterable[str]) -> ByHost:
    """Return the references that may be asked for, by registry, each once."""
    found: defaultdict[str, dict[Reference, None]] = defaultdict(dict)
    for name in names:
        if reference := allowed(name):
            found[reference.host][reference] = None
    return {host: list(references) for host, references in found.items()}


def allowed_names(names: Iterable[str]) -> list[str]:
    """Return those that may be asked for, as registries name them."""
    return [str(reference) for found in by_host(names).values() for reference in found]


def last_uses(references: Iterable[Reference]) -> dict[str, datetime]:
    """Return when builds of any project imported or exported each of these last."""
    names = {str(reference) for reference in references}
    found: dict[str, datetime] = {}
    days = _allowed_days().values_list("reference")
    for name, *used in days.annotate(Max("last_import_at"), Max("last_export_at")):
        moments = [moment for moment in used if moment]
        if moments and (known := canonical(name)) in names:
            found[known] = max(*moments, found.get(known, moments[0]))
    return found


def used_by_others(project: Project) -> set[str]:
    """Return the references that other projects' builds have ever used."""
    others = _allowed_days().exclude(project=project)
    return {canonical(name) for name in others.values_list("reference", flat=True).distinct()}


def _allowed_days() -> DayQuerySet:
    """Return what is known of references in registries that may be asked, as far as names tell."""
    hosts = [host for host in settings.CACHE_REGISTRIES if host != DOCKER_HUB]
    named = Q()
    for host in hosts:
        named |= Q(reference__startswith=f"{host}/")
    has_hub = len(hosts) < len(settings.CACHE_REGISTRIES)
    days = ReferenceDay.objects.order_by()
    return days if has_hub else days.filter(named) if hosts else days.none()
