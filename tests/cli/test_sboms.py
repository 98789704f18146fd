"""SBOMs from files and from the attestations of images in a real registry with a password."""

import base64
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from buildkit.registry import Credentials, Reference, Registry
from cli.main import main
from tests.cli.standing_in import Ingest
from tests.own_registry import OCI, PASSWORD, USER, OwnRegistry, own_registry
from tests.sboms.bills import cyclonedx, spdx, statement

INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
SPDX_TYPE, SLSA_TYPE = "https://spdx.dev/Document", "https://slsa.dev/provenance/v0.2"
LEFT_PAD = ("left-pad", "pkg:npm/left-pad@1.3.0")

pytestmark = pytest.mark.usefixtures("own_home")


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnRegistry]:
    if shutil.which("docker-registry") is None:
        pytest.skip("no docker-registry")
    with own_registry(tmp_path_factory.mktemp("registry")) as found:
        yield found


@pytest.fixture
def registry(own: OwnRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Registry:
    """The registry, and what ``docker login`` leaves."""
    auth = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    (tmp_path / "config.json").write_text(json.dumps({"auths": {own.host: {"auth": auth}}}))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    return Registry(own.host, Credentials(USER, PASSWORD))


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


class Pushed:
    """An index as BuildKit writes it: an image for each platform, and what is attested of it."""

    def __init__(self, registry: Registry, name: str) -> None:
        self.registry = registry
        self.reference = Reference.parse(f"{registry.host}/{name}")
        self.entries: list[dict[str, Any]] = []

    def image(self, platform: str, *attested: tuple[str, bytes]) -> str:
        """Add an image and its attestations; return the image's digest."""
        system, architecture = platform.split("/")
        config = {"os": system, "architecture": architecture}
        digest = self._manifest(json.dumps(config).encode())
        named = {"os": system, "architecture": architecture}
        self.entries.append({"mediaType": OCI, "digest": digest, "platform": named})
        if attested:
            notes = {
                "vnd.docker.reference.digest": digest,
                "vnd.docker.reference.type": "attestation-manifest",
            }
            unknown = {"os": "unknown", "architecture": "unknown"}
            own = self._manifest(platform.encode(), *attested)
            entry = {"mediaType": OCI, "digest": own, "platform": unknown, "annotations": notes}
            self.entries.append(entry)
        return digest

    def _manifest(self, config: bytes, *attested: tuple[str, bytes]) -> str:
        layers = [
            {
                "mediaType": "application/vnd.in-toto+json",
                "digest": self.registry.put_blob(self.reference, data),
                "size": len(data),
                "annotations": {"in-toto.io/predicate-type": kind},
            }
            for kind, data in attested
        ]
        digest = self.registry.put_blob(self.reference, config)
        manifest = {
            "schemaVersion": 2,
            "mediaType": OCI,
            "config": {"mediaType": CONFIG, "digest": digest, "size": len(config)},
            "layers": layers,
        }
        data = json.dumps(manifest).encode()
        own = Reference(self.reference.host, self.reference.repository, "part")
        return self.registry.put_manifest(own, data, OCI)

    def push(self) -> str:
        """Write the index; return the image's name."""
        for entry in self.entries:
            entry["size"] = len(self.registry.manifest(self.reference.at(entry["digest"])).data)
        index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": self.entries}
        self.registry.put_manifest(self.reference, json.dumps(index).encode(), INDEX)
        return str(self.reference)


def bill(of: str, *packages: tuple[str, str]) -> bytes:
    """A statement with a bill of the image for a platform, as ``Pushed`` makes that."""
    document = statement(spdx(*packages), 1)
    document["subject"][0]["digest"]["sha256"] = of.removeprefix("sha256:")
    return json.dumps(document).encode()


@pytest.fixture
def digests(registry: Registry) -> dict[str, str]:
    """The digests of the images that ``Pushed`` makes for platforms."""
    known = ("linux/amd64", "linux/arm64")
    pushed = Pushed(registry, "shop/api:digests")
    return {platform: pushed.image(platform) for platform in known}


def test_the_first_sbom_of_each_platform_is_sent(
    registry: Registry, ingest: Ingest, digests: dict[str, str]
):
    pushed = Pushed(registry, "shop/api:two")
    amd64, arm64 = digests.values()
    main_bill, stage = bill(amd64, LEFT_PAD), bill(amd64)
    arm = bill(arm64, LEFT_PAD, ("a", "pkg:npm/a@1"))
    pushed.image("linux/amd64", (SLSA_TYPE, b"{}"), (SPDX_TYPE, main_bill), (SPDX_TYPE, stage))
    pushed.image("linux/arm64", (SPDX_TYPE, arm))
    name = pushed.push()
    done = run("sbom", name, "--service", "api", "--environment", "prod")
    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines() == [
        "linux/amd64: spdx 2.3, 1 package; image index, not signed",
        "linux/arm64: spdx 2.3, 2 packages; image index, not signed",
        "sent.",
    ]
    assert [taken.body for taken in ingest.taken] == [main_bill, arm]
    assert [taken.query["digest"] for taken in ingest.taken] == [amd64, arm64]
    assert {taken.path for taken in ingest.taken} == {"/api/v1/ingest/sbom/"}
    common = {"image": name, "service": "api", "environment": "prod"}
    common |= {"source": "index", "signature": "unsigned"}
    assert all(common.items() <= taken.query.items() for taken in ingest.taken)


def test_an_sbom_is_written_to_a_file(registry: Registry, tmp_path: Path, digests: dict[str, str]):
    pushed = Pushed(registry, "shop/api:written")
    arm = bill(digests["linux/arm64"], LEFT_PAD)
    pushed.image("linux/amd64", (SPDX_TYPE, bill(digests["linux/amd64"])))
    pushed.image("linux/arm64", (SPDX_TYPE, arm))
    name = pushed.push()
    path = tmp_path / "sbom.json"
    both = run("sbom", name, "--output", str(path))
    assert both.exit_code == 2
    assert "choose a --platform of linux/amd64, linux/arm64" in both.output
    assert run("sbom", name, "--output", str(path), "--platform", "linux/arm64").exit_code == 0
    assert path.read_bytes() == arm


def test_an_sbom_of_another_image_is_refused_and_the_others_are_sent(
    registry: Registry, ingest: Ingest, digests: dict[str, str]
):
    pushed = Pushed(registry, "shop/api:swapped")
    amd64, arm64 = digests.values()
    good = bill(arm64, LEFT_PAD)
    pushed.image("linux/amd64", (SPDX_TYPE, bill(arm64)))
    pushed.image("linux/arm64", (SPDX_TYPE, good))
    done = run("sbom", pushed.push())
    assert done.exit_code == 0, done.output
    assert f"the SBOM is of {arm64}, and not of {amd64}" in done.stderr
    assert [taken.body for taken in ingest.taken] == [good]


def test_an_image_without_an_sbom_is_told_in_words(registry: Registry):
    pushed = Pushed(registry, "shop/api:none")
    pushed.image("linux/amd64", (SLSA_TYPE, b"{}"))
    name = pushed.push()
    done = run("sbom", name)
    assert done.exit_code == 2
    assert f"{name} has no SBOM that can be read." in done.output
    assert "--sbom=true" in done.output
    missing = run("sbom", f"{registry.host}/shop/missing:1")
    assert missing.exit_code == 2
    assert "shop/missing:1" in missing.output


def test_an_attestation_that_cannot_be_read_is_refused_with_its_place(registry: Registry):
    pushed = Pushed(registry, "shop/api:broken")
    pushed.image("linux/amd64", (SPDX_TYPE, b"no json"))
    done = run("sbom", pushed.push())
    assert done.exit_code == 2
    assert "refused: image index sha256:" in done.stderr
    assert "not JSON" in done.stderr


@pytest.mark.parametrize(
    ("document", "path"),
    [
        (spdx(LEFT_PAD), "sbom"),
        (cyclonedx(1, LEFT_PAD[1]), "sbom"),
        (statement(spdx(LEFT_PAD), 1), "sbom"),
        (cyclonedx(1) | {"vulnerabilities": []}, "sbom"),
        (cyclonedx(1) | {"vulnerabilities": [{"id": "CVE-1"}]}, "trivy"),
    ],
    ids=["spdx", "cyclonedx", "statement", "cyclonedx of trivy", "vulnerabilities"],
)
def test_upload_knows_sboms_from_reports(
    ingest: Ingest, tmp_path: Path, document: dict[str, Any], path: str
):
    file = tmp_path / "file.json"
    file.write_text(json.dumps(document))
    done = run("upload", str(file), "--service", "api")
    assert done.exit_code == 0, done.output
    [taken] = ingest.taken
    assert taken.path == f"/api/v1/ingest/{path}/"
    assert taken.body == file.read_bytes()
    assert taken.query == {"service": "api"}
