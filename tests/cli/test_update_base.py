"""Trying another base on a real engine: what is left, what is said, and what is not touched."""

import json
import subprocess
import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from buildkit.errors import ParseError
from buildkit.registry import Reference, Registry
from cli.bases.told import read_told
from cli.main import main
from tests.cli.standing_in import StandIn

LIBRARY = "localhost:5000/library"
BUSYBOX, DEBIAN = f"{LIBRARY}/busybox:1-amd64", f"{LIBRARY}/debian:bookworm-slim"
BAKE = """\
variable "BASE" { default = "localhost:5000/library/debian:bookworm-slim" }
target "app" { tags = ["shop/app:1"] }
target "given" {
  tags = ["shop/app:1"]
  args = { BASE = BASE }
}
"""


def git(directory: Path, *arguments: str) -> str:
    options = ["-c", "user.name=Alice", "-c", "user.email=alice@example.com"]
    done = subprocess.run(
        ["git", *options, *arguments], cwd=directory, check=True, capture_output=True, text=True
    )
    return done.stdout


@pytest.fixture
def shop(
    tmp_path: Path, own_home: Path, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A repository with a service on Debian, and changes that nobody has committed."""
    root = tmp_path / "shop"
    root.mkdir()
    (root / "Dockerfile").write_text(f"ARG BASE={DEBIAN}\nFROM ${{BASE}}\nRUN echo 1 > /one\n")
    (root / "docker-bake.hcl").write_text(BAKE)
    git(root, "init", "--quiet", "--initial-branch=main")
    git(root, "add", ".")
    git(root, "commit", "--quiet", "--message=first")
    (root / "Dockerfile").write_text("what somebody works on\n")
    for name in ("GIT_AUTHOR", "GIT_COMMITTER"):
        monkeypatch.setenv(f"{name}_NAME", "Alice")
        monkeypatch.setenv(f"{name}_EMAIL", "alice@example.com")
    monkeypatch.chdir(root)
    return root


def updated(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["update-base", *arguments])


def untouched(root: Path) -> bool:
    """Tell whether the checkout is as it was, with no other one beside it."""
    return (
        (root / "Dockerfile").read_text() == "what somebody works on\n"
        and git(root, "status", "--porcelain") == " M Dockerfile\n"
        and len(git(root, "worktree", "list").splitlines()) == 1
    )


def compared_images() -> str:
    """Return what is left in the engine; a busy one may list for a moment what has gone."""
    command = ["docker", "image", "ls", "--quiet", "buildinsights-update-base"]
    until = time.monotonic() + 10
    while True:
        found = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        if not found or time.monotonic() > until:
            return found
        time.sleep(0.5)


@pytest.mark.engine
def test_a_smaller_base_is_better_and_left_as_a_branch(engine: str, shop: Path):
    done = updated("app", "--to", BUSYBOX, "--branch", "smaller", "--no-scan")
    assert done.exit_code == 0, done.output
    assert "verdict: better" in done.stdout
    assert "vulnerabilities: not compared" in done.stdout
    assert "branch: smaller" in done.stdout
    assert git(shop, "log", "-1", "--format=%s", "smaller") == f"Let app stand on {BUSYBOX}\n"
    changed = git(shop, "diff", "main", "smaller")
    assert f"-ARG BASE={DEBIAN}\n+ARG BASE={BUSYBOX}\n" in changed
    assert changed.count("\n+") == 2, "the name of the file, and one line"
    assert untouched(shop)
    assert compared_images() == ""


@pytest.mark.engine
def test_a_larger_base_is_worse_and_left_as_a_patch(engine: str, shop: Path, tmp_path: Path):
    git(shop, "checkout", "--quiet", "--force", "main")
    (shop / "Dockerfile").write_text(f"FROM {BUSYBOX}\nRUN echo 1 > /one\n")
    git(shop, "commit", "--quiet", "--all", "--message=busybox")
    patch = tmp_path / "base.patch"
    done = updated("app", "--to", DEBIAN, "--patch", str(patch), "--no-scan")
    assert done.exit_code == 4, done.output
    assert "verdict: worse" in done.stdout
    assert "and nothing less is wrong with it" in done.stdout
    git(shop, "apply", str(patch))
    assert (shop / "Dockerfile").read_text().splitlines()[0] == f"FROM {DEBIAN}"


@pytest.mark.engine
def test_what_is_pinned_stays_so(engine: str, shop: Path, tmp_path: Path):
    registry = Registry("localhost:5000")
    old, new = (registry.manifest(Reference.parse(name)).digest for name in (DEBIAN, BUSYBOX))
    git(shop, "checkout", "--quiet", "--force", "main")
    (shop / "Dockerfile").write_text(f"FROM {DEBIAN}@{old} AS run\nRUN echo 1 > /one\n")
    git(shop, "commit", "--quiet", "--all", "--message=pinned")
    patch = tmp_path / "base.patch"
    done = updated("app", "--to", BUSYBOX, "--patch", str(patch), "--no-scan")
    assert done.exit_code == 0, done.output
    assert f"+FROM {BUSYBOX}@{new} AS run\n" in patch.read_text()


@pytest.mark.engine
def test_what_the_definition_gives_is_changed_there(engine: str, shop: Path, tmp_path: Path):
    patch = tmp_path / "base.patch"
    done = updated("given", "--to", BUSYBOX, "--patch", str(patch), "--no-scan")
    assert done.exit_code == 0, done.output
    assert "+++ b/docker-bake.hcl" in patch.read_text()
    assert "Dockerfile" not in patch.read_text()


@pytest.mark.engine
def test_a_definition_that_leads_out_of_the_checkout_is_not_written(
    engine: str, shop: Path, tmp_path: Path
):
    (outside := tmp_path / "bake.hcl").write_text(BAKE)
    (shop / "docker-bake.hcl").unlink()
    (shop / "docker-bake.hcl").symlink_to(outside)
    git(shop, "commit", "--quiet", "--message=link", "docker-bake.hcl")
    done = updated("given", "--to", BUSYBOX, "--patch", str(tmp_path / "patch"), "--no-scan")
    assert done.exit_code == 2, done.output
    assert "docker-bake.hcl, which gives BASE, is not in this repository" in done.output
    assert outside.read_text() == BAKE


@pytest.mark.engine
def test_a_build_that_fails_leaves_nothing(engine: str, shop: Path):
    done = updated("app", "--to", f"{LIBRARY}/nowhere:1", "--branch", "gone", "--no-scan")
    assert done.exit_code == 1, done.output
    assert git(shop, "branch", "--list", "gone") == ""
    assert untouched(shop)
    assert compared_images() == ""


@pytest.mark.engine
@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["app", "--to", BUSYBOX], "Give --branch or --patch"),
        (["app", "--to", BUSYBOX, "--branch", "a", "--patch", "b"], "Give --branch or --patch"),
        (["app", "--to", BUSYBOX, "--branch", "main"], "There is a branch main already"),
        (["app", "--to", BUSYBOX, "--branch", "-x"], "check-ref-format"),
        (["app", "--to", DEBIAN, "--branch", "a"], "already"),
        (["app", "--to", "No Name", "--branch", "a"], "is no name of a repository"),
        (["app", "--to", BUSYBOX, "--base", "node", "--branch", "a"], "has no base node"),
        (["none", "--to", BUSYBOX, "--branch", "a"], "There is no target none"),
    ],
)
def test_what_cannot_be_done_is_said_before_anything_is_built(
    engine: str, shop: Path, arguments: list[str], why: str
):
    done = updated(*arguments)
    assert done.exit_code == 2, done.output
    assert why in done.output
    assert untouched(shop)


def report(path: Path, *severities: str) -> str:
    """Write a report with one vulnerability of each severity, and return its path."""
    found = [
        {"VulnerabilityID": f"CVE-{number}", "PkgName": "libc", "Severity": severity}
        for number, severity in enumerate(severities)
    ]
    result = {"Target": "app", "Class": "os-pkgs", "Type": "debian", "Vulnerabilities": found}
    path.write_text(json.dumps({"SchemaVersion": 2, "ArtifactName": "app", "Results": [result]}))
    return str(path)


@pytest.mark.engine
def test_both_images_are_scanned_and_compared(
    engine: str, shop: Path, stand_in: StandIn, tmp_path: Path
):
    stand_in.does(report=report(tmp_path / "report.json", "HIGH", "LOW"))
    done = updated("app", "--to", BUSYBOX, "--patch", str(tmp_path / "base.patch"))
    assert done.exit_code == 0, done.output
    assert "not compared" not in done.stdout
    calls = (stand_in.path / "calls.jsonl").read_text()
    assert "update-base:before-" in calls
    assert "update-base:after-" in calls


@pytest.mark.engine
def test_a_checkout_that_is_to_be_changed_itself_is(engine: str, shop: Path, tmp_path: Path):
    git(shop, "checkout", "--quiet", "--force", "main")
    (shop / "notes.txt").write_text("not committed, and none of the change\n")
    git(shop, "add", "notes.txt")
    patch, told = tmp_path / "base.patch", tmp_path / "told.json"
    left = ("--patch", str(patch), "--json", str(told), "--no-scan")
    done = updated("app", "--to", BUSYBOX, *left, "--here", "--confined")
    assert done.exit_code == 0, done.output
    assert (shop / "Dockerfile").read_text().startswith(f"ARG BASE={BUSYBOX}\n")
    assert "notes.txt" not in patch.read_text()
    git(shop, "apply", "--reverse", str(patch))
    assert (shop / "Dockerfile").read_text().startswith(f"ARG BASE={DEBIAN}\n")
    found = read_told(told.read_bytes())
    assert (found.target, found.old, found.new) == ("app", DEBIAN, BUSYBOX)
    assert found.verdict == "better"
    assert found.reasons[-1] == "vulnerabilities: not compared"
    assert compared_images() == ""


@pytest.mark.engine
def test_a_branch_is_not_made_of_the_checkout_itself(engine: str, shop: Path):
    done = updated("app", "--to", BUSYBOX, "--branch", "smaller", "--here")
    assert done.exit_code == 2, done.output
    assert "--here is for --patch" in done.output
    assert untouched(shop)


@pytest.mark.engine
def test_a_confined_definition_of_elsewhere_is_not_built(engine: str, shop: Path, tmp_path: Path):
    (tmp_path / "Elsewhere").write_text(f"FROM {DEBIAN}\n")
    (shop / "docker-bake.hcl").write_text(
        f'target "app" {{\n  contexts = {{ other = "{tmp_path}" }}\n}}\n'
    )
    (shop / "Dockerfile").write_text(f"FROM {DEBIAN}\n")
    patch = tmp_path / "base.patch"
    done = updated("app", "--to", BUSYBOX, "--patch", str(patch), "--here", "--confined")
    assert done.exit_code == 2, done.output
    assert "is outside of the checkout" in done.output
    assert not patch.exists()


@pytest.mark.engine
def test_variants_and_platforms_are_as_they_are_asked_for(
    engine: str, shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("VARIANT", "dev")
    git(shop, "checkout", "--quiet", "--force", "main")
    (shop / "docker-bake.hcl").write_text(
        'variable "VARIANT" { default = "dev" }\n'
        'target "app" {\n  target = VARIANT\n  platforms = ["linux/arm64"]\n}\n'
    )
    (shop / "Dockerfile").write_text(
        f"FROM nowhere.invalid/none:1 AS dev\nFROM {DEBIAN} AS prod\nRUN echo 1 > /one\n"
    )
    git(shop, "commit", "--quiet", "--all", "--message=two variants")
    left = ("--patch", str(tmp_path / "base.patch"), "--no-scan")
    asked = ("--variant", "prod", "--platform", "linux/amd64")
    done = updated("app", "--to", BUSYBOX, *left, *asked)
    assert done.exit_code == 0, done.output


@pytest.mark.parametrize("data", [b"", b"[]", b'{"verdict": "better"}', b"\xff"])
def test_what_is_no_verdict_is_refused(data: bytes):
    with pytest.raises(ParseError, match="no verdict"):
        read_told(data)
