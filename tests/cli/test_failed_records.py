"""Which of the builder's records belongs to a run that failed and left no metadata."""

from collections.abc import Callable
from pathlib import Path

import pytest

from cli import records, sending
from cli.errors import UsageError

CORPUS = Path(__file__).resolve().parents[1] / "corpus" / "buildkit"
MOMENT = "2026-05-01T12:00:00Z"

type FailedRun = Callable[[str], records.Record]


@pytest.fixture
def failed_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FailedRun:
    """Make the record of a run that failed, on a builder that is here."""
    monkeypatch.setenv("BUILDINSIGHTS_HOME", str(tmp_path))
    monkeypatch.setattr(sending, "builder_is_here", lambda: True)
    monkeypatch.setattr(sending, "RECORD_PAUSES", ())

    def make(case: str) -> records.Record:
        record = records.create(["bake"], tmp_path)
        record.file("progress.rawjson").write_bytes(
            (CORPUS / case / "input.progress.rawjson").read_bytes()
        )
        record.update(
            started_at=MOMENT, ended_at=MOMENT, contexts={"api": ["https://example.com", ""]}
        )
        return record

    return make


def builder_has(monkeypatch: pytest.MonkeyPatch, *cases: str) -> None:
    """Let the builder list records of these builds, all of one moment."""
    listed = [{"ref": case, "created_at": MOMENT, "completed_at": MOMENT} for case in cases]
    listed.insert(0, {"ref": "running", "created_at": MOMENT})

    def export(ref: str, to: Path) -> None:
        if ref in {"running", "deleted"}:
            raise UsageError(f"no record found for ref {ref}")
        to.write_bytes((CORPUS / ref / "input.dockerbuild").read_bytes())

    monkeypatch.setattr(sending, "history", lambda: listed)
    monkeypatch.setattr(sending, "export_record", export)
    monkeypatch.setattr(sending, "declared_values", lambda command: {})


@pytest.mark.parametrize("case", ["failed", "canceled"])
def test_a_failed_run_finds_its_own_record_among_those_of_the_moment(
    failed_run: FailedRun, monkeypatch: pytest.MonkeyPatch, case: str
):
    builder_has(monkeypatch, "plain", "deleted", "shared", "failed", "canceled", "cached")
    record = failed_run(case)
    run = sending.collect(record)
    assert list(run.refs.values()) == [case]
    [bundle] = record.path.glob("*.dockerbuild")
    assert bundle.read_bytes() == (CORPUS / case / "input.dockerbuild").read_bytes()


def test_a_build_of_the_same_base_is_not_taken_for_the_failed_one(
    failed_run: FailedRun, monkeypatch: pytest.MonkeyPatch
):
    builder_has(monkeypatch, "plain", "shared")
    record = failed_run("failed")
    assert sending.collect(record).refs == {}
    assert not list(record.path.glob("*.dockerbuild"))
