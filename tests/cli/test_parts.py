"""The parts of the command that need no engine."""

import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from buildkit.advice import likely_fixes
from cli import debugger, engine, planning, records, sending, summary
from cli.checking import registry_of
from cli.engine import error_of, is_wrong_usage
from cli.environments import bake_variables
from cli.errors import EngineMissingError, UsageError
from cli.main import main
from cli.pipeline import pipeline_fields
from cli.reading import builds_of
from cli.running import Bake
from cli.settings import Server, server, state_dir
from cli.sizes import named_in, sizes_of
from cli.watching import BuildState

CORPUS = Path(__file__).resolve().parents[1] / "corpus" / "buildkit"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BUILDINSIGHTS_HOME", str(tmp_path / "home"))
    for name in ("BUILDINSIGHTS_URL", "BUILDINSIGHTS_TOKEN", "GITHUB_STEP_SUMMARY"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "home"


def recorded(case: str, **changes: object) -> records.Record:
    """A record as a run leaves it, made of a real build's output."""
    record = records.create(["bake"], Path("/src"))
    for name in ("progress.rawjson", "metadata.json"):
        source = CORPUS / case / f"input.{name}"
        if source.exists():
            record.file(name).write_bytes(source.read_bytes())
    record.update(outcome="succeeded", fields={"revision": "abc"}, **changes)
    return record


def test_records_are_for_their_owner_only(home: Path):
    record = recorded("bake")
    assert state_dir() == home
    assert record.path.stat().st_mode & 0o077 == 0
    assert [found.path for found in records.all_records()] == [record.path]


def test_a_summary_has_one_row_a_target():
    rows = summary.rows_of(builds_of(recorded("bake")))
    metadata = json.loads((CORPUS / "bake" / "input.metadata.json").read_text())
    targets = sorted(name for name, item in metadata.items() if "buildx.build.ref" in item)
    assert [row.target for row in rows] == targets
    assert {row.status for row in rows} == {"succeeded"}
    text = summary.as_text(rows).splitlines()
    assert len(text) == len(rows) + 1
    assert len({line.index("succeeded") for line in text[1:]}) == 1, "columns are aligned"


def test_a_job_summary_cannot_be_broken_by_a_name():
    row = summary.Row("a|b<script>", "failed", 61.0, 2.5, 1, 4, 1_500_000, "sha256:" + "a" * 64)
    [line] = summary.as_markdown([row]).splitlines()[4:]
    assert (
        line
        == "| a\\|b&lt;script> | failed | 1 m 1 s | 2.5 s | 25 % of 4 | 1.5 MB | aaaaaaaaaaaa |"
    )


def test_progress_is_counted_by_target():
    state = BuildState()
    frames = (CORPUS / "bake" / "input.progress.rawjson").read_bytes().splitlines()
    said = [words for line in frames for words in state.take(line)]
    assert said
    assert all(target.done <= set(target.names) for target in state.targets.values())
    assert not any(target.running for target in state.targets.values())
    assert state.take(b"no json") == state.take(b"[1]") == []


@pytest.mark.parametrize(
    ("text", "kind", "usage"),
    [
        ("ERROR: Cannot connect to the Docker daemon at tcp://x.", EngineMissingError, False),
        ("docker: unknown command: docker buildx", EngineMissingError, False),
        ("ERROR: failed to find target nope", UsageError, True),
        ("ERROR: infinite loop from a to b", UsageError, True),
        ("ERROR: failed to solve: process did not complete", UsageError, False),
    ],
)
def test_ends_are_told_apart(text: str, kind: type[Exception], usage: bool):
    assert type(error_of(text)) is kind
    assert is_wrong_usage(text) is usage


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("write /x: no space left on device", "disk is full"),
        ("npm error code EUSAGE\nnpm error `npm ci` can only install", "lock file"),
        ("exec /bin/sh: exec format error", "emulation"),
        ('failed to compute cache key: "/src": not found', ".dockerignore"),
        ("ERROR: No matching distribution found for numpy==99", "check the pin"),
    ],
)
def test_known_causes_get_advice(text: str, part: str):
    assert part in " ".join(likely_fixes(text))
    assert likely_fixes("all went well") == []


def test_buildx_is_called_by_its_own_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    client, plugin = tmp_path / "docker", tmp_path / "extra" / "docker-buildx"
    plugin.parent.mkdir()
    for program in (client, plugin):
        program.touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    monkeypatch.setattr(engine, "_PLUGINS", ())
    assert engine.buildx_command() == [str(client), "buildx"]
    (tmp_path / "config.json").write_text(json.dumps({"cliPluginsExtraDirs": [str(plugin.parent)]}))
    assert engine.buildx_command() == [str(plugin)]
    (tmp_path / "config.json").write_text(json.dumps({"cliPluginsExtraDirs": 7}))
    assert engine.buildx_command() == [str(client), "buildx"]


def test_a_target_in_the_words_of_the_debugger(tmp_path: Path):
    target = {
        "context": "services/api",
        "dockerfile": "../Dockerfile",
        "target": "prod",
        "args": {"A": "1 2", "B": None},
        "contexts": {"shared": "services/shared"},
        "secret": [{"type": "env", "id": "token", "env": "TOKEN"}],
        "platforms": ["linux/arm64"],
        "tags": ["api:1"],
        "attest": [{"type": "provenance"}],
    }
    assert debugger.debugger_call(target, tmp_path) == [
        "debug",
        "--on=error",
        "--invoke=sh",
        "build",
        "--file=services/api/../Dockerfile",
        "--target=prod",
        "--build-arg=A=1 2",
        "--build-context=shared=services/shared",
        "--secret=type=env,id=token,env=TOKEN",
        "--platform=linux/arm64",
        "services/api",
    ]
    inline = debugger.debugger_call({"dockerfile-inline": "FROM scratch"}, tmp_path)
    assert inline == [
        *["debug", "--on=error", "--invoke=sh", "build"],
        f"--file={tmp_path}/Dockerfile",
        ".",
    ]
    assert (tmp_path / "Dockerfile").read_text() == "FROM scratch"


@pytest.mark.parametrize(
    "field",
    [{"contexts": {"base": "target:base"}}, {"platforms": ["a", "b"]}, {"shm-size": "1g"}],
)
def test_what_the_debugger_cannot_build(field: dict[str, object], tmp_path: Path):
    assert debugger.debugger_call({"context": "."} | field, tmp_path) is None


def test_an_image_is_known_as_soon_as_it_is_named():
    named = {"id": "naming to localhost:5000/shop/api:1", "current": 0, "completed": "2026-01-05"}
    begun = {"id": "naming to localhost:5000/shop/web:1", "current": 0, "started": "2026-01-05"}
    line = json.dumps({"statuses": [begun, named]}, separators=(",", ":")).encode()
    assert named_in(line) == ["localhost:5000/shop/api:1"]


def test_sizes_are_those_that_the_engine_told():
    record = recorded("bake")
    digest = "sha256:" + "a" * 64
    record.file("metadata.json").write_text(json.dumps({"api": {"containerimage.digest": digest}}))
    assert sizes_of(record, {digest: 7, "sha256:other": 8}) == {digest: 7}


@pytest.mark.parametrize("name", ["LD_PRELOAD", "PATH", "DOCKER_HOST", "https_proxy", "GODEBUG"])
def test_an_environment_sets_nothing_that_programs_obey(name: str, tmp_path: Path):
    (tmp_path / "environments").mkdir()
    (tmp_path / "environments" / "dev.json").write_text(json.dumps({name: "x"}))
    with pytest.raises(UsageError, match=f"{name}: programs obey"):
        bake_variables(tmp_path, "dev")


def test_ci_systems_say_what_they_know(tmp_path: Path):
    found = pipeline_fields(
        {
            "GITHUB_ACTIONS": "true",
            "GITHUB_SERVER_URL": "https://github.example",
            "GITHUB_REPOSITORY": "o/r",
            "GITHUB_RUN_ID": "7",
            "GITHUB_SHA": "abc",
            "GITHUB_EVENT_NAME": "pull_request",
            "GITHUB_REF_NAME": "12/merge",
            "GITHUB_HEAD_REF": "feature",
        },
        tmp_path,
    )
    assert found == {
        "repository_url": "https://github.example/o/r",
        "ref_name": "feature",
        "revision": "abc",
        "change_id": "12",
        "pipeline_run_id": "7",
        "pipeline_run_url": "https://github.example/o/r/actions/runs/7",
        "trigger": "pull_request",
    }
    assert pipeline_fields({}, tmp_path) == {}


def test_the_author_is_the_one_of_the_commit_and_never_an_address(tmp_path: Path):
    github = {"GITHUB_ACTIONS": "true", "GITHUB_ACTOR": "jonas-lind"}
    gitlab = {"GITLAB_CI": "true", "GITLAB_USER_NAME": "Jonas Lind"}
    assert pipeline_fields(github, tmp_path)["author"] == "jonas-lind"
    assert pipeline_fields(gitlab, tmp_path)["author"] == "Jonas Lind"
    assert "author" not in pipeline_fields(github | {"GITHUB_ACTOR": "me@example.com"}, tmp_path)
    for author in ("Ana Moreau", "ana@example.com"):
        identity = ["-c", f"user.name={author}", "-c", "user.email=ana@example.com"]
        commit = ["commit", "--quiet", "--allow-empty", "-m", "one"]
        subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
        subprocess.run(["git", *identity, *commit], cwd=tmp_path, check=True)
        known = "Ana Moreau" if author == "Ana Moreau" else "jonas-lind"
        assert pipeline_fields(github, tmp_path)["author"] == known


def test_the_token_is_not_shown():
    found = server({"BUILDINSIGHTS_URL": "http://x/", "BUILDINSIGHTS_TOKEN": "secret"})
    assert found == Server("http://x", "secret")
    assert "secret" not in repr(found)
    assert server({"BUILDINSIGHTS_URL": "http://x/"}) is None


def test_what_could_not_be_sent_waits_and_is_sent_later(monkeypatch: pytest.MonkeyPatch):
    record = recorded("plain", refs={"": "r1"}, collected=True)
    answers = iter(["unreachable: ConnectionError", ""])
    posted: list[dict[str, str]] = []

    def post(files: object, fields: dict[str, str], to: Server) -> str:
        posted.append(dict(fields))
        return next(answers)

    monkeypatch.setattr(sending, "post", post)
    to = Server("http://127.0.0.1:1", "t")
    assert sending.send_spooled(to) == 0
    assert record.run().upload_error == "unreachable: ConnectionError"
    assert sending.send_spooled(to) == 1
    assert (record.run().sent, record.run().upload_error) == ([""], "")
    assert sending.send_spooled(to) == 0
    assert posted == [{"service": "src", "revision": "abc"}] * 2


def test_a_server_that_hangs_or_fails_is_left_after_a_while(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sending, "TIMEOUT_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        to = Server(f"http://127.0.0.1:{silent.getsockname()[1]}", "t")
        assert sending.post({}, {}, to) == "unreachable: ReadTimeout"
    record = recorded("plain", refs={"": "r1"}, collected=True)
    monkeypatch.setattr(sending, "post", lambda *_: "failed: 500 oops")
    assert sending.send_spooled(to) == 0
    assert record.run().upload_error == "failed: 500 oops", "kept, and tried again after the next"


def test_a_record_that_cannot_be_written_fails_no_build(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    frame = '{"vertexes": []}'
    script = f"import sys; [print('{frame}', file=sys.stderr) for _ in range(3)]"
    seen: list[bytes] = []
    with Bake([sys.executable, "-c", script], tmp_path) as bake:
        ended = bake.follow(Path("/dev/full"), seen.append)
    assert (ended.outcome, ended.exit_code, len(seen)) == ("succeeded", 0, 3)
    assert capsys.readouterr().err.count("The record of this build ends here: /dev/full") == 1


def test_a_cycle_is_shown_as_a_whole(monkeypatch: pytest.MonkeyPatch):
    edges = {"a": "c to a", "c": "b to c", "b": "a to b"}

    def buildx(*arguments: str, **_: object) -> str:
        raise UsageError(f"infinite loop from {edges[arguments[-1]]}")

    monkeypatch.setattr(planning, "buildx", buildx)
    with pytest.raises(UsageError, match="a → b → c → a"):
        planning.plan_of([], ["a"])


def test_a_refused_record_does_not_hold_up_the_others(monkeypatch: pytest.MonkeyPatch):
    first = recorded("plain", refs={"": "r1"}, collected=True)
    second = recorded("plain", refs={"": "r2"}, collected=True)
    refused = {first.run().id: "refused: 400", second.run().id: ""}
    order = iter([first.run().id, second.run().id])
    monkeypatch.setattr(sending, "post", lambda *_: refused[next(order)])
    sending.send_spooled(Server("http://127.0.0.1:1", "t"))
    assert {record.run().upload_error for record in (first, second)} == {"refused: 400", ""}


@pytest.mark.parametrize("case", ["record", "progress", "metadata"])
def test_files_are_told_apart_by_what_is_in_them(case: str):
    names = {"record": "dockerbuild", "progress": "progress.rawjson", "metadata": "metadata.json"}
    assert sending.part_of(CORPUS / "plain" / f"input.{names[case]}") == case


def test_without_docker_the_exit_code_says_so(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", "/nonexistent")
    ended = CliRunner().invoke(main, ["build"])
    assert ended.exit_code == 3
    assert "docker is not on PATH" in ended.output
    assert list(records.all_records()) == []


def test_upload_needs_a_server(tmp_path: Path):
    ended = CliRunner().invoke(main, ["upload"])
    assert ended.exit_code == 2
    assert "BUILDINSIGHTS_URL" in ended.output


@pytest.fixture
def environments(tmp_path: Path) -> Path:
    folder = tmp_path / "environments"
    folder.mkdir()
    schema = {
        "type": "object",
        "additionalProperties": False,
        "required": ["LOG_LEVEL"],
        "properties": {"LOG_LEVEL": {"enum": ["info"]}, "FLAGS": {"type": "array"}},
    }
    (folder / "schema.json").write_text(json.dumps(schema))
    (folder / "good.json").write_text('{"LOG_LEVEL": "info", "FLAGS": ["a", "b"]}')
    (folder / "unknown.json").write_text('{"LOG_LEVEL": "info", "LOGLEVEL": "x"}')
    (folder / "missing.json").write_text("{}")
    (folder / "broken.json").write_text("{")
    return tmp_path


def test_an_environment_sets_bakes_variables(environments: Path, tmp_path: Path):
    assert bake_variables(environments, "good") == {"LOG_LEVEL": "info", "FLAGS": "a,b"}
    assert bake_variables(tmp_path / "elsewhere", "any") == {}


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("unknown", "unknown.json: top: .*'LOGLEVEL' was unexpected"),
        ("missing", "missing.json: top: 'LOG_LEVEL' is a required property"),
        ("broken", "broken.json: not JSON"),
        ("none", "There is no environment none; there are broken, good, missing, unknown"),
    ],
)
def test_a_wrong_environment_says_what_is_wrong(environments: Path, name: str, words: str):
    with pytest.raises(UsageError, match=words):
        bake_variables(environments, name)


@pytest.mark.parametrize("name", ["dev", "staging", "production"])
def test_our_own_environments_are_right(name: str):
    assert set(bake_variables(CORPUS.parents[2], name)) == {"LOG_LEVEL", "FEATURE_FLAGS", "API_URL"}


@pytest.mark.parametrize(
    ("tag", "host"),
    [
        ("localhost:5000/shop/api:1", "localhost:5000"),
        ("ghcr.io/org/app", "ghcr.io"),
        ("localhost/app", "localhost"),
        ("library/redis:7", ""),
        ("redis:7", ""),
    ],
)
def test_a_tag_names_its_registry(tag: str, host: str):
    assert registry_of(tag) == host
