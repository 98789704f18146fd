"""Which registries the server asks about a project's caches, as whom, and about which."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.db.models import Max
from django.utils import timezone

from accounts.models import Project
from buildkit.registry import InvalidReferenceError, Reference, Registry, credentials_for
from cache.models import ReferenceDay

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


def canonical(text: str) -> str:
    """Return a reference as registries and quarantines name it; what is none stays as it is."""
    try:
        return str(Reference.parse(text))
    except InvalidReferenceError:
        return text


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
    days = ReferenceDay.objects.filter(project=project, day__gte=since.date())
    names = days.order_by().values_list("reference").annotate(last=Max("day"))
    return by_host(name for name, _ in names.order_by("-last", "reference")[:MOST])


def by_host(names: Iterable[str]) -> ByHost:
    """Return the references that may be asked for, by registry."""
    found: defaultdict[str, list[Reference]] = defaultdict(list)
    for name in names:
        if reference := allowed(name):
            found[reference.host].append(reference)
    return found


def allowed_names(names: Iterable[str]) -> list[str]:
    """Return those that may be asked for, as registries name them."""
    return [str(reference) for found in by_host(names).values() for reference in found]


def last_uses() -> dict[str, datetime]:
    """Return when builds of any project imported or exported each reference last."""
    days = ReferenceDay.objects.order_by().values_list("reference")
    found: dict[str, datetime] = {}
    for name, *used in days.annotate(Max("last_import_at"), Max("last_export_at")):
        moments = [moment for moment in used if moment]
        if moments and (reference := allowed(name)):
            found[str(reference)] = max(*moments, found.get(str(reference), moments[0]))
    return found


def of_others(project: Project) -> set[str]:
    """Return the references that other projects' builds have used: those are not this one's."""
    others = ReferenceDay.objects.exclude(project=project).order_by()
    found = map(allowed, others.values_list("reference", flat=True).distinct())
    return {str(reference) for reference in found if reference}
