"""Builds with images, reports of them, and waivers of what was found."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import Project
from builds.models import Build, BuildImage, Image, Layer, Service
from ingest.digest import digest_payload
from ingest.models import IngestPayload
from security.models import Finding, Scan

URL = "/api/v1/ingest/trivy/?sync=1"
START = datetime(2026, 11, 1, 12, tzinfo=UTC)
NOW = datetime(2026, 11, 10, 12, tzinfo=UTC)
"""When waivers are asked for: after all builds."""


def digest(number: int) -> str:
    return f"sha256:{number:064x}"


def built(project: Project, number: int, **fields: Any) -> Build:
    """A build number ``number`` of ``api`` with an image: a base's layer, and one of its own."""
    service, _ = Service.objects.get_or_create(project=project, name="api", slug="api")
    at = START + timedelta(hours=number)
    fields = {"ref_name": "main", "target": "runtime", "environment": "production"} | fields
    build = Build.objects.create(
        project=project,
        service=service,
        status="succeeded",
        listed_at=at,
        started_at=at,
        steps_month=at.date().replace(day=1),
        image_digest=digest(number),
        **fields,
    )
    image = Image.objects.create(project=project, digest=digest(number), platform="linux/amd64")
    BuildImage.objects.create(build=build, image=image)
    for position, (layer, text) in enumerate(
        [(digest(9000), "ADD rootfs.tar /"), (digest(8000 + number), "RUN npm ci")]
    ):
        Layer.objects.create(image=image, position=position, digest=layer, created_by=text)
    return build


def vulnerability(name: str, package: str = "openssl", **more: Any) -> dict[str, Any]:
    return {
        "VulnerabilityID": name,
        "PkgName": package,
        "PkgIdentifier": {"PURL": f"pkg:deb/debian/{package}@1.0?arch=amd64"},
        "InstalledVersion": "1.0",
        "Severity": "HIGH",
        "Layer": {"Digest": digest(9000)},
    } | more


def report(number: int | None, *found: dict[str, Any], **more: Any) -> bytes:
    """A report of the image of build ``number``, or of no image."""
    metadata = {"RepoDigests": [f"shop/api@{digest(number)}"]} if number is not None else {}
    results = [
        {"Target": "api (debian 12)", "Class": "os-pkgs", "Type": "debian"}
        | {"Vulnerabilities": list(found)}
    ]
    return json.dumps(
        {
            "SchemaVersion": 2,
            "CreatedAt": "2026-11-01T12:00:00Z",
            "ArtifactName": "shop/api",
            "ArtifactType": "container_image",
            "Metadata": metadata,
            "Results": results,
        }
        | more
    ).encode()


def send(ci: APIClient, body: bytes, **parameters: str) -> Any:
    query = "".join(f"&{name}={value}" for name, value in parameters.items())
    return ci.generic("POST", URL + query, body, content_type="application/json")


def scanned(ci: APIClient, body: bytes, **parameters: str) -> Scan:
    answer = send(ci, body, **parameters)
    assert answer.status_code == 201, answer.content
    [made] = answer.json()["scans"]
    return Scan.objects.get(public_id=made["id"])


def states() -> dict[str, str]:
    return dict(Finding.objects.values_list("name", "state"))


def asked(browser: Client, finding: Finding, **fields: str) -> Any:
    body = {
        "finding": str(finding.public_id),
        "scope": "finding",
        "kind": "accepted",
        "until": "2026-11-20",
        "reason": "Not reachable from outside.",
    }
    return browser.post("/api/v1/waivers/", body | fields, content_type="application/json")


def decided(browser: Client, waiver: str, act: str) -> Any:
    return browser.post(f"/api/v1/waivers/{waiver}/{act}/")


def waived(asker: Client, approver: Client, finding: Finding, **fields: str) -> str:
    answer = asked(asker, finding, **fields)
    assert answer.status_code == 201, answer.content
    waiver: str = answer.json()["id"]
    assert decided(approver, waiver, "approve").status_code == 200
    return waiver


def arrived(ci: APIClient, body: bytes, **parameters: str) -> Scan:
    """Send a report that is received now, by the clock of the test and not the database's."""
    query = urlencode(parameters)
    answer = ci.generic("POST", f"/api/v1/ingest/trivy/?{query}", body, "application/json")
    assert answer.status_code == 202, answer.content
    payload = IngestPayload.objects.get(public_id=answer.json()["receipt"])
    IngestPayload.objects.filter(pk=payload.pk).update(received_at=timezone.now())
    digest_payload(payload.pk)
    return payload.scan_link.scan
