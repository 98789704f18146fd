"""``buildinsights advise``, told of histories that were made by hand."""

import json
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cli import advising, observing
from cli.main import main
from cli.observing import History, histories
from cli.records import Run, create
from tests.buildkit.simulating import Builder

NODE = """\
FROM node
WORKDIR /app
COPY . .
RUN npm ci
RUN npm run build
"""
BETTER = NODE.replace("COPY . .\nRUN npm ci", "COPY package.json ./\nRUN npm ci\nCOPY . .")
FILES = {"package.json": "{}", "src/a.js": "1"}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current directory, with the context in ``api`` and a state directory of its own."""
    monkeypatch.setenv("BUILDINSIGHTS_HOME", str(tmp_path / "home"))
    work = tmp_path / "work"
    (work / "api").mkdir(parents=True)
    monkeypatch.chdir(work)
    return work


def known(folder: Path, monkeypatch: pytest.MonkeyPatch, made: Builder, text: str = NODE) -> None:
    """Let a target ``api`` have that history, and a Dockerfile of that text."""
    (folder / "api" / "Dockerfile").write_text(text)
    (folder / "api" / "package.json").write_text("{}")
    run = Run("1", str(folder), ["bake"], "", contexts={"api": ["api", "Dockerfile"]})
    history = History("api", run, made.history)
    monkeypatch.setattr(advising, "histories", lambda directory: {"api": history})


def asked(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["advise", *arguments], catch_exceptions=False)


def twice() -> Builder:
    return Builder().build(NODE, FILES).build(NODE, FILES | {"src/a.js": "2"})


def test_without_records_it_says_so(folder: Path):
    done = asked()
    assert done.exit_code == 2
    assert "There is no record of a build in this directory yet." in done.output


def test_a_target_without_records_is_answered_with_those_that_have(
    folder: Path, monkeypatch: pytest.MonkeyPatch
):
    known(folder, monkeypatch, twice())
    done = asked("web")
    assert done.exit_code == 2
    assert "no record of web here; there are: api." in done.output


def test_advice_is_told_with_its_worth_and_its_diff(folder: Path, monkeypatch: pytest.MonkeyPatch):
    known(folder, monkeypatch, twice())
    lines = asked("api").output.splitlines()
    assert lines[0] == "api: advice from 2 builds"
    title = "Copy package.json first, install, and copy the rest below (install)"
    assert f"  10.0 s a week  {title}" in lines
    assert "    +++ b/api/Dockerfile" in lines
    assert any(line.startswith("  at most 10.0 s a week  Keep what npm") for line in lines)


def test_diffs_are_for_git(folder: Path, monkeypatch: pytest.MonkeyPatch):
    known(folder, monkeypatch, twice())
    done = asked("--diff")
    assert "Keep what npm downloads" in done.stderr
    subprocess.run(["git", "apply", "-"], cwd=folder, input=done.stdout, text=True, check=True)
    assert (folder / "api" / "Dockerfile").read_text() == BETTER


def test_a_dockerfile_that_has_changed_is_to_be_built_first(
    folder: Path, monkeypatch: pytest.MonkeyPatch
):
    known(folder, monkeypatch, twice(), text=BETTER)
    done = asked("--diff")
    assert (done.stdout, "build first" in done.stderr) == ("", True)
    assert "build, and ask again" in asked().output


def test_what_was_followed_is_told_with_its_effect(folder: Path, monkeypatch: pytest.MonkeyPatch):
    made = Builder()
    for text in NODE, BETTER:
        for number in range(8):
            made.build(text, FILES | {"src/a.js": f"{number} of {text}"})
    known(folder, monkeypatch, made, BETTER)
    # Eight installs before, one since: 10 s and 1.25 s a build.
    assert "10.0 s a build before, 1.2 s since: -8.8 s (95 % interval -10.0 to" in asked().output
    [told] = json.loads(asked("--json").output)
    [followed] = [item for item in told["applied"] if item["kind"] == "install"]
    assert followed["effect"]["difference"] == -8.75
    assert followed["before"] == [10.0] * 8


def test_how_many_builds_are_missing_is_said(folder: Path, monkeypatch: pytest.MonkeyPatch):
    known(folder, monkeypatch, twice().build(BETTER, FILES), BETTER)
    assert "8 builds are needed on each side: there are 2 before, 1 since." in asked().output


def test_nothing_to_advise(folder: Path, monkeypatch: pytest.MonkeyPatch):
    known(folder, monkeypatch, Builder().build("FROM a\nRUN make\n", FILES))
    assert asked().output == "api: nothing to advise from 1 build\n"


def test_nothing_outside_of_the_context_is_read(folder: Path):
    (folder / "secret").write_text("x")
    (folder / "api" / "link").symlink_to(folder / "secret")
    (folder / "api" / "bytes").write_bytes(b"\xff")
    read = advising._reader(folder / "api")
    assert [read(name) for name in ("../secret", "link", "none", "bytes")] == [None] * 4
    (folder / "api" / "a").write_text("text")
    assert read("a") == "text"
    assert advising._reader(None)("a") is None


def test_a_remote_context_has_no_files_here(folder: Path):
    run = Run("1", str(folder), [], "", contexts={"api": ["https://example.com/x.git", "a"]})
    history = History("api", run, [])
    assert (history.context, history.dockerfile) == (None, None)
    assert history.place == observing.Place()


CORPUS = Path(__file__).resolve().parents[1] / "corpus" / "buildkit"


def recorded(folder: Path, bundle: bytes) -> None:
    """A record as a run leaves it whose builder's record was collected."""
    record = create(["bake"], folder)
    record.file("api.dockerbuild").write_bytes(bundle)
    files = {"a.txt": {"sha256": "1", "mode": "0644", "size_bytes": 7}}
    context = {"api": {"files": files, "files_total": 1, "changed_since": []}}
    record.file("context.json").write_text(json.dumps(context))
    record.update(outcome="succeeded", contexts={"api": ["api", "Dockerfile"]})


def test_histories_are_read_from_records(folder: Path):
    bundle = (CORPUS / "cached" / "input.dockerbuild").read_bytes()
    for content in bundle, b"no bundle", bundle:
        recorded(folder, content)
    recorded(folder.parent, bundle)
    history = histories(folder)["api"]
    first, second = history.observed
    assert (first.before, second.before) == (None, first.evidence)
    assert second.evidence.files == {"a.txt": "1 0644"}
    assert second.evidence.sizes == {"a.txt": 7}
    started = first.evidence.build.started_ns
    assert started is not None
    assert first.at.timestamp() == pytest.approx(started / 1e9)
    assert history.place == observing.Place("api/Dockerfile", "api/.dockerignore")
    (folder / "api" / "Dockerfile.dockerignore").write_text("")
    assert history.place.dockerignore == "api/Dockerfile.dockerignore"


def test_histories_of_no_records_are_none(folder: Path):
    assert histories(folder) == {}
