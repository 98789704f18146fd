"""Write what a scanner would report of the planted services, had they what is planted.

Run ``python demo/report_planted.py --out demo/planted/reports.zip``. It needs the recordings alone:
digests and layers are those of the recorded images.
"""

import argparse
import json
import zipfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from recorder import contexts  # noqa: F401  # puts buildkit on the path
from recorder.planted_findings import (
    BASE,
    FINDINGS,
    GROWTH,
    OURS,
    TOOLCHAIN,
    PlantedFinding,
    present,
    scanned,
)

from buildkit.model import Build, Image
from buildkit.reading import read_builds

RECORDINGS = Path(__file__).parent / "planted" / "recordings.zip"
SCANNED_AFTER_SECONDS = 300
SERVICES = sorted({service for item in FINDINGS for service in item.builds})


def main() -> None:
    """Write the reports and their index into one archive."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--out", type=Path, required=True, help="the archive to write")
    out = parser.parse_args().out
    with zipfile.ZipFile(RECORDINGS) as recordings:
        reports = sorted(_reports(recordings), key=lambda item: -item[0]["offset_seconds"])
    index = {"reports": [entry for entry, _ in reports]}
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        _write(archive, "index.json", index)
        for entry, report in reports:
            _write(archive, entry["name"], report)


def _write(archive: zipfile.ZipFile, name: str, document: Any) -> None:
    """Write a document with no time of its own, so that the same input is the same archive."""
    text = json.dumps(document, ensure_ascii=False)
    archive.writestr(zipfile.ZipInfo(name), text, zipfile.ZIP_DEFLATED)


def _reports(recordings: zipfile.ZipFile) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Yield an entry of the index and a report for each build that is scanned."""
    entries = defaultdict(list)
    for entry in json.loads(recordings.read("index.json"))["builds"]:
        entries[entry["service"]].append(entry)
    for service in SERVICES:
        ordered = sorted(entries[service], key=lambda entry: -entry["offset_seconds"])
        for number in scanned(service, len(ordered)):
            entry = ordered[number]
            [build] = read_builds(record=recordings.read(entry["files"]["record"]["name"]))
            kept = {
                "name": f"{entry['pipeline_run_id']}-{service}.json",
                "offset_seconds": entry["offset_seconds"] - SCANNED_AFTER_SECONDS,
            }
            yield kept, _report(build, present(service, number))


def _report(build: Build, found: list[PlantedFinding]) -> dict[str, Any]:
    """Return what Trivy would write, but for the time, which is that of the loading."""
    [image] = (item for item in build.images if item.layers)
    [name] = image.names
    layers = _layers(image, is_larger=any(item.layer == TOOLCHAIN for item in found))
    return {
        "SchemaVersion": 2,
        "ArtifactName": name,
        "ArtifactType": "container_image",
        "Metadata": {
            "RepoDigests": [f"{name.rpartition(':')[0]}@{image.digest}"],
            "ImageConfig": dict(
                zip(("os", "architecture"), image.platform.split("/"), strict=True)
            ),
        },
        "Results": [
            {
                "Target": name,
                "Class": target_class,
                "Vulnerabilities": [
                    _vulnerability(item, layers[item.layer])
                    for item in found
                    if (item.layer in OURS) == is_ours
                ],
            }
            for target_class, is_ours in (("os-pkgs", False), ("lang-pkgs", True))
        ],
    }


def _layers(image: Image, *, is_larger: bool) -> dict[str, str]:
    """Return digests of layers by what brought them; the last two or three are our own."""
    digests = [layer.digest for layer in image.layers]
    ours = 3 if is_larger else 2
    own = digests[-ours:]
    named = {name: own[place] for name, place in OURS.items() if place < ours}
    return named | {BASE: digests[0], GROWTH: digests[-ours - 1]}


def _vulnerability(item: PlantedFinding, digest: str) -> dict[str, Any]:
    return {
        "VulnerabilityID": item.name,
        "PkgName": item.package,
        "PkgIdentifier": {"PURL": f"pkg:generic/{item.package}@{item.version}"},
        "InstalledVersion": item.version,
        "FixedVersion": item.fixed_version,
        "Status": "fixed",
        "Severity": item.severity,
        "Title": item.title,
        "Layer": {"Digest": digest},
    }


if __name__ == "__main__":
    main()
