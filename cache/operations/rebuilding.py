"""Making caches in registries anew: removed, built with no cache, and verified."""

from collections.abc import Iterable
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from accounts.models import Project
from buildkit.registry import NotFoundError, RegistryError
from cache.models import Operation, ReferenceDay
from cache.operations.plans import OnBehalf, Outcome, Plan
from cache.registries import allowed_names, by_host, canonical, registry_for
from farm.models import Source
from farm.queueing import Wish
from farm.services import trigger

TRIGGER = "rebuild"
EXPORTED_WITHIN = timedelta(days=90)


def plan(operation: Operation) -> Plan:
    """Find the services that export the chosen references and that this server can build."""
    names = allowed_names(operation.parameters["references"])
    exporters = exporters_of(operation.project, names)
    services = {pk for found in exporters.values() for pk in found}
    known = Source.objects.filter(service__in=services).select_related("service")
    sources = {source.pk: source for source in known}
    rows = [
        (name, ", ".join(sources[pk].service.name for pk in exporters[name] if pk in sources))
        for name in names
    ]
    able = [name for name, built in rows if built]
    notes = tuple(
        f"{name}: no service that exports it can be built here."
        for name, built in rows
        if not built
    )
    chosen = sorted({pk for name in able for pk in exporters[name] if pk in sources})
    return Plan(
        f"{len(able)} references are removed, and {len(chosen)} services built with no cache; "
        "then every byte is verified.",
        ("Reference", "Built by"),
        rows,
        notes,
        {"references": able, "sources": chosen} if able else [],
    )


def exporters_of(project: Project, names: Iterable[str]) -> dict[str, list[int]]:
    """Return the services that have exported to each reference of late."""
    since = (timezone.now() - EXPORTED_WITHIN).date()
    days = ReferenceDay.objects.filter(project=project, exports__gt=0, day__gte=since)
    rows = days.order_by().values_list("reference", "service_id").distinct()
    found: dict[str, list[int]] = {name: [] for name in names}
    for reference, service in rows:
        if (name := canonical(reference)) in found:
            found[name].append(service)
    return found


def carry_out(operation: Operation, actor: OnBehalf) -> Outcome:
    """Remove the references, and queue the builds; ``verify_after`` sees to the rest."""
    items = operation.plan["items"]
    told: list[str] = []
    for host, references in by_host(items["references"]).items():
        registry = registry_for(operation.project, host)
        for reference in references:
            try:
                digest = registry.manifest(reference).digest
                registry.delete_manifest(reference.at(digest))
            except NotFoundError:
                told.append(f"{reference} was not there.")
            except RegistryError as error:
                told.append(f"{reference} was not removed, and will be overwritten: {error}")
    sources = Source.objects.filter(pk__in=items["sources"]).select_related(
        "service__project", "builder"
    )
    with transaction.atomic():
        made = trigger(
            sources=list(sources), wish=Wish(no_cache=True, trigger=TRIGGER), actor=actor
        )
    return Outcome(
        f"{len(made)} builds are queued; what they export is verified as each ends.", tuple(told)
    )
