"""Invalidation: steps of a service run again that a cache would give, and nothing else."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

from django.utils import timezone

from buildinsights.templatetags.formats import filesize
from buildkit.caching.cutting import Cutting, cuttings
from buildkit.caching.installing import Bound, installs_below
from buildkit.caching.invalidating import Choice, find
from buildkit.caching.matching import Recorded
from buildkit.caching.references import read_cache
from buildkit.caching.surgery import cut_out
from buildkit.caching.versions import Ecosystem
from buildkit.errors import ParseError
from buildkit.model import Build as DecodedBuild
from buildkit.model import Step
from buildkit.registry import Reference, Registry, RegistryError
from builds.models import Build, Service
from cache.explaining import without_logs
from cache.models import Operation, ReferenceDay
from cache.operations.builders import item as remembered
from cache.operations.builders import remove_from, row, usage_of
from cache.operations.plans import OnBehalf, Outcome, Plan
from cache.registries import allowed, registry_for, used_by_others
from ingest.stored import read_stored

HISTORY = timedelta(days=28)
MOST_BUILDS = 60
"""Builds of the service that are read, the newest ones."""


def plan(operation: Operation) -> Plan:
    """Find what the meant steps, and those that need them, have left in builder and registries."""
    said, builder = operation.parameters, operation.builder
    service = Service.objects.select_related("project").get(
        project=operation.project, slug=said["service"]
    )
    choice, bound = Choice(said["stage"], said["from_step"]), bound_of(said)

    def is_meant(step: Step) -> bool:
        return choice.has(step) and (bound is None or installs_below(step, bound))

    entries = usage_of(builder).entries if builder else ()
    builds = ((service.name, decoded) for decoded in _decoded(service, with_logs=bound is not None))
    found = find(builds, [service.name], is_meant, entries)
    cuts = [] if said["builder_only"] else _cuts(service, found.steps, bound)
    rows = [("builder", *row(entry)[:2]) for entry in found.entries]
    rows += [(str(cut.cache.reference), reason, "") for cut in cuts for reason in cut.reasons]
    notes = [*found.unmapped, *(text for cut in cuts for text in cut.unread)]
    layers = sum(len(cut.layers) for cut in cuts)
    size = filesize(sum(entry.bytes for entry in found.entries))
    items = {
        "entries": [remembered(entry) for entry in found.entries],
        "cuts": [_cut(cut) for cut in cuts if cut.layers],
    }
    return Plan(
        f"{len(found.entries)} entries of the builder, {size}, and {layers} layers in registries "
        "with what stands on them.",
        ("Where", "What", "Size"),
        rows,
        tuple(notes),
        items if found.entries or layers else [],
    )


def bound_of(said: dict[str, Any]) -> Bound | None:
    """Return the package below a version that is meant, if one is."""
    if not said["package"]:
        return None
    kind = Ecosystem(said["ecosystem"]) if said["ecosystem"] else None
    return Bound(said["package"], said["below"], kind)


def _decoded(service: Service, *, with_logs: bool) -> Iterator[DecodedBuild]:
    """Yield the last builds of a service with all that was recorded of them."""
    recent = Build.objects.filter(service=service, listed_at__gte=timezone.now() - HISTORY)
    for build in recent.finished().newest_first()[:MOST_BUILDS]:
        try:
            stored = read_stored(build)
        except ParseError:
            continue
        if stored:
            yield stored.decoded if with_logs else without_logs(stored.decoded)


def _cuts(service: Service, steps: Sequence[Recorded], bound: Bound | None) -> list[Cutting]:
    def registry_of(host: str) -> Registry:
        return registry_for(service.project, host)

    found = cuttings(_exports(service), steps, bound, registry_of)
    return [cut for cut in found if cut.layers or cut.unread]


def _exports(service: Service) -> list[Reference]:
    """Return the references that a service has exported to of late, and no other project uses."""
    since = (timezone.now() - HISTORY).date()
    days = ReferenceDay.objects.filter(service=service, exports__gt=0, day__gte=since)
    names = days.order_by("reference").values_list("reference", flat=True).distinct()
    foreign = used_by_others(service.project)
    found = (allowed(name) for name in names)
    return [item for item in found if item and str(item) not in foreign]


def _cut(cut: Cutting) -> dict[str, Any]:
    return {
        "reference": str(cut.cache.reference),
        "digest": cut.cache.digest,
        "layers": list(cut.layers),
    }


def carry_out(operation: Operation, _actor: OnBehalf) -> Outcome:
    """Remove the entries, and cut the layers out of references that are still the same."""
    items, said = operation.items, list[str]()
    # Registries first: what an entry of the builder was made of may come from there again.
    for item in items["cuts"]:
        said.append(_carry_out_cut(operation, item))
    removed = 0
    if operation.builder and items["entries"]:
        found = remove_from(operation.builder, items["entries"])
        said += found.told()
        removed = len(found.done.gone)
    return Outcome(
        f"Removed {removed} of {len(items['entries'])} entries of the builder.", tuple(said)
    )


def _carry_out_cut(operation: Operation, item: dict[str, Any]) -> str:
    reference = allowed(item["reference"])
    if reference is None:
        return f"{item['reference']}: its registry may not be asked any more."
    if str(reference) in used_by_others(operation.project):
        return f"{reference} is used by other projects, too, and left as it is."
    try:
        registry = registry_for(operation.project, reference.host)
        cache = read_cache(registry, reference)
        if cache.digest != item["digest"]:
            return f"{reference} was exported anew, and left as it is."
        cut = cut_out(registry, cache, item["layers"])
    except RegistryError as error:
        return f"{reference} was not changed: {error}"
    return f"{reference}: {cut.layers} of {len(cache.layers)} layers cut out."
