"""Builds of the demo's records, with all that they stand on told."""

from collections.abc import Callable
from pathlib import Path

import pytest
from rest_framework.test import APIClient

from accounts.models import Project
from bases.following import follow_next
from builds.models import Build
from tests.conftest import ROOT

RECORDINGS = ROOT / "demo" / "recordings"


def follow_all() -> None:
    while follow_next():
        pass


@pytest.fixture
def sent(ci: APIClient, project: Project) -> Callable[..., Build]:
    """Send a recorded build of the demo, and follow it."""

    def send(number: str, **fields: str) -> Build:
        path: Path = RECORDINGS / f"{number}.dockerbuild"
        service = number.partition("-")[2]
        with path.open("rb") as record:
            answer = ci.post(
                "/api/v1/ingest/buildkit/?sync=1",
                {"record": record, "service": service, "ref_name": "main"} | fields,
                format="multipart",
            )
        assert answer.status_code == 201, answer.content
        follow_all()
        return Build.objects.order_by("-pk")[0]

    return send
