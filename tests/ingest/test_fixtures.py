"""Real records of public projects go in over HTTP and come out counted right."""

from pathlib import Path

import pytest
from rest_framework.test import APIClient

from builds.models import Build, Step

pytestmark = pytest.mark.django_db


def post_record(ci: APIClient, path: Path, **fields: str):
    with path.open("rb") as record:
        return ci.post("/api/v1/ingest/buildkit/?sync=1", {"record": record, **fields})


def test_moby_buildkit_record(ci: APIClient, buildkit_fixtures: Path):
    answer = post_record(
        ci, buildkit_fixtures / "moby~buildkit~LWDOW6.dockerbuild", service="BuildKit"
    )
    assert answer.status_code == 201, answer.content
    receipt = answer.json()
    assert receipt["state"] == "done"
    [made] = receipt["builds"]
    build = ci.get(made["url"]).json()
    assert (build["steps_total"], build["steps_cached"]) == (84, 1)
    # Counted in the trace by hand: 12 HEAD and 15 GET to the registry, 6 of them answered with 401,
    # and 5 GET to where it sends for blobs.
    trace = Build.objects.get(public_id=made["id"]).trace or {}
    counts = {host["host"]: (host["requests"], host["refused"]) for host in trace["hosts"]}
    assert trace["spans"] == 229
    assert counts == {
        "registry-1.docker.io": (27, 6),
        "production.cloudflare.docker.com": (5, 0),
    }
    assert build["busy_seconds"] == pytest.approx(456.2, abs=0.05)
    assert build["critical_path_seconds"] == pytest.approx(76.5, abs=0.05)
    steps = Step.objects.of(Build.objects.get(public_id=made["id"]))
    assert len(steps) == 84
    assert sum(len(step.inputs) for step in steps) == 102
