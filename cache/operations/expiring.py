"""Retention and size limit of a project's caches in registries."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

from django.utils import timezone

from accounts.models import Project
from buildinsights.templatetags.formats import filesize
from buildkit.caching import expiring, retention
from buildkit.caching.retention import Held, Removal, RetentionPlan, Why
from buildkit.registry import Reference
from cache.models import Operation
from cache.operations.plans import OnBehalf, Outcome, Plan
from cache.registries import last_uses, of_others, references_of, registry_for
from cache.registry_looks import look

COLUMNS = ("Reference", "Last used", "Why")


def plan(operation: Operation) -> Plan:
    """Look at all tags of the repositories that the project's caches are in.

    Images, what is protected, and what only another project's builds have used, stay.
    """
    made = {
        host: _plan_of(operation.project, host, references, operation.parameters)
        for host, references in references_of(operation.project).items()
    }
    removals = [(host, removal) for host, found in made.items() for removal in found.removals]
    freed = sum(found.freed_bytes for found in made.values())
    notes = tuple(
        f"{host}: {filesize(found.over_bytes)} over the limit are protected."
        for host, found in made.items()
        if found.over_bytes
    )
    if not made:
        notes = ("No cache of this project is in a registry of CACHE_REGISTRIES.",)
    return Plan(
        f"{len(removals)} caches go, and up to {filesize(freed)} become free.",
        COLUMNS,
        [row for _, removal in removals for row in _rows(removal)],
        notes,
        [_item(host, removal) for host, removal in removals],
    )


def _plan_of(
    project: Project, host: str, references: list[Reference], said: dict[str, Any]
) -> RetentionPlan:
    registry, used, others = registry_for(project, host), last_uses(), of_others(project)
    ours, now = {str(reference) for reference in references}, timezone.now()
    repositories = dict.fromkeys(reference.repository for reference in references)
    held = [
        replace(item, is_protected=True)
        if item.reference in others and item.reference not in ours
        else item
        for repository in repositories
        for item in expiring.held_in(registry, repository, used, said["protected"], now)
    ]
    keep = timedelta(days=said["keep_days"])
    return retention.plan(held, now=now, keep=keep, limit_bytes=said["limit_bytes"])


def _rows(removal: Removal) -> Iterator[tuple[str, str, str]]:
    for item in removal.held:
        yield item.reference, f"{item.last_used:%Y-%m-%d %H:%M} UTC", removal.why.value


def _item(host: str, removal: Removal) -> dict[str, Any]:
    return {
        "host": host,
        "repository": removal.repository,
        "digest": removal.digest,
        "why": removal.why.value,
        "references": [item.reference for item in removal.held],
    }


def carry_out(operation: Operation, _actor: OnBehalf) -> Outcome:
    """Remove the manifests of the plan; a reference that was exported anew since stays."""
    items = operation.plan["items"]
    done = [
        found
        for host in dict.fromkeys(item["host"] for item in items)
        for found in expiring.expire(
            registry_for(operation.project, host),
            [_removal(item) for item in items if item["host"] == host],
        )
    ]
    look(operation.project)
    gone = sum(found.is_done for found in done)
    return Outcome(
        f"Removed {gone} of {len(items)}; the registry's garbage collection frees their blobs.",
        tuple(f"Kept: {found.message}" for found in done if not found.is_done),
    )


def _removal(item: dict[str, Any]) -> Removal:
    now = timezone.now()
    held = (
        Held(reference, item["repository"], item["digest"], now, {})
        for reference in item["references"]
    )
    return Removal(tuple(held), Why(item["why"]))
