"""``buildinsights build --scan``: what there will be to scan, and the scans of it."""

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from cli import records, scanning_builds, scans
from cli.errors import UsageError
from cli.main import main
from cli.records import METADATA
from cli.running import Done, Ended
from cli.scanning_builds import Expected, expected_images, scan_built
from tests.cli.standing_in import Ingest, StandIn, report, vulnerability
from tests.conftest import ROOT

pytestmark = pytest.mark.usefixtures("own_home")

BUILT = "sha256:" + "b" * 64
PUSHED = {"type": "image", "push": "true"}

type Plans = Callable[..., None]


@pytest.fixture
def plans(stand_in: StandIn, monkeypatch: pytest.MonkeyPatch) -> Plans:
    """Let Bake print a plan, on a builder with that driver."""

    def plan(driver: str = "docker-container", **targets: dict[str, Any]) -> None:
        document = {"target": targets, "group": {"default": {"targets": list(targets)}}}
        monkeypatch.setattr(scanning_builds, "driver", lambda: driver)
        monkeypatch.setattr(scanning_builds, "buildx", lambda *_: json.dumps(document))

    monkeypatch.setattr(scanning_builds, "declared_values", lambda command: {"variant": "slim"})
    return plan


def run_of(target: str, outcome: str = "succeeded", digest: str = BUILT, **fields: str) -> Done:
    """A run of Bake that has ended, with its record."""
    record = records.create(["bake"], Path("/src/shop"))
    item = {"containerimage.digest": digest, "image.name": "r.example/shop/api:1,other"}
    record.file(METADATA).write_text(json.dumps({target: item}))
    record.update(outcome=outcome, fields=fields)
    return Done(record, Ended(outcome, 0 if outcome == "succeeded" else 1, ""), {})


@pytest.mark.parametrize(
    ("driver", "output", "pushed"),
    [
        ("docker-container", [PUSHED], True),
        ("docker-container", ["type=image,push=true"], True),
        ("docker-container", [{"type": "registry"}], True),
        ("docker-container", [{"type": "docker"}], False),
        ("docker-container", [{"type": "docker"}, PUSHED], True),
        ("docker", None, False),
        ("docker", [{"type": "image"}], False),
    ],
)
def test_what_is_pushed_or_loaded_will_be_scanned(
    plans: Plans, driver: str, output: object, *, pushed: bool
):
    labels = {"org.opencontainers.image.title": "shop"}
    target = {"tags": ["api:1"], "output": output, "labels": labels, "platforms": ["linux/arm64"]}
    plans(driver, api=target, base={"output": [{"type": "cacheonly"}]})
    assert expected_images((), (), (), ()) == {
        "api": Expected("shop", ("api:1",), pushed, ("linux/arm64",))
    }


@pytest.mark.parametrize(
    ("driver", "target"),
    [
        ("docker-container", {"tags": ["api:1"]}),
        ("docker-container", {"tags": ["api:1"], "output": [{"type": "docker", "dest": "a.tar"}]}),
        ("docker-container", {"tags": ["api:1"], "output": [{"type": "local", "dest": "out"}]}),
        ("docker", {"tags": ["api:1"], "output": [{"type": "cacheonly"}]}),
        ("docker", {}),
    ],
)
def test_nothing_to_scan_is_said_before_the_build(
    plans: Plans, driver: str, target: dict[str, Any]
):
    plans(driver, api=target)
    with pytest.raises(UsageError, match=r"no image to look at: .* Give --push or --load"):
        expected_images((), (), (), ())


def test_what_was_pushed_is_scanned_by_its_digest(
    plans: Plans, stand_in: StandIn, ingest: Ingest, tmp_path: Path
):
    """The engine may have an older image under the same name, and trivy would take that."""
    stand_in.does(report=report(tmp_path / "r.json", vulnerability("MEDIUM", "tar")))
    expected = {"api": Expected("api", ("r.example/shop/api:1",), True, ())}
    assert scan_built(expected, [run_of("api", environment="prod")], None) == 0
    assert stand_in.calls[0][-1] == f"r.example/shop/api@{BUILT}"
    [taken] = ingest.taken
    assert taken.query == {
        "image": "r.example/shop/api:1",
        "digest": BUILT,
        "service": "api",
        "environment": "prod",
        "variant": "slim",
        "scanners": "vuln,secret,misconfig,license",
    }


def test_each_platform_is_scanned(plans: Plans, stand_in: StandIn, tmp_path: Path):
    stand_in.does(report=report(tmp_path / "r.json"))
    both = ("linux/amd64", "linux/arm64")
    expected = {"api": Expected("api", ("r.example/shop/api:1",), False, both)}
    assert scan_built(expected, [run_of("api")], None) == 0
    asked = [item for call in stand_in.calls for item in call if item.startswith("--platform=")]
    assert asked == ["--platform=linux/amd64", "--platform=linux/arm64"]
    assert {call[-1] for call in stand_in.calls} == {"r.example/shop/api:1"}


@pytest.mark.parametrize(
    ("severity", "fail_on", "code"),
    [
        ("HIGH", None, 4),
        ("CRITICAL", None, 4),
        ("MEDIUM", None, 0),
        ("MEDIUM", ("LOW",), 4),
        ("CRITICAL", (), 0),
    ],
)
def test_it_fails_on_high_and_critical_unless_told(
    plans: Plans,
    stand_in: StandIn,
    tmp_path: Path,
    severity: str,
    fail_on: tuple[str, ...] | None,
    code: int,
):
    stand_in.does(report=report(tmp_path / "r.json", vulnerability(severity, "tar")))
    expected = {"api": Expected("api", ("api:1",), True, ())}
    assert scan_built(expected, [run_of("api")], fail_on) == code


def test_a_scan_that_fails_is_told_and_the_others_go_on(
    plans: Plans, stand_in: StandIn, capsys: pytest.CaptureFixture[str]
):
    stand_in.does(code=1, says="2025\tFATAL\tFatal error\tno space left on device\n")
    both = ("linux/amd64", "linux/arm64")
    expected = {"api": Expected("api", ("api:1",), True, both)}
    assert scan_built(expected, [run_of("api", "failed"), run_of("api")], None) == 6
    assert len(stand_in.calls) == 2, "a run that failed has left nothing"
    said = capsys.readouterr().err
    assert "Error: r.example/shop/api:1 (linux/arm64): trivy failed (exit code 1)" in said
    assert said.count("Fatal error  no space left on device") == 2


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["--fail-on", "HIGH"], 2, "--fail-on is for --scan"),
        (["--scan", "--fail-on", "bad"], 2, "there are UNKNOWN, LOW"),
    ],
)
def test_build_scan_options_that_make_no_sense(
    stand_in: StandIn, monkeypatch: pytest.MonkeyPatch, arguments: list[str], code: int, says: str
):
    monkeypatch.setattr("cli.building.buildx_command", lambda: ["no-buildx"])
    done = CliRunner().invoke(main, ["build", *arguments])
    assert done.exit_code == code
    assert says in done.output


def test_build_scan_without_trivy_builds_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("cli.building.buildx_command", lambda: ["no-buildx"])
    monkeypatch.setenv("PATH", str(tmp_path))
    done = CliRunner().invoke(main, ["build", "--scan"])
    assert done.exit_code == 5
    assert "trivy is not on PATH" in done.output
    assert list(records.all_records()) == []


@pytest.fixture
def shop(engine: str, tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A folder with a Bake file, and the tag that it gives."""
    tag = f"buildinsights-scan-{uuid.uuid4().hex[:12]}:1"
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "docker-bake.hcl").write_text(
        'target "default" {\n'
        '  dockerfile-inline = "FROM scratch\\nCOPY docker-bake.hcl /"\n'
        f'  tags = ["{tag}"]\n}}\n'
    )
    yield folder, tag
    subprocess.run(["docker", "image", "rm", tag], check=False, capture_output=True)


@pytest.mark.engine
def test_a_real_build_is_scanned(stand_in: StandIn, shop: tuple[Path, str], tmp_path: Path):
    folder, tag = shop
    stand_in.does(report=report(tmp_path / "r.json", vulnerability("HIGH", "tar")))
    done = subprocess.run(
        [sys.executable, "-m", "cli", "build", "--load", "--scan", "--wait"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == 4, done.stderr
    assert "1 finding is HIGH or worse" in done.stderr
    [call] = stand_in.calls
    assert call[-1].endswith(tag)
    [scan] = [record.scan() for record in scans.all_scans()]
    [run] = records.all_records()
    metadata = json.loads((run.read(METADATA) or b"").decode())
    assert scan.query["digest"] == metadata["default"]["containerimage.digest"]
