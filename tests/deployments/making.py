"""Deployments as pipelines tell them."""

from typing import Any

from rest_framework.test import APIClient

from deployments.models import Deployment
from tests.security.making import digest

URL = "/api/v1/deployments/"


def deployed(number: int, **more: Any) -> dict[str, Any]:
    """Return a deployment of the image of build ``number`` of ``tests.security.making``."""
    return {
        "digest": digest(number),
        "environment": "production",
        "deployed_at": "2026-11-02T12:00:00Z",
    } | more


def told(ci: APIClient, number: int, **more: Any) -> Deployment:
    """Tell of a deployment that is new, and return it."""
    answer = ci.post(URL, deployed(number, **more), format="json")
    assert answer.status_code == 201, answer.content
    return Deployment.objects.get(public_id=answer.json()["id"])
