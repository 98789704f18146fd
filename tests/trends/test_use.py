"""What builds waited for and took, over time."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from builds.models import Build, ResourceSeries, Service, Step
from cache.staleness import mark
from cache.tasks import roll_up_stale
from farm.models import Builder, BuildRequest, Source
from tests.trends.test_trends import built, step
from trends.models import SampledUse

pytestmark = pytest.mark.django_db

MB = 10**6


@pytest.fixture
def build(service: Service) -> Build:
    today: date = timezone.now().date()
    return built(service, today, 8.0)


def median(api: APIClient, service: Service, metric: str) -> float | None:
    day = service.builds.latest("pk").listed_at.date()
    mark(service.pk, day)
    roll_up_stale()
    answer = api.get(f"/api/v1/services/{service.slug}/trends/", {"metric": metric})
    assert answer.status_code == 200, answer.content
    found: float | None = answer.json()["now"]["median"]
    return found


def sampled(build: Build, **columns: Any) -> None:
    offsets = [1.0, 2.0, 6.0, 9.0]
    names = ("cpu_ratio", "memory_used_bytes", "disk_read_bytes", "disk_write_bytes")
    unknown = {name: [None] * 4 for name in (*names, "network_rx_bytes", "network_tx_bytes")}
    ResourceSeries.objects.create(build=build, offsets_seconds=offsets, **{**unknown, **columns})


def test_samples_of_the_builder_during_the_build(build: Build, service: Service, api: APIClient):
    sampled(
        build,
        cpu_ratio=[0.2, 1.0, 0.5, 0.9],
        memory_used_bytes=[500 * MB, 900 * MB, 700 * MB, 600 * MB],
        disk_read_bytes=[0, 100 * MB, 200 * MB, 500 * MB],
        disk_write_bytes=[0, 0, 50 * MB, 50 * MB],
    )
    # 8 s: 1 s of 20 %, 1 s of 100 %, 4 s of 50 %, 2 of the last 3 s of 90 %: 62.5 %.
    assert median(api, service, "cpu_ratio") == 0.62
    assert median(api, service, "memory_bytes") == pytest.approx(900 * MB, rel=0.01)
    # 100, then 150, then two of three parts of 300.
    assert median(api, service, "disk_bytes") == pytest.approx(450 * MB, rel=0.01)
    assert median(api, service, "network_bytes") is None, "not measured is not zero"


def test_samples_are_read_once_and_anew_when_they_are_recorded_again(
    build: Build, service: Service, api: APIClient
):
    sampled(build, cpu_ratio=[0.5] * 4)
    assert median(api, service, "cpu_ratio") == 0.5
    SampledUse.objects.update(cpu_ratio=0.7)
    assert median(api, service, "cpu_ratio") == 0.7, "the long lists are not read again"
    ResourceSeries.objects.filter(build=build).delete()
    assert median(api, service, "cpu_ratio") is None
    sampled(build, cpu_ratio=[0.3] * 4)
    assert median(api, service, "cpu_ratio") == 0.3


def test_use_of_steps_is_added_up_where_it_is_known(build: Build, service: Service, api: APIClient):
    for position, (kind, size, seconds) in enumerate(
        [("context", 3 * MB, None), ("context", 2 * MB, None), ("run", None, 4.0), ("run", 9, 6.5)]
    ):
        step(build, position, kind, 1.0)
        Step.objects.of(build).filter(position=position).update(
            transferred_bytes=size, cpu_seconds=seconds
        )
    assert median(api, service, "context_bytes") == pytest.approx(5 * MB, rel=0.01)
    assert median(api, service, "cpu_seconds") == pytest.approx(10.5, rel=0.01)


def test_what_was_not_recorded_is_unknown(build: Build, service: Service, api: APIClient):
    step(build, 0, "context", 1.0)
    for metric in ("context_bytes", "cpu_seconds", "cpu_ratio", "queue_seconds"):
        assert median(api, service, metric) is None, metric


def test_a_request_has_waited_from_asking_to_its_worker(
    build: Build, service: Service, api: APIClient
):
    asked = datetime(2026, 5, 1, 12, tzinfo=UTC)
    source = Source.objects.create(service=service, repository_url="https://example.com/a.git")
    request = BuildRequest.objects.create(
        build=build,
        source=source,
        project=service.project,
        builder=Builder.objects.create(name="one"),
        requested_by="alice",
        same_as="x",
    )
    assert median(api, service, "queue_seconds") is None, "no worker has it yet"
    BuildRequest.objects.filter(pk=request.pk).update(
        requested_at=asked, claimed_at=asked + timedelta(seconds=75)
    )
    assert median(api, service, "queue_seconds") == pytest.approx(75, rel=0.01)
