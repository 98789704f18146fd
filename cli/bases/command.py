"""``buildinsights update-base``: change, build, scan, compare; leave a branch or a patch."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from buildkit.registry import Reference
from cli.bases.building import Way
from cli.bases.changing import Definition, Place, change, place_of, resolved
from cli.bases.measuring import can_scan, forget, subject_of
from cli.bases.told import CHANGED, Told
from cli.bases.worktree import Worktree, check_branch, this_checkout, worktree
from cli.engine import buildx_command
from cli.errors import FINDINGS, UsageError
from cli.sending import TITLE_LABEL
from cli.terminal import BREAKS, inert
from supplychain.bases.editing import short
from supplychain.bases.judging import Subject, Verdict, Word, judge


@click.command("update-base")
@click.argument("target")
@click.option("--to", "to", required=True, metavar="REF", help="The image to stand on.")
@click.option("--base", default="", help="Which base, if not that of the final image: node, say.")
@click.option(
    "-f", "--file", "files", multiple=True, help="Bake or compose file, as bake takes it."
)
@click.option("--platform", default="", help="The one to build for, if not the target's first.")
@click.option("--variant", default="", help="Sent along; and the Bake variable VARIANT.")
@click.option("--env", "environment", default="", help="A file of environments/; also sent along.")
@click.option("--branch", help="Leave the change as a commit on this new branch.")
@click.option(
    "--patch",
    type=click.Path(dir_okay=False, path_type=Path, resolve_path=True),
    help="Leave the change as this file, for `git apply`.",
)
@click.option(
    "--json",
    "json_file",
    type=click.Path(dir_okay=False, path_type=Path, resolve_path=True),
    help="Write the verdict there.",
)
@click.option("--no-scan", is_flag=True, help="Compare no vulnerabilities, even if trivy is there.")
@click.option(
    "--here", is_flag=True, help="Change this checkout itself; with --patch. The change stays."
)
@click.option(
    "--confined", is_flag=True, help="Build images only, and nothing of outside this folder."
)
def update_base(
    target: str,
    to: str,
    base: str,
    files: tuple[str, ...],
    platform: str,
    variant: str,
    environment: str,
    branch: str | None,
    patch: Path | None,
    json_file: Path | None,
    *,
    no_scan: bool,
    here: bool,
    confined: bool,
) -> None:
    """Try another base of TARGET: change, build, scan and compare; leave a branch or a patch.

    All is done in a checkout of the last commit beside this one, which is not touched. TARGET is
    built there as it is and with the change. Both images are checked and, where trivy is there,
    scanned. A server gets the builds as usual.

    Exit codes: 0 the image is better or the same, 4 it is worse (branch or patch are left all the
    same), 1 a build failed, 2 wrong usage, or it is not sure what to change, 3 no engine,
    130 canceled. But for 0 and 4 nothing is left.
    """
    buildx_command()
    _check(files, branch, patch, here=here)
    is_scanned = not no_scan and can_scan()
    way = Way(files, {"variant": variant, "environment": environment}, confined)
    with this_checkout() if here else worktree() as tree:
        way.prepare(target)
        place = place_of(Definition(files, platform), target, base, tree.path)
        update = Update(tree, way, place, resolved(place, to), branch or "", is_scanned)
        try:
            verdict = update.run()
            left = _leave(update, patch)
        finally:
            forget(update.names)
    told = update.told(verdict)
    if json_file:
        told.write(json_file)
    click.echo(inert("\n".join(_lines(told, left)), keep=BREAKS))
    raise SystemExit(FINDINGS if verdict.word is Word.WORSE else 0)


def _check(files: Sequence[str], branch: str | None, patch: Path | None, *, here: bool) -> None:
    """Find out before minutes of building what cannot be."""
    if (branch is None) == (patch is None):
        raise UsageError("Give --branch or --patch: what the change is to be left as.")
    if branch and here:
        raise UsageError("--here is for --patch: a branch is made in a checkout of its own.")
    if branch:
        check_branch(branch)
    if patch and not patch.parent.is_dir():
        raise UsageError(f"There is no directory for {patch}.")
    outside = [name for name in files if Path(name).is_absolute()]
    if outside and not here:
        raise UsageError(f"{outside[0]} is not looked for in the last commit: name it from here.")


@dataclass(slots=True)
class Update:
    """One run: a target in a checkout, how it is built, and what it is to stand on."""

    tree: Worktree
    way: Way
    place: Place
    to: Reference
    branch: str
    is_scanned: bool
    path: Path | None = None
    """The file that was changed."""
    commit: str = ""
    names: tuple[str, ...] = ()

    def run(self) -> Verdict:
        """Build and measure before and after the change.

        What becomes a branch is committed in between, so that a server knows the commit.

        Raises:
            SystemExit: a build failed; it has been told why.
        """
        before = self._measured("before", self.tree.branch)
        self.path = change(self.place, self.to)
        if self.branch:
            self.commit = self.tree.commit(self._message())
        after = self._measured("after", self.branch or f"{CHANGED}/{self.place.target.name}")
        return judge(before, after)

    def told(self, verdict: Verdict) -> Told:
        """Return the verdict with what it is about."""
        old = self.place.base.reference
        names = (self.place.target.name, short(old) if old else "", short(self.to))
        return Told(*names, verdict.word, verdict.reasons)

    def _message(self) -> str:
        old, target = self.place.base.reference, self.place.target.name
        title = f"Let {target} stand on {short(self.to).partition('@')[0]}"
        return f"{title}\n\nInstead of {short(old)}.\n" if old else title

    def _measured(self, word: str, branch: str) -> Subject:
        name = f"{CHANGED}:{word}-{secrets.token_hex(6)}"
        self.names = (*self.names, name)
        target = self.place.target
        click.echo(f"\nBuilding {target.name} {word} the change", err=True)
        self.way.build(target, name, branch)
        service = target.labels.get(TITLE_LABEL, target.name)
        return subject_of(name, service, scan=self.is_scanned)


def _leave(update: Update, patch: Path | None) -> str:
    """Leave the change, and say where."""
    if patch is None or update.path is None:
        update.tree.name(update.branch, update.commit)
        return f"branch: {update.branch}"
    try:
        patch.write_text(update.tree.changed(update.path))
    except OSError as error:
        raise UsageError(f"{patch} was not written: {error.strerror}.") from error
    return f"patch: {patch}"


def _lines(told: Told, left: str) -> list[str]:
    return [
        f"{told.target}: {told.old} → {told.new}",
        f"verdict: {told.verdict.value}",
        *(f"  {reason}" for reason in told.reasons),
        left,
    ]
