"""The life of findings over five real builds, from the engine's own records and images.

Trivy is not installed where tests run: its reports are written here, of the layers and digests
that the registry has of each image. All else is real: base, builds, records, images.
"""

import json
import subprocess
import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import Project, User
from builds.models import Build
from security.models import Finding
from security.waivers import expire_waivers
from tests.security.making import arrived, states, vulnerability, waived

pytestmark = [pytest.mark.engine, pytest.mark.django_db]

REGISTRY = "localhost:5000"
BASE = f"{REGISTRY}/library/busybox:1"
OURS = "COPY vulnerable.txt /app/vulnerable.txt"
AGAIN = "COPY again.txt /app/again.txt"
ACCEPT = {
    "Accept": "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json"
}

type Image = dict[str, Any]


class Builder:
    """Builds of one service, sent as a CI job sends them."""

    def __init__(self, folder: Path, ci: APIClient) -> None:
        self.folder, self.ci = folder, ci
        self.repository = f"buildinsights-tests/life-{uuid.uuid4().hex[:12]}"
        self.pushed: list[str] = []
        for name in ("vulnerable", "again"):
            (folder / f"{name}.txt").write_text(f"{name} of {folder}\n")

    def run(self, *command: str) -> str:
        done = subprocess.run(
            command, cwd=self.folder, capture_output=True, text=True, timeout=180, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stderr

    def build(self, number: int, *instructions: str) -> Image:
        """Build, push and send one; return its digests and layers, as the registry has them."""
        (self.folder / "app.txt").write_text(f"version {number} of {self.folder}\n")
        lines = (f"FROM {BASE}", "COPY app.txt /app/app.txt", *instructions)
        (self.folder / "Dockerfile").write_text("\n".join((*lines, "")))
        progress = self.run(
            "docker",
            "buildx",
            "build",
            "--push",
            f"--tag={REGISTRY}/{self.repository}:{number}",
            "--provenance=mode=max",
            "--metadata-file=metadata.json",
            "--progress=rawjson",
            ".",
        )
        self.run("docker", "buildx", "history", "export", "--output=build.dockerbuild", self._ref())
        self._send(number, progress)
        return self._image()

    def _metadata(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / "metadata.json").read_text())
        return found

    def _ref(self) -> str:
        return str(self._metadata()["buildx.build.ref"]).rpartition("/")[2]

    def _send(self, number: int, progress: str) -> None:
        files = {
            "record": (self.folder / "build.dockerbuild").read_bytes(),
            "metadata": (self.folder / "metadata.json").read_bytes(),
            "progress": progress.encode(),
        }
        parts = {name: SimpleUploadedFile(name, data) for name, data in files.items()}
        said = {"service": "api", "ref_name": "main", "environment": "production"}
        body = said | {"revision": f"{number:040x}"} | parts
        answer = self.ci.post("/api/v1/ingest/buildkit/?sync=1", body, format="multipart")
        assert answer.status_code == 201, answer.content

    def _image(self) -> Image:
        index = self._metadata()["containerimage.digest"]
        self.pushed.append(index)
        manifests = self._get("manifests", index)["manifests"]
        [own] = [item for item in manifests if item["platform"]["os"] != "unknown"]
        manifest = self._get("manifests", own["digest"])
        config = self._get("blobs", manifest["config"]["digest"])
        layers = [layer["digest"] for layer in manifest["layers"]]
        return {
            "index": index,
            "config": manifest["config"]["digest"],
            "layers": list(zip(layers, config["rootfs"]["diff_ids"], strict=True)),
        }

    def _get(self, kind: str, digest: str) -> Any:
        address = f"http://{REGISTRY}/v2/{self.repository}/{kind}/{digest}"
        answer = requests.get(address, headers=ACCEPT, timeout=30)
        answer.raise_for_status()
        return answer.json()

    def report(self, image: Image, **found: int) -> bytes:
        """A report in which each id lies in the layer of that number."""
        listed = []
        for name, place in found.items():
            digest, diff_id = image["layers"][place]
            layer = {"Layer": {"Digest": digest, "DiffID": diff_id}}
            listed.append(vulnerability(name.replace("_", "-"), name.lower(), **layer))
        metadata = {
            "ImageID": image["config"],
            "DiffIDs": [diff_id for _, diff_id in image["layers"]],
            "RepoDigests": [f"{REGISTRY}/{self.repository}@{image['index']}"],
        }
        results = [{"Target": "app", "Class": "os-pkgs", "Vulnerabilities": listed}]
        return json.dumps(
            {
                "SchemaVersion": 2,
                "CreatedAt": f"{timezone.now():%Y-%m-%dT%H:%M:%SZ}",
                "ArtifactName": f"{REGISTRY}/{self.repository}",
                "ArtifactType": "container_image",
                "Metadata": metadata,
                "Results": results,
            }
        ).encode()

    def remove(self) -> None:
        for digest in self.pushed:
            address = f"http://{REGISTRY}/v2/{self.repository}/manifests/{digest}"
            requests.delete(address, timeout=30)


@pytest.fixture
def builder(engine: str, tmp_path: Path, ci: APIClient) -> Iterator[Builder]:
    made = Builder(tmp_path, ci)
    yield made
    made.remove()


def origin(finding: dict[str, Any]) -> tuple[bool, str, str]:
    return finding["is_from_base"], finding["base"], finding["instruction"].partition("] ")[2]


def test_the_life_of_findings_over_five_real_builds(
    builder: Builder,
    ci: APIClient,
    project: Project,
    client_of: Callable[[User], Any],
    erin: User,
    dave: User,
):
    def told(name: str) -> dict[str, Any]:
        [listed] = ci.get(f"/api/v1/findings/?name={name}").json()["results"]
        detail: dict[str, Any] = ci.get(f"/api/v1/findings/{listed['id']}/").json()
        return detail

    images = [
        builder.build(1),
        builder.build(2, OURS),
        builder.build(3),
        builder.build(4),
        builder.build(5, "RUN true > /app/made", AGAIN),
    ]
    builds = {build.revision: str(build.public_id) for build in Build.objects.all()}
    made_by = [builds[f"{number:040x}"] for number in range(1, 6)]
    with time_machine.travel(timezone.now(), tick=False) as clock:
        arrived(ci, builder.report(images[0], CVE_BASE=0))
        base = told("CVE-BASE")
        assert origin(base)[:2] == (True, BASE)
        assert f"FROM {BASE}" in base["instruction"]
        assert base["layer_digest"] == images[0]["layers"][0][0]
        assert (base["state"], base["introduced_by"]) == ("open", made_by[0])

        clock.shift(timedelta(minutes=1))
        arrived(ci, builder.report(images[1], CVE_BASE=0, CVE_OURS=2))
        ours = told("CVE-OURS")
        assert origin(ours) == (False, "", OURS)
        assert ours["layer_digest"] == images[1]["layers"][2][0]
        assert (ours["state"], ours["introduced_by"]) == ("open", made_by[1])

        clock.shift(timedelta(minutes=1))
        arrived(ci, builder.report(images[2], CVE_BASE=0))
        assert states() == {"CVE-BASE": "open", "CVE-OURS": "fixed"}
        assert told("CVE-OURS")["fixed_by"] == made_by[2]
        until = timezone.now().date() + timedelta(days=3)
        finding = Finding.objects.get(name="CVE-BASE")
        waived(client_of(erin), client_of(dave), finding, scope="service", until=f"{until}")
        assert states()["CVE-BASE"] == "waived"

        clock.shift(timedelta(minutes=1))
        arrived(ci, builder.report(images[3], CVE_BASE=0))
        assert told("CVE-BASE")["state"] == "waived"
        clock.shift(timedelta(days=5))
        assert told("CVE-BASE")["state"] == "open"
        assert expire_waivers() == 1

        arrived(ci, builder.report(images[4], CVE_BASE=0, CVE_OURS=3))
        back = told("CVE-OURS")
        assert origin(back) == (False, "", AGAIN)
        assert (back["state"], back["times_reopened"]) == ("open", 1)
        assert (back["introduced_by"], back["fixed_by"]) == (made_by[4], None)
        last = told("CVE-BASE")
    assert [event["kind"] for event in last["events"]] == [
        "opened",
        "waiver_asked",
        "waived",
        "waiver_expired",
    ]
    assert [(event["kind"], event["build"]) for event in back["events"]] == [
        ("opened", made_by[1]),
        ("fixed", made_by[2]),
        ("reopened", made_by[4]),
    ]
