"""Building without caches that are broken: those in quarantine, and those that failed a build.

What BuildKit does with a broken cache in a registry (28.5, seen on the real engine): its records
are believed, and its layers fetched only when a step that has to run needs them. A layer that is
missing or has other bytes then fails that step, and each build after it. Without the import, the
same builder runs the steps anew whose layers it has not got.
"""

import hashlib
import re
from collections.abc import Iterable, Sequence

import click

from buildkit.bake import Plan, Target
from buildkit.registry import canonical
from cli.engine import buildx
from cli.errors import EngineMissingError, UsageError
from cli.planning import plan_of
from cli.quarantine import Quarantine, lift, put, quarantined

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_BROKEN_CONTENT = re.compile(
    r"^.*(?:unexpected commit digest|httpReadSeeker|could not fetch content descriptor"
    r"|content digest sha256:[0-9a-f]{64}: not found"
    r"|sha256:[0-9a-f]{64}.{0,200}: (?:failed precondition|not found)).*$",
    re.MULTILINE,
)
"""What BuildKit says of content that is not what its digest says, or not there."""

REGISTRY_SECONDS = 30

_CACHE_FROM = re.compile(r"[^=]*\.cache-from(?:\+)?=.*", re.DOTALL)


def without_quarantined(
    files: Sequence[str], targets: Sequence[str], overrides: Sequence[str]
) -> tuple[str, ...]:
    """Return the overrides with those that keep quarantined caches from being imported.

    A reference that has another digest by now is quarantined no more.
    """
    plan = _plan(files, targets, overrides)
    if plan is None:
        return tuple(overrides)
    known = quarantined()
    named = {name: known.get(canonical(name)) for name in references(plan)}
    kept = {name: item for name, item in named.items() if item and _stays(item)}
    for name, item in sorted(kept.items()):
        click.echo(
            f"Not importing {name}: in quarantine since {item.since[:19]}Z ({item.reason}). "
            "`buildinsights cache rebuild` makes it anew.",
            err=True,
        )
    return without_imports(plan, kept, overrides)


def without_broken(
    text: str, files: Sequence[str], targets: Sequence[str], overrides: Sequence[str]
) -> tuple[str, ...] | None:
    """Return overrides to build again with, if the failure's text says that a cache failed it.

    The caches that have the content that BuildKit names are put in quarantine. ``None`` if the
    build did not fail because of one.
    """
    lines = _BROKEN_CONTENT.findall(text)
    if not lines:
        return None
    named = {digest for line in lines for digest in _DIGEST.findall(line)}
    plan = _plan(files, targets, overrides)
    if plan is None:
        return None
    broken = {name for name in references(plan) if _is_broken(name, named, lines[-1].strip())}
    if not broken:
        return None
    names = ", ".join(sorted(broken))
    click.echo(f"The cache failed this build: {names}. Building once more without it.", err=True)
    return without_imports(plan, broken, overrides)


def references(plan: Plan) -> tuple[str, ...]:
    """Return the references of registry caches that a plan imports, each once."""
    specs = (spec for target in plan.targets.values() for spec in target.cache_from)
    return tuple(dict.fromkeys(spec.reference for spec in specs if spec.reference))


def without_imports(
    plan: Plan, unwanted: Iterable[str], overrides: Sequence[str]
) -> tuple[str, ...]:
    """Return overrides that leave each target its caches but for the unwanted references.

    They replace those of ``cache-from`` that are there, which the plan has heard already: Bake
    would add them up.
    """
    gone = set(unwanted)
    if not gone.intersection(references(plan)):
        return tuple(overrides)
    others = [item for item in overrides if not _CACHE_FROM.fullmatch(item)]
    return (*others, *(text for target in plan.targets.values() for text in _imports(target, gone)))


def _plan(files: Sequence[str], targets: Sequence[str], overrides: Sequence[str]) -> Plan | None:
    """Return the plan; ``None`` without one: the build says itself why, with all that it knows."""
    try:
        return plan_of(files, targets, overrides)
    except (EngineMissingError, UsageError):
        return None


def _imports(target: Target, gone: set[str]) -> list[str]:
    kept = [spec for spec in target.cache_from if spec.reference not in gone]
    name = f"{target.name}.cache-from"
    if target.cache_from and not kept:
        return [f"{name}="]
    return [f"{name}={spec}" for spec in kept]


def _stays(item: Quarantine) -> bool:
    """Tell whether a reference is still what was found broken; lift the quarantine if not."""
    manifest = _manifest(item.reference)
    if manifest is None or _digest_of(manifest) == item.digest:
        return True
    lift(item.reference)
    click.echo(f"{item.reference} was exported anew: no longer in quarantine.", err=True)
    return False


def _is_broken(name: str, named: set[str], reason: str) -> bool:
    """Put a cache in quarantine if its manifest lists content that a build failed for."""
    manifest = _manifest(name)
    if manifest is None or named.isdisjoint(_DIGEST.findall(manifest)):
        return False
    put(canonical(name), _digest_of(manifest), reason)
    return True


def _manifest(name: str) -> str | None:
    """Return the manifest of a reference as it is; ``None``, said aloud, if nobody gives it."""
    try:
        return buildx("imagetools", "inspect", "--raw", name, timeout=REGISTRY_SECONDS)
    except (EngineMissingError, UsageError) as error:
        click.echo(f"{name} was not looked at: {error.message}", err=True)
        return None


def _digest_of(manifest: str) -> str:
    return f"sha256:{hashlib.sha256(manifest.encode()).hexdigest()}"
