"""SBOMs of a real registry and real cosign, from their three places to the server's pages."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from accounts.models import Project, User
from accounts.roles import Scope
from accounts.services import create_token
from buildkit.registry import Reference
from buildkit.values import canonical_json
from cli.main import main
from ingest.digest import digest_payload
from ingest.models import IngestPayload
from sboms.models import Sbom
from tests.sboms.bills import spdx, statement
from tests.supplychain.signed import INDEX, OCI, SPDX, Workshop, workshop

pytestmark = [pytest.mark.engine, pytest.mark.django_db(transaction=True)]


def package(name: str) -> Any:
    return spdx((name, f"pkg:npm/{name}@1.0.0"))


def index_of(shop: Workshop, image: Reference) -> Reference:
    """An index with an image and what BuildKit would attest of it."""
    said = statement(package("of-buildkit"), 1)
    said["subject"][0]["digest"]["sha256"] = image.digest.removeprefix("sha256:")
    data = canonical_json(said)
    layer = {
        "mediaType": "application/vnd.in-toto+json",
        "digest": shop.registry.put_blob(image, data),
        "size": len(data),
        "annotations": {"in-toto.io/predicate-type": SPDX},
    }
    config = {"mediaType": OCI, "digest": shop.registry.put_blob(image, b"{}"), "size": 2}
    document = {"schemaVersion": 2, "mediaType": OCI, "config": config, "layers": [layer]}
    own = shop.registry.put_manifest(image.tagged("own"), canonical_json(document), OCI)
    notes = {
        "vnd.docker.reference.digest": image.digest,
        "vnd.docker.reference.type": "attestation-manifest",
    }
    platform = {"os": "linux", "architecture": "amd64"}
    unknown = {"os": "unknown", "architecture": "unknown"}
    manifests = [
        {"mediaType": OCI, "digest": image.digest, "size": 1, "platform": platform},
        {"mediaType": OCI, "digest": own, "size": 1, "platform": unknown, "annotations": notes},
    ]
    index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests}
    whole = image.tagged("all")
    shop.registry.put_manifest(whole, canonical_json(index), INDEX)
    return whole


@pytest.fixture
def shop(
    live_server: Any,
    project: Project,
    alice: User,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Any:
    """The workshop, and the command set up for it and for the server."""
    scopes = (Scope.INGEST_WRITE, Scope.BUILDS_READ)
    _, secret = create_token(project=project, name="ci", scopes=scopes, actor=alice)
    with workshop(tmp_path) as made:
        for name, value in {
            "BUILDINSIGHTS_URL": live_server.url,
            "BUILDINSIGHTS_TOKEN": secret,
            "BUILDINSIGHTS_HOME": str(tmp_path / "home"),
            "DOCKER_CONFIG": made.cosign.environment["DOCKER_CONFIG"],
        }.items():
            monkeypatch.setenv(name, value)
        yield made


def test_each_place_reaches_the_server_with_what_is_known_of_its_signature(
    shop: Workshop,
):
    image = shop.image("shop")
    shop.attest(image, package("of-tag"), kind=SPDX, old=True)
    shop.attest(image, package("of-bundle"), "stranger", kind=SPDX)
    shop.refer(image, "application/spdx+json", json.dumps(package("bare")).encode())
    whole = index_of(shop, image)
    key = str(shop.key("release").with_suffix(".pub"))
    done = CliRunner().invoke(main, ["sbom", str(whole), "--service", "api", "--key", key])
    assert done.exit_code == 0, done.output
    read_all()
    found = {
        str(sbom.listings.get().package_version.name): (
            str(sbom.source),
            str(sbom.signature),
            list(sbom.signed_by),
            list(sbom.digests),
        )
        for sbom in Sbom.objects.all()
    }
    assert found == {
        "of-buildkit": ("index", "unsigned", [], [image.digest]),
        "of-tag": ("tag", "verified", ["cosign.pub"], [image.digest]),
        "of-bundle": ("referrer", "foreign", [], [image.digest]),
        "bare": ("referrer", "unsigned", [], [image.digest]),
    }


def read_all() -> None:
    """Do what a worker does, and find that it took all that was sent."""
    for key in IngestPayload.objects.values_list("pk", flat=True):
        digest_payload(key)
    states = IngestPayload.objects.values_list("state", flat=True)
    assert set(states) == {IngestPayload.State.DONE}
