"""Reports of scanners among the files of ``upload``, and trivy among what ``doctor`` looks at."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from cli import checking, scans
from cli.checking import Finding
from cli.main import main
from tests.cli.standing_in import Ingest, StandIn, report
from tests.conftest import SHARED_FIXTURES

pytestmark = pytest.mark.usefixtures("own_home")

CORPUS = Path(__file__).resolve().parents[1] / "corpus" / "buildkit"
REAL = SHARED_FIXTURES / "trivy"
SARIF = {"version": "2.1.0", "$schema": "https://example.com/sarif.json", "runs": []}
CYCLONEDX = {"bomFormat": "CycloneDX", "specVersion": "1.6", "vulnerabilities": [{"id": "CVE-1"}]}
LEGACY = [{"Target": "alpine:3.9", "Vulnerabilities": None}]


@pytest.mark.parametrize("document", [SARIF, CYCLONEDX, LEGACY], ids=["sarif", "cdx", "legacy"])
def test_upload_of_a_report(ingest: Ingest, tmp_path: Path, document: object):
    path = tmp_path / "r.json"
    path.write_text(json.dumps(document, indent=1))
    done = CliRunner().invoke(
        main,
        ["upload", str(path), "--service", "api", "--image", "shop/api:1", "--variant", "slim"],
    )
    assert done.exit_code == 0, done.output
    [taken] = ingest.taken
    assert (taken.path, taken.content_type) == ("/api/v1/ingest/trivy/", "application/json")
    assert taken.body == path.read_bytes()
    assert taken.query == {"service": "api", "image": "shop/api:1", "variant": "slim"}


def test_upload_of_reports_beside_the_parts_of_a_build(ingest: Ingest, tmp_path: Path):
    parts = [CORPUS / "plain" / f"input.{name}" for name in ("progress.rawjson", "metadata.json")]
    listed = [*parts, report(tmp_path / "a.json"), report(tmp_path / "b.json")]
    done = CliRunner().invoke(main, ["upload", *map(str, listed)])
    assert done.exit_code == 0, done.output
    assert [taken.path.split("/")[-2] for taken in ingest.taken] == ["buildkit", "trivy", "trivy"]
    assert b"a.json" not in ingest.taken[0].body
    assert "progress, metadata sent." in done.output
    assert f"report {tmp_path / 'b.json'} sent." in done.output


def test_upload_of_a_report_that_is_refused(ingest: Ingest, tmp_path: Path):
    ingest.status = 422
    done = CliRunner().invoke(main, ["upload", str(report(tmp_path / "a.json"))])
    assert done.exit_code == 2
    assert "a.json: refused: 422" in done.output


def test_upload_knows_real_reports_from_parts_of_builds():
    for path in sorted(CORPUS.glob("*/input.*")):
        assert not scans.is_report(path.read_bytes()), path
    if not REAL.is_dir():
        pytest.skip(f"no {REAL}")
    names = ("trivy-v2-*", "trivy-legacy-list-*", "trivy-sarif-*", "trivy-cyclonedx-*")
    for path in sorted(found for name in names for found in REAL.glob(name)):
        assert scans.is_report(path.read_bytes()), path


def doctor_of_trivy() -> Finding:
    return next(item for item in checking.check_all() if item.name == "trivy")


def test_doctor_tells_of_trivy(stand_in: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(checking, "_client", lambda: Finding("docker", False, "not looked for"))
    assert doctor_of_trivy() == Finding("trivy", True, "0.58.1")
    (stand_in.path / "trivy").write_text("#!/bin/sh\necho oops >&2; exit 1\n")
    broken = doctor_of_trivy()
    assert (broken.ok, broken.needed) == (False, False)
    assert broken.says == "trivy does not tell its version: oops"
    monkeypatch.setenv("PATH", str(tmp_path))
    missing = doctor_of_trivy()
    assert (missing.ok, missing.needed, missing.says) == (False, False, "not on PATH")
    assert "https://trivy.dev/" in missing.fix
