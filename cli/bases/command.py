"""``buildinsights update-base``: change, build, scan, compare; leave a branch or a patch."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from buildkit.registry import Reference
from cli import telling
from cli.bases.changing import Place, change, place_of, resolved
from cli.bases.measuring import can_scan, forget, subject_of
from cli.bases.worktree import Worktree, check_branch, worktree
from cli.building import Asked, run_batches
from cli.engine import buildx_command
from cli.errors import FINDINGS, UsageError
from cli.sending import TITLE_LABEL
from cli.terminal import BREAKS, inert
from supplychain.bases.editing import short
from supplychain.bases.judging import Subject, Verdict, Word, judge

TAGS = "buildinsights-update-base"
"""Repository of the images that are compared; they are gone afterwards."""


@click.command("update-base")
@click.argument("target")
@click.option("--to", "to", required=True, metavar="REF", help="The image to stand on.")
@click.option("--base", default="", help="Which base, if not that of the final image: node, say.")
@click.option(
    "-f", "--file", "files", multiple=True, help="Bake or compose file, as bake takes it."
)
@click.option("--branch", help="Leave the change as a commit on this new branch.")
@click.option(
    "--patch",
    type=click.Path(dir_okay=False, path_type=Path, resolve_path=True),
    help="Leave the change as this file, for `git apply`.",
)
@click.option("--no-scan", is_flag=True, help="Compare no vulnerabilities, even if trivy is there.")
def update_base(
    target: str,
    to: str,
    base: str,
    files: tuple[str, ...],
    branch: str | None,
    patch: Path | None,
    *,
    no_scan: bool,
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
    _check(files, branch, patch)
    is_scanned = not no_scan and can_scan()
    with worktree() as tree:
        place = place_of(files, target, base, tree.path)
        update = Update(tree, tuple(files), place, resolved(place, to), branch or "", is_scanned)
        try:
            verdict = update.run()
            left = _leave(update, patch)
        finally:
            forget(update.names)
    click.echo(inert("\n".join(_lines(update, verdict, left)), keep=BREAKS))
    raise SystemExit(FINDINGS if verdict.word is Word.WORSE else 0)


def _check(files: Sequence[str], branch: str | None, patch: Path | None) -> None:
    """Find out before minutes of building what cannot be."""
    if (branch is None) == (patch is None):
        raise UsageError("Give --branch or --patch: what the change is to be left as.")
    if branch:
        check_branch(branch)
    if patch and not patch.parent.is_dir():
        raise UsageError(f"There is no directory for {patch}.")
    if outside := [name for name in files if Path(name).is_absolute()]:
        raise UsageError(f"{outside[0]} is not looked for in the last commit: name it from here.")


@dataclass(slots=True)
class Update:
    """One run: a target in a checkout of its own, and what it is to stand on."""

    tree: Worktree
    files: tuple[str, ...]
    place: Place
    to: Reference
    branch: str
    is_scanned: bool
    commit: str = ""
    names: tuple[str, ...] = ()

    def run(self) -> Verdict:
        """Build and measure before and after the change.

        What becomes a branch is committed in between, so that a server knows the commit.

        Raises:
            SystemExit: a build failed; it has been told why.
        """
        before = self._measured("before", self.tree.branch)
        change(self.files, self.place, self.to)
        if self.branch:
            self.commit = self.tree.commit(self._message())
        after = self._measured("after", self.branch or f"{TAGS}/{self.place.target.name}")
        return judge(before, after)

    def _message(self) -> str:
        old, target = self.place.base.reference, self.place.target.name
        title = f"Let {target} stand on {short(self.to).partition('@')[0]}"
        return f"{title}\n\nInstead of {short(old)}.\n" if old else title

    def _measured(self, word: str, branch: str) -> Subject:
        name = f"{TAGS}:{word}-{secrets.token_hex(6)}"
        self.names = (*self.names, name)
        target = self.place.target
        overrides = [f"{target.name}.tags={name}"]
        overrides += [f"{target.name}.platform={item}" for item in target.platforms[:1]]
        asked = Asked(self.files, tuple(overrides), ("--load",), {"ref_name": branch})
        click.echo(f"\nBuilding {target.name} {word} the change", err=True)
        runs = run_batches(asked, [[target.name]])
        telling.tell(runs, self.files, None, verbose_cache=False, wait=True)
        if code := runs[-1].ended.exit_code:
            raise SystemExit(code)
        service = target.labels.get(TITLE_LABEL, target.name)
        return subject_of(name, service, scan=self.is_scanned)


def _leave(update: Update, patch: Path | None) -> str:
    """Leave the change, and say where."""
    if patch is None:
        update.tree.name(update.branch, update.commit)
        return f"branch: {update.branch}"
    try:
        patch.write_text(update.tree.changed())
    except OSError as error:
        raise UsageError(f"{patch} was not written: {error.strerror}.") from error
    return f"patch: {patch}"


def _lines(update: Update, verdict: Verdict, left: str) -> list[str]:
    old = update.place.base.reference
    return [
        f"{update.place.target.name}: {short(old) if old else ''} → {short(update.to)}",
        f"verdict: {verdict.word.value}",
        *(f"  {reason}" for reason in verdict.reasons),
        left,
    ]
