"""``buildinsights scan`` with a stand-in for trivy, which is not installed where tests run."""

import json
import os
import pty
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from cli import records, scanning, scans, sending, trivy
from cli.findings import findings_of
from cli.main import main
from supplychain.reports.reading import read_report
from tests.cli.standing_in import (
    DIGEST,
    NO_DATABASE,
    Ingest,
    StandIn,
    report,
    vulnerability,
)
from tests.conftest import ROOT, SHARED_FIXTURES
from tests.farm.waiting import eventually

pytestmark = pytest.mark.usefixtures("own_home")

REAL = SHARED_FIXTURES / "trivy"
BAD = (
    vulnerability("LOW", "tar"),
    vulnerability("CRITICAL", "musl", "1.2"),
    vulnerability("HIGH", "zlib"),
    vulnerability("HIGH", "openssl", "1.1.1b"),
)


def scan(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["scan", *arguments])


def kept() -> scans.Scan:
    """The newest record of a scan."""
    return next(scans.all_scans()).scan()


def test_an_image_is_scanned_told_and_kept(stand_in: StandIn, tmp_path: Path):
    stand_in.does(report=report(tmp_path / "r.json", *BAD))
    done = scan("shop/api:1")
    assert done.exit_code == 0, done.output
    lines = done.stdout.splitlines()
    counted = [line.split()[:3] for line in lines[1:4]]
    assert counted == [["CRITICAL", "1", "1"], ["HIGH", "2", "1"], ["LOW", "1", "0"]]
    worst = [line.split()[2:5] for line in lines if "CVE-" in line]
    assert worst == [
        ["musl", "1.0", "1.2"],
        ["openssl", "1.0", "1.1.1b"],
        ["zlib", "1.0", "–"],
        ["tar", "1.0", "–"],
    ], "the worst first, and of those what can be mended"
    assert "alpine 3.9.4 gets no more security updates" in done.stdout
    assert "Vulnerability scanning is enabled" in done.stderr, "trivy's own progress"
    [record] = scans.all_scans()
    assert record.report.read_bytes() == (tmp_path / "r.json").read_bytes()
    assert record.path.stat().st_mode & 0o077 == 0
    assert (record.scan().outcome, record.scan().sent) == ("succeeded", False)


def test_trivy_is_told_what_to_look_for_and_where_to_write(stand_in: StandIn, tmp_path: Path):
    stand_in.does(report=report(tmp_path / "r.json"))
    done = scan(
        *("shop/api:1", "--severity", "high, critical", "--ignore-unfixed", "--timeout", "60"),
        *("--", "--skip-db-update", "--scanners", "vuln", "--pkg-types=library"),
    )
    assert done.exit_code == 0, done.output
    [call] = stand_in.calls
    assert call[0] == "image"
    assert {
        "--format=json",
        "--severity=HIGH,CRITICAL",
        "--ignore-unfixed=true",
        "--image-config-scanners=misconfig,secret",
        "--timeout=60s",
        "--no-progress",
        "--skip-db-update",
    } < set(call)
    assert [item for item in call if item.startswith("--scanners")] == ["--scanners"]
    assert (call[-3], call[-1]) == ("--format=json", "shop/api:1")
    assert kept().query == {
        "image": "shop/api:1",
        "scanners": "vuln",
        "severities": "HIGH,CRITICAL",
        "ignore_unfixed": "true",
        "pkg_types": "library",
    }
    assert scan("shop/api:1").exit_code == 0
    assert "--scanners=vuln,secret,misconfig,license" in stand_in.calls[1]
    assert "--ignore-unfixed=false" in stand_in.calls[1], "whatever trivy.yaml says"


@pytest.mark.parametrize(
    ("said", "sent"),
    [
        (
            {
                "Version": "0.58.1",
                "VulnerabilityDB": {"Version": 2, "UpdatedAt": "2026-11-01T06:11:02.541263Z"},
            },
            {
                "scanner_version": "0.58.1",
                "database_version": "2",
                "database_updated_at": "2026-11-01T06:11:02.541263Z",
            },
        ),
        ({"Version": "0.58.1"}, {"scanner_version": "0.58.1"}),
        ({"VulnerabilityDB": {"Version": 2, "UpdatedAt": "soon"}}, {"database_version": "2"}),
        (["no object"], {}),
    ],
)
def test_what_trivy_says_of_its_database_goes_along(
    stand_in: StandIn, tmp_path: Path, said: Any, sent: dict[str, str]
):
    stand_in.does(report=report(tmp_path / "r.json"))
    (stand_in.path / "version.json").write_text(json.dumps(said))
    assert scan("shop/api:1").exit_code == 0
    query = kept().query
    names = ("scanner_version", "database_version", "database_updated_at")
    assert {name: query[name] for name in names if name in query} == sent


def test_nothing_goes_through_a_shell(stand_in: StandIn, tmp_path: Path):
    stand_in.does(report=report(tmp_path / "r.json"))
    assert scan("shop/api:1;touch pwned", "--", "--token=$(id)").exit_code == 0
    assert stand_in.calls[0][-1] == "shop/api:1;touch pwned"
    assert "--token=$(id)" in stand_in.calls[0]


@pytest.mark.parametrize(
    ("fail_on", "code", "says"),
    [
        ("CRITICAL", 4, "1 finding is CRITICAL or worse"),
        ("HIGH", 4, "3 findings are HIGH or worse"),
        ("high,critical", 4, "3 findings are HIGH or worse"),
        ("none", 0, ""),
    ],
)
def test_it_fails_on_what_is_as_bad_as_asked(
    stand_in: StandIn, tmp_path: Path, fail_on: str, code: int, says: str
):
    stand_in.does(report=report(tmp_path / "r.json", *BAD))
    done = scan("shop/api:1", "--fail-on", fail_on)
    assert done.exit_code == code, done.output
    assert says in done.stderr


def test_secrets_and_failed_checks_fail_and_licences_do_not(stand_in: StandIn, tmp_path: Path):
    secret = {"RuleID": "aws-access-key-id", "Severity": "CRITICAL", "StartLine": 3, "Match": "**"}
    found = {"Target": "app/.env", "Class": "secret", "Secrets": [secret]}
    stand_in.does(report=report(tmp_path / "r.json", **found))
    done = scan("shop/api:1", "--fail-on", "HIGH")
    assert done.exit_code == 4, done.output
    assert "aws-access-key-id  app/.env:3" in done.stdout
    licence = {"Severity": "HIGH", "Category": "restricted", "PkgName": "musl", "Name": "GPL-2.0"}
    found = {"Target": "OS Packages", "Class": "license", "Licenses": [licence]}
    stand_in.does(report=report(tmp_path / "r.json", **found))
    done = scan("shop/api:1", "--fail-on", "HIGH")
    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines()[1].split() == ["HIGH", "0", "0", "0", "0", "1"]


def test_what_lies_in_an_image_commands_no_terminal(stand_in: StandIn, tmp_path: Path):
    hostile = vulnerability("HIGH", "a\x1b]0;owned\x07\n" + "b" * 200)
    stand_in.does(report=report(tmp_path / "r.json", hostile))
    done = scan("shop/api:1")
    assert "\x1b" not in done.stdout
    assert "a�]0;owned��bb" in done.stdout
    assert max(map(len, done.stdout.splitlines())) < 160


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--output", "/no/such/place/r.json", "a"], "There is no directory for"),
        (["a", "--digest", "sha256:1"], "sha256:1 is no digest"),
        (["a", "--severity", "CRITICAL", "--fail-on", "HIGH"], "would fail on HIGH: --severity"),
        (["a", "--severity", "none"], "would look for nothing"),
        (["a", "--severity", "awful"], "there are UNKNOWN, LOW, MEDIUM, HIGH, CRITICAL"),
        (["a", "b"], "One image at a time: b is one too many."),
        (["a", "--", "--format", "sarif"], "--format is set by this command: use trivy convert"),
        (["a", "--", "-sHIGH"], "-s is set by this command: use --severity before the --"),
        (["--", "-x"], "-x is no name of an image"),
    ],
)
def test_what_cannot_be_is_said_before_trivy_runs(
    stand_in: StandIn, arguments: list[str], says: str
):
    done = scan(*arguments)
    assert done.exit_code == 2
    assert says in done.output
    assert stand_in.calls == []


def test_without_trivy_it_is_said_what_it_is_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    done = scan("shop/api:1")
    assert done.exit_code == 5
    for part in ("trivy is not on PATH", "https://trivy.dev/", "`buildinsights upload`"):
        assert part in done.stderr
    assert list(scans.all_scans()) == []


def test_trivys_own_words_come_through(stand_in: StandIn, ingest: Ingest):
    stand_in.does(says=NO_DATABASE, code=1)
    done = scan("shop/api:1")
    assert done.exit_code == 6
    error = done.stderr.rpartition("Error: ")[2]
    assert error.startswith("trivy failed (exit code 1). trivy says:\n")
    assert "init error: DB error: failed to download vulnerability DB" in error
    assert "lookup mirror.gcr.io: no such host" in error
    assert "Need to update DB" not in error, "that it began is no reason"
    assert "\x1b" not in error
    assert kept().outcome == "failed"
    assert "failed to download" in kept().error
    assert ingest.taken == [], "there is nothing to send"


@pytest.mark.parametrize(
    ("does", "says"),
    [
        ({}, "trivy wrote no report. trivy says:"),
        ({"killed": True}, "trivy failed (ended by SIGKILL)"),
        ({"code": 3}, "trivy failed (exit code 3). trivy says:"),
    ],
)
def test_an_end_without_a_report(stand_in: StandIn, does: dict[str, object], says: str):
    stand_in.does(**does)
    done = scan("shop/api:1")
    assert done.exit_code == 6, done.output
    assert says in done.stderr


@pytest.mark.parametrize("text", ["", "no json", '{"what": "else"}'])
def test_a_report_that_is_none(stand_in: StandIn, tmp_path: Path, text: str):
    (tmp_path / "r.json").write_text(text)
    stand_in.does(report=tmp_path / "r.json")
    done = scan("shop/api:1")
    assert done.exit_code == 6, done.output
    assert "trivy's report cannot be read" in done.stderr
    assert kept().outcome == "failed"


@pytest.mark.parametrize("how", ["hears", "deaf"])
def test_a_trivy_that_hangs_is_ended(stand_in: StandIn, monkeypatch: pytest.MonkeyPatch, how: str):
    monkeypatch.setattr(trivy, "GRACE_SECONDS", 0.2)
    stand_in.does(hangs=how)
    began = time.monotonic()
    done = scan("shop/api:1", "--timeout", "1")
    assert time.monotonic() - began < 20
    assert done.exit_code == 6, done.output
    assert "trivy had not ended after 1 s, and was ended; --timeout gives it more." in done.stderr


@pytest.mark.parametrize("how", ["hears", "deaf"])
def test_ctrl_c_ends_trivy_and_the_command(
    stand_in: StandIn, own_home: Path, tmp_path: Path, how: str
):
    stand_in.does(hangs=how, says="Scanning …\n")
    process = subprocess.Popen(
        [sys.executable, "-m", "cli", "scan", "shop/api:1"],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        assert eventually((stand_in.path / "began").exists, 20)
        process.send_signal(signal.SIGINT)
        if how == "deaf":
            assert eventually(partial(_ends_at_another, process), 20)
        said = process.communicate(timeout=20)
    finally:
        process.kill()
    assert process.returncode == 130, said
    assert "Canceled" in said[1]
    assert kept().outcome == "canceled"


def _ends_at_another(process: subprocess.Popen[str]) -> bool:
    """Ask again: two signals that come at once are one."""
    time.sleep(0.3)
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
    return process.poll() is not None


def test_in_a_terminal_trivy_has_a_terminal(stand_in: StandIn, tmp_path: Path):
    """Its progress bars are for those only, and are drawn over and over in one line."""
    stand_in.does(report=report(tmp_path / "r.json"), says="10 %\r100 %\r\n")
    ours, theirs = pty.openpty()
    done = subprocess.run(
        [sys.executable, "-m", "cli", "scan", "shop/api:1"],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=theirs,
        timeout=60,
        check=False,
    )
    os.close(theirs)
    shown = os.read(ours, 65536).decode()
    os.close(ours)
    assert done.returncode == 0, shown
    assert "10 %\r100 %" in shown
    assert "--no-progress" not in stand_in.calls[0]


def test_the_report_is_sent_with_what_is_known(stand_in: StandIn, ingest: Ingest, tmp_path: Path):
    path = report(tmp_path / "r.json", *BAD, repository="shop/api")
    stand_in.does(report=path)
    done = scan(
        *("shop/api:1", "--service", "api", "--environment", "prod", "--variant", "slim"),
        *("--output", str(tmp_path / "copy.json")),
    )
    assert done.exit_code == 0, done.output
    [taken] = ingest.taken
    assert (taken.path, taken.content_type) == ("/api/v1/ingest/trivy/", "application/json")
    assert taken.authorization == "Bearer bi_token"
    assert taken.body == path.read_bytes() == (tmp_path / "copy.json").read_bytes()
    assert taken.query == {
        "image": "shop/api:1",
        "digest": DIGEST,
        "service": "api",
        "environment": "prod",
        "variant": "slim",
        "scanners": "vuln,secret,misconfig,license",
    }
    assert "The report was sent." in done.stderr
    assert kept().sent


def test_a_report_waits_for_a_server_that_is_away(
    stand_in: StandIn, ingest: Ingest, tmp_path: Path
):
    ingest.status = 503
    stand_in.does(report=report(tmp_path / "r.json", *BAD))
    done = scan("shop/api:1", "--fail-on", "HIGH")
    assert done.exit_code == 4, "the verdict does not depend on the server"
    assert "The report was not sent, and is kept: failed: 503" in done.stderr
    ingest.status = 202
    assert scan("shop/api:2").exit_code == 0
    assert [taken.query["image"] for taken in ingest.taken] == [
        "shop/api:1",
        "shop/api:2",
        "shop/api:1",
    ]
    done = CliRunner().invoke(main, ["upload"])
    assert "0 reports of scans sent." in done.output


@pytest.mark.parametrize("by", ["upload", "build"])
def test_what_waits_is_sent_by_upload_and_after_a_build(
    stand_in: StandIn, ingest: Ingest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by: str
):
    ingest.status = 503
    stand_in.does(report=report(tmp_path / "r.json"))
    scan("shop/api:1")
    ingest.status = 202
    if by == "upload":
        assert "1 reports of scans sent." in CliRunner().invoke(main, ["upload"]).output
    else:
        monkeypatch.setattr(sending, "collect", lambda record: None)
        assert sending.finish(records.create(["bake"], tmp_path)) == ""
    assert [taken.query["image"] for taken in ingest.taken] == ["shop/api:1"] * 2
    assert kept().sent


def test_a_report_that_is_refused_is_not_sent_again(
    stand_in: StandIn, ingest: Ingest, tmp_path: Path
):
    ingest.status = 422
    stand_in.does(report=report(tmp_path / "r.json"))
    assert "is kept: refused: 422" in scan("shop/api:1").stderr
    ingest.status = 202
    assert "0 reports of scans sent." in CliRunner().invoke(main, ["upload"]).output
    assert len(ingest.taken) == 1


def test_a_disk_without_room_costs_the_record_not_the_scan(
    stand_in: StandIn, ingest: Ingest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(scans, "FREE_BYTES", 1 << 80)
    stand_in.does(report=report(tmp_path / "r.json", *BAD))
    done = scan("shop/api:1")
    assert done.exit_code == 0, done.output
    assert "No record is kept of this scan" in done.stderr
    assert len(ingest.taken) == 1
    assert list(scans.all_scans()) == []


def test_a_copy_that_cannot_be_written_loses_no_report(
    stand_in: StandIn, ingest: Ingest, tmp_path: Path
):
    stand_in.does(report=report(tmp_path / "r.json"))
    done = scan("shop/api:1", "--output", "/dev/full")
    assert done.exit_code == 2, done.output
    assert "/dev/full was not written: No space left on device. It is " in done.stderr
    assert len(ingest.taken) == 1


@pytest.mark.parametrize(
    ("image", "repository", "engine", "digest"),
    [
        (f"shop/api@{DIGEST}", "", "", DIGEST),
        ("shop/api:1", "shop/api", "", DIGEST),
        ("docker.io/shop/api", "shop/api", "", DIGEST),
        ("shop/api:1", "other/api", "sha256:" + "e" * 64, "sha256:" + "e" * 64),
        ("shop/api:1", "", "", ""),
        ("Not A Name", "shop/api", "", ""),
    ],
)
def test_the_digest_is_that_of_what_was_scanned(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    image: str,
    repository: str,
    engine: str,
    digest: str,
):
    monkeypatch.setattr(scanning, "size_in_engine", lambda name: (engine, 1) if engine else None)
    data = report(tmp_path / "r.json", repository=repository).read_bytes()
    assert scanning.digest_of(image, read_report(data, key=b"k" * 32)) == digest


def test_real_reports_are_told(stand_in: StandIn):
    """Whatever trivy wrote: every vulnerability is counted once, and nothing is lost."""
    if not REAL.is_dir():
        pytest.skip(f"no {REAL}")
    expected = json.loads((REAL / "expected.json").read_text())
    for name, wanted in expected.items():
        if not name.startswith("trivy-v2-"):
            continue
        stand_in.does(report=REAL / name)
        done = scan("shop/api:1")
        assert done.exit_code == 0, (name, done.output)
        found = findings_of(read_report((REAL / name).read_bytes(), key=b"k" * 32))
        assert sum(item.kind == "vulnerabilities" for item in found) == wanted["distinct"], name
        assert ("Nothing was found." in done.stdout) == (not found), name
