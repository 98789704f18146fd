"""``buildinsights build --inspect``: what there will be to look at, and what cannot be read."""

import json
from pathlib import Path

import pytest

from cli import records
from cli.errors import USAGE_ERROR
from cli.inspecting_builds import inspect_built
from cli.records import METADATA
from cli.running import Done, Ended
from cli.scanning_builds import Expected
from tests.buildkit.archives import archive
from tests.cli.layouts import Layout
from tests.cli.standing_in import Ingest
from tests.supplychain.images import file

pytestmark = pytest.mark.usefixtures("own_home")


def run_of(name: str, outcome: str = "succeeded") -> Done:
    """A run of Bake that has ended, with its record."""
    record = records.create(["bake"], Path("/src/shop"))
    record.file(METADATA).write_text(json.dumps({"api": {"image.name": name}}))
    record.update(outcome=outcome)
    return Done(record, Ended(outcome, 0 if outcome == "succeeded" else 1, ""), {})


def expected(name: str, *platforms: str, pushed: bool = True) -> dict[str, Expected]:
    return {"api": Expected("Shop API", (name,), pushed=pushed, platforms=platforms)}


def test_an_image_that_cannot_be_read_is_said_and_ends_with_an_error(
    ingest: Ingest, capsys: pytest.CaptureFixture[str]
):
    name = "127.0.0.1:9/shop/api:1"
    assert inspect_built(expected(name), [run_of(name)]) == USAGE_ERROR
    assert f"Error: {name}: " in capsys.readouterr().err
    assert ingest.taken == []


def test_a_run_that_failed_left_nothing_to_look_at(capsys: pytest.CaptureFixture[str]):
    assert inspect_built(expected("a"), [run_of("a", "failed")]) == 0
    assert capsys.readouterr().err == ""


def test_each_platform_is_sent_with_its_service(
    ingest: Ingest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    layout = Layout(tmp_path / "layout")
    layout.index(
        layout.image("linux/amd64", archive(file("a"))),
        layout.image("linux/arm64", archive(file("bin/su", mode=0o4755))),
    )
    monkeypatch.setattr("cli.inspecting_builds.SOURCES", {True: "path", False: "path"})
    name = str(layout.root)
    assert inspect_built(expected(name, "linux/amd64", "linux/arm64"), [run_of(name)]) == 0
    first, second = (json.loads(taken.body) for taken in ingest.taken)
    assert [taken.path for taken in ingest.taken] == ["/api/v1/inspections/"] * 2
    assert (first["platform"], second["platform"]) == ("linux/amd64", "linux/arm64")
    assert (first["service"], first["image"]) == ("Shop API", name)
    setuid = [
        next(check["status"] for check in document["checks"] if check["id"] == "setuid")
        for document in (first, second)
    ]
    assert setuid == ["pass", "fail"]
