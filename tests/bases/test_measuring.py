"""What scans and builds said of bases, and the difference that another would make."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from bases.alternatives import compared
from bases.measuring import inherited
from bases.models import BaseImage
from bases.proposing import changes_of
from builds.models import Build, Image
from security.models import Scan, Severity
from supplychain.bases.proposing import Expected, Kind
from tests.security.making import scanned, vulnerability

pytestmark = pytest.mark.django_db

type Send = Callable[..., Build]


def scan(ci: APIClient, build: Build, *found: tuple[str, str, int]) -> Scan:
    """Scan a build's image: each vulnerability with its severity and the number of its layer."""
    image = Image.objects.filter(builds=build, layers__isnull=False).distinct().get()
    layers = list(image.layers.values_list("digest", flat=True))
    results = [
        vulnerability(name, Severity=severity, Layer={"Digest": layers[layer]})
        for name, severity, layer in found
    ]
    body = {
        "SchemaVersion": 2,
        "CreatedAt": "2026-11-01T12:00:00Z",
        "ArtifactName": "shop/web",
        "ArtifactType": "container_image",
        "Metadata": {"RepoDigests": [f"shop/web@{image.digest}"]},
        "Results": [
            {"Target": "debian 12", "Class": "os-pkgs", "Type": "debian"}
            | {"Vulnerabilities": results}
        ],
    }
    return scanned(ci, json.dumps(body).encode())


def nginx(digest: str) -> BaseImage:
    rows = BaseImage.objects.filter(repository__name="shop/nginx").told()
    return rows.get(digest__startswith=f"sha256:{digest}")


def test_only_what_lies_in_the_layers_of_a_base_is_inherited(sent: Send, ci: APIClient):
    build = sent("4103-web")
    told = scan(
        ci,
        build,
        ("CVE-1", "HIGH", 0),
        ("CVE-2", "LOW", 1),
        ("CVE-3", "CRITICAL", 4),
    )
    base = nginx("f875")
    found = inherited([base])[base.pk]
    assert found.by_severity == {Severity.HIGH: 1, Severity.LOW: 1}
    assert (found.scans, found.services, found.total) == ([told], {build.service_id}, 2)


def test_a_base_that_was_not_scanned_has_unknown_findings(sent: Send):
    sent("4103-web")
    base = nginx("f875")
    found = inherited([base])[base.pk]
    assert (found.is_known, found.total, found.packages) == (False, None, None)


def test_findings_follow_the_base_of_the_newest_scan(sent: Send, ci: APIClient):
    first = sent("4103-web")
    scan(ci, first, ("CVE-1", "HIGH", 0), ("CVE-2", "LOW", 1))
    second = sent("4176-web")
    scan(ci, second, ("CVE-1", "HIGH", 0))
    old, new = nginx("f875"), nginx("72c2")
    found = inherited([old, new])
    assert found[old.pk].total is None, "no image that follows is on it any more"
    assert found[new.pk].by_severity == {Severity.HIGH: 1}


def test_gains_are_differences_of_what_was_measured(sent: Send, ci: APIClient):
    first = sent("4103-web", environment="staging")
    scan(ci, first, ("CVE-1", "HIGH", 0), ("CVE-2", "LOW", 1))
    second = sent("4176-web", environment="production")
    scan(ci, second, ("CVE-1", "HIGH", 0))
    old, new = nginx("f875"), nginx("72c2")
    found = compared(old)
    assert (found.own.findings, found.own.builds) == (2, 1)
    [alpine, measured] = found.rows
    assert alpine.name == "docker.io/library/nginx:stable-alpine"
    assert (alpine.gain, alpine.measured) == (Expected(), None)
    before, after = (image.uses.get(role="final").size_bytes or 0 for image in (old, new))
    difference = after - before
    assert measured.gain == Expected(difference, -1, builds=2, scans=2)


def test_who_is_behind_gets_the_newest_digest_as_a_diff(sent: Send):
    sent("4106-api")
    sent("4176-web")
    rows = BaseImage.objects.filter(repository__name="shop/node").told()
    old, new = (rows.get(digest__startswith=f"sha256:{name}") for name in ("317c", "18f6"))
    [change] = changes_of(old, compared(old))
    assert (change.service.name, change.proposal.kind) == ("api", Kind.DIGEST)
    assert f"+ARG NODE_IMAGE=localhost:5000/shop/node:22-bookworm-slim@{new.digest}" in change.diff
    assert change.note.startswith("Builds give NODE_IMAGE themselves")


def test_a_dockerfile_that_is_not_known_gets_no_diff(sent: Send, api: Any):
    build = sent("4103-web")
    build.sources.all().delete()
    base = nginx("f875")
    [change] = changes_of(base, compared(base))
    assert (change.diff, change.filename) == ("", "")
    assert change.note == "The Dockerfile of its newest build is not known here."
