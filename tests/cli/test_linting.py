"""``buildinsights lint`` on the real buildx, and what it sends."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from cli.errors import USAGE_ERROR
from cli.main import main
from tests.cli.standing_in import Ingest

pytestmark = [pytest.mark.engine, pytest.mark.usefixtures("own_home", "engine")]

FILE = "FROM scratch AS base\nMAINTAINER somebody\nFROM base as run\nCMD echo started\n"


def linted(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["lint", *arguments])


@pytest.fixture(autouse=True)
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "checkout"
    folder.mkdir()
    monkeypatch.chdir(folder)
    (folder / "Dockerfile").write_text(FILE)
    (folder / "clean").write_text('FROM scratch\nCMD ["/a"]\n')
    (folder / "broken").write_text("FROM scratch\nBAD\n")
    targets: dict[str, Any] = {
        "api": {"target": "run", "labels": {"org.opencontainers.image.title": "Shop API"}},
        "clean": {"dockerfile": "clean"},
        "broken": {"dockerfile": "broken"},
    }
    document = {"target": targets, "group": {"default": {"targets": ["api", "clean"]}}}
    (folder / "docker-bake.json").write_text(json.dumps(document))
    return folder


def test_rules_are_named_with_file_and_line():
    done = linted()
    assert done.exit_code == 1
    assert "api: 3 warnings\n" in done.output
    assert "  Dockerfile:4  JSONArgsRecommended: JSON arguments recommended for CMD" in done.output
    assert "clean: no warnings\n" in done.output


def test_json_is_what_is_sent(ingest: Ingest):
    done = CliRunner().invoke(main, ["lint", "api", "--json"])
    assert done.exit_code == 1
    [document] = json.loads(done.stdout)
    assert (document["service"], document["target"]) == ("Shop API", "run")
    assert [(item["rule"], item["file"], item["lines"]) for item in document["warnings"]] == [
        ("MaintainerDeprecated", "Dockerfile", [[2, 2]]),
        ("FromAsCasing", "Dockerfile", [[3, 3]]),
        ("JSONArgsRecommended", "Dockerfile", [[4, 4]]),
    ]
    [taken] = ingest.taken
    assert (taken.path, json.loads(taken.body)) == ("/api/v1/lint-rules/", document)


def test_nothing_is_sent_if_that_is_asked_for(ingest: Ingest):
    assert linted("clean", "--no-upload").exit_code == 0
    assert ingest.taken == []


def test_what_a_server_cannot_take_now_is_sent_later(ingest: Ingest):
    ingest.status = 503
    assert "was not sent, and is kept: failed: 503" in linted("clean").output
    ingest.status = 201
    assert "The result of clean was sent." in linted("clean").output
    assert [taken.path for taken in ingest.taken] == ["/api/v1/lint-rules/"] * 3
    assert json.loads(ingest.taken[0].body) == json.loads(ingest.taken[2].body)
    assert "0 other results sent." in CliRunner().invoke(main, ["upload"]).output


def test_what_a_server_refuses_is_not_sent_again(ingest: Ingest):
    ingest.status = 400
    assert "was not sent: refused: 400" in linted("clean").output
    ingest.status = 201
    linted("clean")
    assert len(ingest.taken) == 2


def test_a_dockerfile_that_cannot_be_read_is_not_sent(ingest: Ingest):
    done = linted("broken", "clean")
    assert done.exit_code == 1
    assert "unknown instruction: BAD" in done.output
    assert [json.loads(taken.body)["service"] for taken in ingest.taken] == ["clean"]


def test_a_context_that_is_another_targets_result(checkout: Path):
    (checkout / "linked").write_text('FROM base\nCOPY --from=lib /a /a\nCMD ["/a"]\n')
    contexts = {"lib": "target:clean", "base": "target:clean"}
    targets = {
        "clean": {"dockerfile": "clean"},
        "linked": {"dockerfile": "linked", "contexts": contexts},
    }
    (checkout / "docker-bake.json").write_text(json.dumps({"target": targets}))
    done = linted("linked")
    assert (done.exit_code, done.output) == (0, "linked: no warnings\n")


def test_wrong_usage():
    unknown = linted("nope")
    assert (unknown.exit_code, "There is no target nope" in unknown.output) == (USAGE_ERROR, True)
    assert linted("clean", "--upload").exit_code == USAGE_ERROR
