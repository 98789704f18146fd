"""Whether a registry can keep a cache, with the project's credentials."""

from buildkit.caching.probing import BAKE, look, probe
from buildkit.registry import Reference
from cache.exceptions import NotAllowedError
from cache.models import Operation
from cache.operations.plans import OnBehalf, Outcome, Plan
from cache.registries import allowed, registry_for

NO_DELETE = (
    "The registry does not delete: retention needs that. For the CNCF registry: delete.enabled."
)


def plan(operation: Operation) -> Plan:
    """Log in and read; say what would be tried beyond that.

    Raises:
        RegistryError: that does not work.
    """
    reference = _reference(operation)
    found = look(registry_for(operation.project, reference.host), reference)
    return Plan(
        f"{found}. A small manifest is pushed under a tag of its own, and deleted.",
        ("For the target in the Bake file",),
        [(line,) for line in BAKE.format(reference=reference).splitlines()],
        items=[str(reference)],
    )


def carry_out(operation: Operation, _actor: OnBehalf) -> Outcome:
    """Push, and delete."""
    reference = _reference(operation)
    found = probe(registry_for(operation.project, reference.host), reference)
    return Outcome(f"{found}.", () if found.deletes else (NO_DELETE,))


def _reference(operation: Operation) -> Reference:
    name = operation.parameters["reference"]
    reference = allowed(name)
    if reference is None:
        raise NotAllowedError(f"{name} is in no registry of CACHE_REGISTRIES.")
    return reference
