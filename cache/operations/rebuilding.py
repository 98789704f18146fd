"""Making caches in registries anew: built with no cache, exported over what is there, verified.

Nothing is removed before: the export moves the tag when all is there, and until then there is
what was there. A blob that is missing is uploaded again; one that is corrupt may be kept by the
registry under its digest, which the check afterwards tells.
"""

from collections.abc import Iterable
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from accounts.models import Project
from buildkit.registry import canonical
from builds.models import Build
from cache.models import Operation, ReferenceDay
from cache.operations.plans import OnBehalf, Outcome, Plan
from cache.registries import allowed_names
from farm.models import BuildRequest, Source
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
    able = {
        name: [pk for pk in found if pk in sources]
        for name, found in exporters.items()
        if any(pk in sources for pk in found)
    }
    items = [
        {"source": pk, "references": [name for name, found in able.items() if pk in found]}
        for pk in sorted({pk for found in able.values() for pk in found})
    ]
    unable = [name for name in names if name not in able]
    builders = {name: [sources[pk].service.name for pk in found] for name, found in able.items()}
    return Plan(
        f"{len(items)} services are built with no cache, which makes {len(able)} references anew; "
        "then every byte of those is verified.",
        ("Reference", "Built by"),
        [(name, ", ".join(found)) for name, found in builders.items()],
        tuple(f"{name}: no service that exports it can be built here." for name in unable),
        items,
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
    """Queue the builds, and remember whose end is waited for."""
    by_source = {item["source"]: item["references"] for item in operation.items}
    sources = Source.objects.filter(pk__in=by_source).prefetch_related("needs")
    chosen = list(sources.select_related("service__project", "builder"))
    with transaction.atomic():
        made = trigger(sources=chosen, wish=Wish(no_cache=True, trigger=TRIGGER), actor=actor)
        followed = [
            {"build": request.pk, "references": by_source[request.source_id]} for request in made
        ]
        Operation.objects.filter(pk=operation.pk).update(followed=followed)
    return Outcome(f"{len(made)} builds are queued; what they export is verified as each succeeds.")


def ended(operation: Operation) -> tuple[list[str], list[str]]:
    """Return the references of builds that have succeeded, and what is to be said of the others.

    Those, and retries of them, that have not ended stay among what is followed.
    """
    references: list[str] = []
    told: list[str] = []
    left = []
    for item in operation.followed:
        last = _last_attempt(item["build"])
        if last is None:
            told.append(f"{', '.join(item['references'])}: the build is not known any more.")
        elif last.state != BuildRequest.State.ENDED:
            left.append(item)
        elif last.build.status == Build.Status.SUCCEEDED:
            references += item["references"]
        else:
            name = last.source.service.name
            told.append(f"{name}: its build {last.build.get_status_display().lower()}.")
    operation.followed = left
    return references, told


def _last_attempt(build: int) -> BuildRequest | None:
    requests = BuildRequest.objects.select_related("build", "source__service")
    last = requests.filter(pk=build).first()
    while last is not None:
        later = requests.filter(retry_of=last).order_by("-pk").first()
        if later is None:
            return last
        last = later
    return None
