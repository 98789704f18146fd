"""Whether cache references are whole; those that are not go into quarantine."""

from buildinsights.templatetags.formats import filesize
from buildkit.caching.verifying import Fault, Verdict, verify
from buildkit.registry import RegistryError
from cache.models import Operation, ReferenceSize
from cache.operations.plans import OnBehalf, Outcome, Plan
from cache.quarantines import lift, put
from cache.registries import allowed_names, by_host, references_of, registry_for
from cache.registry_storage import sizes_of

WHOLE = "It is whole."


def plan(operation: Operation) -> Plan:
    """Name the references that are looked at, and the bytes that are read of them."""
    is_deep = operation.parameters["deep"]
    chosen = operation.parameters["references"] or [
        str(item) for found in references_of(operation.project).values() for item in found
    ]
    sizes = sizes_of(operation.project)
    names = allowed_names(chosen)
    known = sum(sizes[name].size_bytes for name in names if name in sizes)
    read = f"about {filesize(known)} are read" if is_deep else "no blob is read"
    return Plan(
        f"{len(names)} references are looked at; {read}. What is broken goes into quarantine.",
        ("Reference", "Size"),
        [(name, _size(sizes.get(name))) for name in names],
        items=names,
    )


def _size(held: ReferenceSize | None) -> str:
    return str(filesize(held.size_bytes)) if held else "unknown"


def carry_out(operation: Operation, actor: OnBehalf) -> Outcome:
    """Look at each reference; one of which the registry tells nothing keeps its state."""
    told: list[str] = []
    counts = {"whole": 0, "broken": 0, "not there": 0, "not looked at": 0}
    for host, references in by_host(operation.items).items():
        for reference in references:
            try:
                registry = registry_for(operation.project, host)
                verdict = verify(registry, reference, deep=operation.parameters["deep"])
            except RegistryError as error:
                counts["not looked at"] += 1
                told.append(str(error))
                continue
            counts[_state(verdict)] += 1
            told += _settle(operation, verdict, actor)
    parts = ", ".join(f"{count} {word}" for word, count in counts.items() if count)
    return Outcome(f"{parts or 'Nothing was looked at'}.", tuple(told))


def _state(verdict: Verdict) -> str:
    """A reference without a manifest fails no build: it only gives nothing."""
    if verdict.is_whole:
        return "whole"
    is_there = verdict.digest or any(item.fault is not Fault.MISSING for item in verdict.problems)
    return "broken" if is_there else "not there"


def _settle(operation: Operation, verdict: Verdict, actor: OnBehalf) -> list[str]:
    name, project = str(verdict.reference), operation.project
    if verdict.is_whole:
        lifted = lift(project, name, WHOLE, actor)
        return [f"{name} is whole, and no longer in quarantine."] if lifted else []
    if _state(verdict) == "not there":
        return [f"{name} has no manifest: nothing was exported yet, or it was removed."]
    reasons = [
        f"{item.digest or 'manifest'} {item.fault}: {item.message}" for item in verdict.problems
    ]
    put(project, name, verdict.digest, "; ".join(reasons), actor)
    return [f"{name} is in quarantine: {reason}" for reason in reasons]
