"""Retention and size limit of a project's caches in registries.

Only references to which the project's own builds have exported are ever removed, and of those none
that another project's builds have used: what else lies in a repository is somebody else's.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

from celery import current_app
from django.db import transaction
from django.utils import timezone

from accounts.models import Project
from buildinsights.templatetags.formats import filesize
from buildkit.caching import expiring, retention
from buildkit.caching.retention import Held, Removal, RetentionPlan
from buildkit.registry import Reference, RegistryError
from cache.models import Operation
from cache.operations.plans import OnBehalf, Outcome, Plan
from cache.operations.policy import policy_of
from cache.registries import exports_of, last_uses, registry_for, used_by_others

COLUMNS = ("Reference", "Last used", "Why")
NONE_KNOWN = "No build of this project has exported a cache to a registry of CACHE_REGISTRIES."
NO_MORE = "is kept: it was used, exported, tagged or protected since it was planned"


def plan(operation: Operation) -> Plan:
    """Look at all tags of the repositories that the project's caches are in."""
    said = operation.parameters
    made = {
        host: _plan_of(operation.project, host, references, said)
        for host, references in exports_of(operation.project).items()
    }
    removals = [(host, removal) for host, found in made.items() for removal in found.removals]
    freed = sum(found.freed_bytes for found in made.values())
    notes = [
        f"{host}: {filesize(found.over_bytes)} over the limit are protected."
        for host, found in made.items()
        if found.over_bytes
    ]
    return Plan(
        f"{len(removals)} caches go, and up to {filesize(freed)} become free.",
        COLUMNS,
        [row for _, removal in removals for row in _rows(removal)],
        tuple(notes) if made else (NONE_KNOWN,),
        [_item(host, removal) for host, removal in removals],
    )


def _plan_of(
    project: Project, host: str, references: list[Reference], said: dict[str, Any]
) -> RetentionPlan:
    registry, now = registry_for(project, host), timezone.now()
    used, others = last_uses(references), used_by_others(project)
    own = {str(reference) for reference in references} - others
    repositories = dict.fromkeys(reference.repository for reference in references)
    held = [
        item if item.reference in own else _foreign(item)
        for repository in repositories
        for item in expiring.held_in(registry, repository, used, said["protected"], now)
    ]
    keep = timedelta(days=said["keep_days"])
    return retention.plan(held, now=now, keep=keep, limit_bytes=said["limit_bytes"])


def _foreign(item: Held) -> Held:
    """What is not the project's stays, with all that it needs, and fills nobody's limit."""
    return replace(item, is_protected=True, counts=False)


def _rows(removal: Removal) -> Iterator[tuple[str, str, str]]:
    for item in removal.held:
        yield item.reference, f"{item.last_used:%Y-%m-%d %H:%M} UTC", removal.why.value


def _item(host: str, removal: Removal) -> dict[str, Any]:
    return {
        "host": host,
        "digest": removal.digest,
        "references": sorted(item.reference for item in removal.held),
    }


def carry_out(operation: Operation, _actor: OnBehalf) -> Outcome:
    """Remove what was planned and would be planned again now, with the tags that it had then."""
    said = operation.parameters | {
        "protected": [*operation.parameters["protected"], *policy_of(operation.project).patterns]
    }
    exports = exports_of(operation.project)
    gone, told = 0, list[str]()
    for host in dict.fromkeys(item["host"] for item in operation.items):
        wanted = [item for item in operation.items if item["host"] == host]
        try:
            count, words = _remove(operation.project, host, exports.get(host, []), said, wanted)
        except RegistryError as error:
            count, words = 0, [f"Nothing was removed of {host}: {error}"]
        gone, told = gone + count, told + words
    look = partial(current_app.send_task, "cache.look_into_registry", args=(operation.project_id,))
    transaction.on_commit(look)
    return Outcome(
        f"Removed {gone} of {len(operation.items)}; the registry's garbage collection frees "
        "their blobs.",
        tuple(told),
    )


def _remove(
    project: Project,
    host: str,
    references: list[Reference],
    said: dict[str, Any],
    wanted: list[dict[str, Any]],
) -> tuple[int, list[str]]:
    """Return how many manifests were removed, and what is to be said of the others."""
    now = {
        removal.digest: removal
        for removal in _plan_of(project, host, references, said).removals
        if _item(host, removal) in wanted
    }
    kept = [item for item in wanted if item["digest"] not in now]
    told = [f"{' '.join(item['references'])} {NO_MORE}." for item in kept]
    done = list(expiring.expire(registry_for(project, host), now.values()))
    told += [f"Kept: {found.message}" for found in done if not found.is_done]
    return sum(found.is_done for found in done), told
