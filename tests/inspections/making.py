"""Results of looks at images, as the command writes them, made by hand."""

from typing import Any

from rest_framework.test import APIClient

from inspections.models import Inspection
from tests.security.making import digest

MESSAGES = {"pass": "nothing is wrong", "fail": "it is wrong", "unknown": "not all was read"}


def check(name: str, status: str = "fail", severity: str = "HIGH", **more: Any) -> dict[str, Any]:
    """Return one result."""
    evidence = [{"place": "/usr/bin/su", "detail": "setuid", "layer": digest(8001)}]
    return {
        "id": name,
        "title": f"About {name}",
        "severity": severity,
        "status": status,
        "message": MESSAGES.get(status, ""),
        "remediation": "Mend it." if status == "fail" else "",
        "evidence": evidence if status == "fail" else [],
        "count": int(status == "fail"),
    } | more


def looked(number: int | None, *checks: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return a document about the image of build ``number`` of ``tests.security.making``."""
    return {
        "format": 1,
        "image": "registry.example/shop/api:1",
        "digests": {"config": "", "manifest": digest(number) if number else "", "index": ""},
        "platform": "linux/amd64",
        "source": "registry",
        "inspected_at": "2026-11-01T12:00:00Z",
        "tool_version": "0.1.0",
        "is_complete": True,
        "problem": "",
        "config": {"user": "app", "uid": 1000, "labels": {}, "layers": [], "bases": []},
        "checks": list(checks),
    } | more


def linted(*warnings: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return a document of BuildKit's checks."""
    return {
        "format": 1,
        "service": "api",
        "target": "runtime",
        "ref_name": "main",
        "checked_at": "2026-11-01T12:00:00Z",
        "warnings": list(warnings),
    } | more


def warned(rule: str, line: int = 1, **more: Any) -> dict[str, Any]:
    """Return a place where a rule is broken."""
    return {
        "rule": rule,
        "description": f"What {rule} says",
        "url": f"https://docs.docker.com/go/dockerfile/rule/{rule}/",
        "detail": f"{rule} in words",
        "file": "Dockerfile",
        "lines": [[line, line]],
    } | more


URL = "/api/v1/inspections/"


def sent(ci: APIClient, document: Any) -> Any:
    return ci.post(URL, document, format="json")


def taken(ci: APIClient, document: Any) -> Inspection:
    answer = sent(ci, document)
    assert answer.status_code == 201, answer.content
    return Inspection.objects.get(public_id=answer.json()["id"])
