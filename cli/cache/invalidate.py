"""``buildinsights cache invalidate``: let steps run again that a cache would give."""

import json
from pathlib import Path

import click

from buildkit.bake import UnknownTargetError
from buildkit.caching.cutting import Cutting, cuttings
from buildkit.caching.installing import Bound, installs_below
from buildkit.caching.invalidating import Choice, Found, find
from buildkit.caching.removing import Removed
from buildkit.caching.versions import Ecosystem, NoVersionError
from buildkit.model import Step
from cli import journal, removals, summary
from cli.cache.entries import remove, usage
from cli.cache.prune import as_json as entry_as_json
from cli.cache.recorded import recorded_builds
from cli.cache.registries import named, references_of, registry_of
from cli.errors import BUILD_FAILED, UsageError
from cli.planning import plan_of


@click.command()
@click.argument("targets", nargs=-1, required=True)
@click.option("-f", "--file", "files", multiple=True, help="Bake or compose file.")
@click.option("--stage", default="", help="Only steps of this stage, and what needs them.")
@click.option(
    "--from-step", default="", metavar="TEXT|N", help="Only from this step on: its number or text."
)
@click.option("--package", default="", help="Only what installs this package …")
@click.option("--below", default="", metavar="VERSION", help="… below this version.")
@click.option(
    "--ecosystem", type=click.Choice([item.value for item in Ecosystem]), help="Of --package."
)
@click.option("--builder-only", is_flag=True, help="Leave caches in registries as they are.")
@click.option("--dry-run", is_flag=True, help="Only print what would be removed.")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def invalidate(
    targets: tuple[str, ...],
    files: tuple[str, ...],
    stage: str,
    from_step: str,
    package: str,
    below: str,
    ecosystem: str | None,
    *,
    builder_only: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Remove from caches what steps of TARGETS have made, and all that stands on it.

    In the builder the steps are known from the local records of builds in this directory: of a
    package, from what pip and dpkg printed. From the registry caches of TARGETS the layers of these
    steps are cut out, or those whose files install the package; the rest of the cache stays.
    """
    bound = bound_of(package, below, ecosystem)
    choice = Choice(stage, from_step)
    try:
        plan = plan_of(files, targets)
        chosen = plan.expand(targets)
    except UnknownTargetError as error:
        raise UsageError(str(error)) from error

    def is_meant(step: Step) -> bool:
        return choice.has(step) and (bound is None or installs_below(step, bound))

    builds = ((target, build) for target, build, _ in recorded_builds(str(Path.cwd())))
    found = find(builds, chosen, is_meant, usage().entries)
    references = [] if builder_only else references_of(plan.targets[name] for name in chosen)
    cuts = list(cuttings(named(references), found.steps, bound, registry_of)) if references else []
    done = Removed((), ()) if dry_run else remove(found.entries)
    told = [] if dry_run else [cut.carry_out() for cut in cuts if cut.layers]
    outcome = "planned" if dry_run else f"removed {len(done.gone)} of {len(found.entries)}"
    details = _details(found, done, dry_run=dry_run) | {
        "registry": [_cut_as_json(cut) for cut in cuts],
        "registry_outcome": told,
    }
    noted = details | {"plan": len(found.entries)} | removals.noted(done.gone)
    journal.note("invalidate", " ".join(targets), dry_run, outcome, noted)
    if as_json:
        click.echo(json.dumps(details, indent=2))
    else:
        _tell_of_registries(cuts)
        _tell(found, done, told, dry_run=dry_run)
    if done.kept:
        raise SystemExit(BUILD_FAILED)


def bound_of(package: str, below: str, ecosystem: str | None) -> Bound | None:
    """Return the package that is meant; ``None`` if none is.

    Raises:
        UsageError: only one half of it was given, or no version.
    """
    if bool(package) != bool(below):
        raise UsageError("--package and --below go together.")
    if ecosystem and not package:
        raise UsageError("--ecosystem goes with --package.")
    if not package:
        return None
    bound = Bound(package, below, Ecosystem(ecosystem) if ecosystem else None)
    try:
        bound.ecosystems()
    except NoVersionError as error:
        raise UsageError(f"--below: {error}.") from error
    return bound


def _tell(found: Found, done: Removed, of_registries: list[str], *, dry_run: bool) -> None:
    for entry in found.entries:
        words = " ".join(entry.description.split())[:90]
        click.echo(f"{entry.id}  {summary.size(entry.bytes):>9}  {words}")
    for text in found.unmapped:
        click.echo(f"not found: {text}")
    if dry_run:
        click.echo("Dry run: nothing was removed.")
        return
    click.echo(f"Removed {len(done.gone)} entries of the builder.")
    for entry in done.kept:
        click.echo(f"kept, as it is in use: {entry.id}  {entry.description}")
    for text in of_registries:
        click.echo(text)


def _tell_of_registries(cuts: list[Cutting]) -> None:
    for cut in cuts:
        click.echo(f"{cut.cache.reference}: {len(cut.layers)} layers, and what stands on them")
        for text in cut.reasons:
            click.echo(f"  {text}")
        for text in cut.unread:
            click.echo(f"  not looked at: {text}")


def _cut_as_json(cut: Cutting) -> dict[str, object]:
    return {
        "reference": str(cut.cache.reference),
        "layers": list(cut.layers),
        "reasons": list(cut.reasons),
        "unread": list(cut.unread),
    }


def _details(found: Found, done: Removed, *, dry_run: bool) -> dict[str, object]:
    return {
        "dry_run": dry_run,
        "plan": [entry_as_json(entry) for entry in found.entries],
        "unmapped": list(found.unmapped),
        "removed": [entry.id for entry in done.gone],
        "in_use": [entry.id for entry in done.kept],
    }
