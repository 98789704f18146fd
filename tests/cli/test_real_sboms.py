"""The SBOM that a real BuildKit attests: made by a scanner image of our own, pushed, read, sent."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from cli.main import main
from supplychain.sboms.reading import read_sbom
from tests.cli.standing_in import Ingest
from tests.sboms.bills import spdx

pytestmark = [pytest.mark.engine, pytest.mark.usefixtures("own_home")]

BASE = "localhost:5000/library/busybox:1"
SCANNER, APP = "localhost:5000/tests/sbom-scanner:1", "localhost:5000/tests/sbom-app:1"
SCRIPT = """#!/bin/sh
cp /bill.json "$BUILDKIT_SCAN_DESTINATION/sbom.spdx.json"
"""


def docker(*arguments: str, folder: Path) -> None:
    command = ["docker", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture
def image(engine: str, tmp_path: Path) -> Iterator[str]:
    """An image that was built with an SBOM."""
    bill = {
        "_type": "https://in-toto.io/Statement/v0.1",
        "predicateType": "https://spdx.dev/Document",
        "predicate": spdx(("busybox", "pkg:generic/busybox@1.36.1")),
    }
    (tmp_path / "bill.json").write_text(json.dumps(bill))
    (tmp_path / "scan.sh").write_text(SCRIPT)
    (tmp_path / "scanner.Dockerfile").write_text(
        f'FROM {BASE}\nCOPY bill.json /\nCOPY --chmod=755 scan.sh /\nENTRYPOINT ["/scan.sh"]\n'
    )
    (tmp_path / "app.Dockerfile").write_text(f"FROM {BASE}\nRUN echo made >/made\n")
    build = ("buildx", "build", "--quiet", "--push", "--provenance=false", ".")
    docker(*build, "--tag", SCANNER, "--file", "scanner.Dockerfile", folder=tmp_path)
    attest = f"type=sbom,generator={SCANNER}"
    docker(*build, "--tag", APP, "--file", "app.Dockerfile", "--attest", attest, folder=tmp_path)
    yield APP
    docker("image", "rm", SCANNER, APP, folder=tmp_path)


def test_what_buildkit_attests_is_found_and_sent(image: str, ingest: Ingest):
    done = CliRunner().invoke(main, ["sbom", image, "--service", "api"])
    assert done.exit_code == 0, done.output
    told, end = done.output.splitlines()
    assert told.endswith(": spdx 2.3, 1 package; image index, not signed")
    assert end == "sent."
    [taken] = ingest.taken
    bill = read_sbom(taken.body)
    assert bill.is_attested
    assert bill.digests == (taken.query["digest"],)
    assert [package.purl for package in bill.packages] == ["pkg:generic/busybox@1.36.1"]
