"""``buildinsights cache rebuild``: make a cache in a registry anew, and see that it is whole."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import click

from buildkit.bake import CacheSpec, Plan, Target
from buildkit.caching.verifying import Verdict, verify
from buildkit.registry import NotFoundError, Reference, RegistryError, canonical
from cli import journal, telling
from cli.building import Asked, run_batches
from cli.cache.registries import registry_of
from cli.cache.warm import NO_IMAGES
from cli.errors import BUILD_FAILED, UsageError
from cli.planning import plan_of
from cli.quarantine import lift, put
from cli.running import Done

RECOMPRESSED: Mapping[str, str] = {"compression": "zstd", "force-compression": "true"}
"""Gives every layer another digest: a registry keeps a blob that it has, broken or not."""


@click.command()
@click.argument("targets", nargs=-1, required=True)
@click.option("-f", "--file", "files", multiple=True, help="Bake or compose file.")
@click.option("--dry-run", is_flag=True, help="Only print which references would be made anew.")
@click.option("--plain", is_flag=True, help="Lines instead of a tree, also in a terminal.")
@click.option("--wait", is_flag=True, help="Wait until records are collected and sent (CI does).")
def rebuild(
    targets: tuple[str, ...], files: tuple[str, ...], *, dry_run: bool, plain: bool, wait: bool
) -> None:
    """Remove the caches that TARGETS export to registries, build with no cache, and verify them."""
    plan = plan_of(files, targets)
    chosen = [plan.targets[name] for name in plan.expand(targets)]
    references = exported(chosen)
    if not references:
        raise UsageError(f"{', '.join(targets)}: no cache-to of type registry to make anew.")
    for name in references:
        click.echo(f"{'would make' if dry_run else 'making'} anew: {name}")
    if dry_run:
        _note(references, "planned", dry_run=True)
        return
    for name in references:
        _remove(name)
    asked = Asked(files, (*NO_IMAGES, *_no_imports(plan)), ("--no-cache",), {"trigger": "rebuild"})
    runs, broken = _rebuilt(replace(asked, plain=plain), chosen, references)
    telling.tell(runs, files, None, verbose_cache=False, wait=wait)
    code = runs[-1].ended.exit_code or (BUILD_FAILED if broken else 0)
    _note(references, f"broken: {', '.join(broken)}" if broken else runs[-1].ended.outcome)
    raise SystemExit(code)


def exported(targets: Iterable[Target]) -> tuple[str, ...]:
    """Return the references of registry caches that targets export, each once."""
    specs = (spec for target in targets for spec in target.cache_to)
    return tuple(dict.fromkeys(spec.reference for spec in specs if spec.reference))


def _rebuilt(
    asked: Asked, chosen: Sequence[Target], references: Sequence[str]
) -> tuple[list[Done], list[str]]:
    """Build and verify; once more with other digests if what is there is still broken."""
    names = [target.name for target in chosen]
    runs = run_batches(asked, [names])
    broken = [] if runs[-1].ended.exit_code else _still_broken(references)
    if broken:
        click.echo(
            "The registry still has broken blobs under the same digests: exporting with zstd, "
            "which gives the layers others.",
            err=True,
        )
        overrides = (*asked.overrides, *_recompressed(chosen, set(broken)))
        runs += run_batches(replace(asked, overrides=overrides), [names])
        broken = broken if runs[-1].ended.exit_code else _still_broken(broken)
    return runs, broken


def _still_broken(references: Iterable[str]) -> list[str]:
    """Verify every byte of references; lift the quarantine of those that are whole."""
    broken = []
    for name in references:
        verdict = _verdict(name)
        if verdict is not None and verdict.is_whole:
            lift(canonical(name))
            click.echo(f"verified: {name}", err=True)
        else:
            broken.append(name)
            _tell(name, verdict)
    return broken


def _verdict(name: str) -> Verdict | None:
    """Return what a deep check says of a reference; ``None``, said aloud, without an answer."""
    try:
        reference = Reference.parse(name)
        return verify(registry_of(reference.host), reference, deep=True)
    except RegistryError as error:
        click.echo(f"{name} was not verified: {error}", err=True)
        return None


def _tell(name: str, verdict: Verdict | None) -> None:
    if verdict is not None:
        problems = verdict.problems
        reason = "; ".join(f"{item.digest or 'manifest'}: {item.message}" for item in problems)
        put(canonical(name), verdict.digest, reason)
        click.echo(f"broken: {name}: {reason}", err=True)


def _remove(name: str) -> None:
    """Remove a reference's manifest, if the registry has it and lets go of it."""
    try:
        reference = Reference.parse(name)
        registry = registry_of(reference.host)
        registry.delete_manifest(reference.at(registry.manifest(reference).digest))
    except NotFoundError:
        click.echo(f"{name}: not there", err=True)
    except RegistryError as error:
        click.echo(f"{name} was not removed, and will be overwritten: {error}", err=True)


def _no_imports(plan: Plan) -> list[str]:
    return [f"{target.name}.cache-from=" for target in plan.targets.values() if target.cache_from]


def _recompressed(chosen: Iterable[Target], broken: set[str]) -> list[str]:
    """Return overrides of ``cache-to``, all of which Bake takes from them then."""
    return [
        f"{target.name}.cache-to={_other_digests(spec) if spec.reference in broken else spec}"
        for target in chosen
        if broken.intersection(spec.reference for spec in target.cache_to)
        for spec in target.cache_to
    ]


def _other_digests(spec: CacheSpec) -> CacheSpec:
    return CacheSpec(spec.type, {**spec.values, **RECOMPRESSED})


def _note(references: Sequence[str], outcome: str, *, dry_run: bool = False) -> None:
    for name in references:
        journal.note("rebuild", name, dry_run, outcome, {})
