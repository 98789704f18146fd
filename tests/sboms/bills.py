"""Bills of materials as tests need them, and how they are sent."""

import json
from typing import Any

from rest_framework.test import APIClient

from tests.security.making import digest

URL = "/api/v1/ingest/sbom/?sync=1"


def cyclonedx(number: int | None, *purls: str, **licences: str) -> dict[str, Any]:
    """CycloneDX of the image of build ``number``, or of none; licences by names of packages."""
    root: dict[str, Any] = {"type": "container", "name": "shop/api", "bom-ref": "image"}
    if number is not None:
        root["version"] = digest(number)
    components = [component(purl, licences) for purl in purls]
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "metadata": {"component": root, "timestamp": "2026-11-01T12:00:00Z"},
        "components": components,
        "dependencies": [{"ref": "image", "dependsOn": [purls[0]]}] if purls else [],
    }


def component(purl: str, licences: dict[str, str]) -> dict[str, Any]:
    name, _, version = purl.rpartition("/")[2].partition("@")
    found: dict[str, Any] = {
        "type": "library",
        "name": name,
        "version": version,
        "purl": purl,
        "bom-ref": purl,
    }
    if name in licences:
        found["licenses"] = [{"license": {"id": licences[name]}}]
    return found


def spdx(*packages: tuple[str, str], spec: str = "SPDX-2.3") -> dict[str, Any]:
    """SPDX that describes nothing, of packages by name and package URL."""
    return {
        "spdxVersion": spec,
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": "api",
        "creationInfo": {"created": "2026-11-01T12:00:00Z", "creators": ["Tool: syft-1.2"]},
        "packages": [
            {
                "SPDXID": f"SPDXRef-{place}",
                "name": name,
                "versionInfo": purl.rpartition("@")[2],
                "externalRefs": [
                    {
                        "referenceCategory": "PACKAGE-MANAGER",
                        "referenceType": "purl",
                        "referenceLocator": purl,
                    }
                ],
            }
            for place, (name, purl) in enumerate(packages)
        ],
    }


def statement(document: dict[str, Any], number: int) -> dict[str, Any]:
    """An in-toto statement, as BuildKit attests it, about the image of build ``number``."""
    kind = "spdx.dev/Document" if "spdxVersion" in document else "cyclonedx.org/bom"
    return {
        "_type": "https://in-toto.io/Statement/v0.1",
        "predicateType": f"https://{kind}",
        "subject": [
            {
                "name": "pkg:docker/shop/api@1?platform=linux%2Famd64",
                "digest": {"sha256": digest(number).removeprefix("sha256:")},
            }
        ],
        "predicate": document,
    }


def send(ci: APIClient, document: Any, **parameters: str) -> Any:
    query = "".join(f"&{name}={value}" for name, value in parameters.items())
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return ci.generic("POST", URL + query, body, content_type="application/json")


def sent(ci: APIClient, document: Any, **parameters: str) -> dict[str, Any]:
    """Send what is taken, and return the bill that came of it."""
    answer = send(ci, document, **parameters)
    assert answer.status_code == 201, answer.content
    [made] = answer.json()["sboms"]
    bill: dict[str, Any] = ci.get(made["url"]).json()
    return bill
