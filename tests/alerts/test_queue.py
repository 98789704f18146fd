"""How long requests wait for a worker, in numbers that can be added up by hand."""

from datetime import datetime
from typing import Any

import pytest

from accounts.models import Project
from builds.models import Build, Service
from farm.models import Builder, BuildRequest, Source
from tests.alerts.making import DAY, HOUR, NOON, build_of, service_of
from tests.alerts.test_conditions import observed

MINUTE = HOUR / 60


@pytest.fixture
def builder(db: None) -> Builder:
    return Builder.objects.create(name="one")


@pytest.fixture
def api(project: Project) -> Service:
    return service_of(project)


def waits(
    service: Service, builder: Builder, asked: datetime, claimed: Any = None, **values: Any
) -> BuildRequest:
    """A request, with the state of its build if that is said."""
    source, _ = Source.objects.get_or_create(
        service=service, defaults={"repository_url": "https://git.example.com/x.git"}
    )
    status = values.pop("status", Build.Status.QUEUED)
    request = BuildRequest.objects.create(
        build=build_of(service, asked, status=status),
        source=source,
        project_id=service.project_id,
        requested_by="alice",
        same_as="",
        builder=builder,
        claimed_at=claimed,
        **values,
    )
    BuildRequest.objects.filter(pk=request.pk).update(requested_at=asked)
    return request


def test_the_queue_counts_those_that_still_wait(project: Project, api: Service, builder: Builder):
    waits(api, builder, NOON - 50 * MINUTE, NOON - 48 * MINUTE)
    waits(api, builder, NOON - 40 * MINUTE, NOON - 34 * MINUTE)
    waits(api, builder, NOON - 20 * MINUTE)
    waits(api, builder, NOON - 3 * HOUR, NOON)

    [median] = observed(project, "queue", {"limit_seconds": 360})
    [longest] = observed(project, "queue", {"limit_seconds": 1199, "share": 1})
    [earlier] = observed(project, "queue", {"limit_seconds": 1}, at=NOON - 45 * MINUTE)

    assert (median.value, median.samples, median.is_bad) == (360.0, 3, False)
    assert (longest.value, longest.is_bad) == (1200.0, True)
    assert "1 wait now" in longest.summary
    # Then two minutes, and the old one that waited for 135: the median lies between.
    assert (earlier.value, earlier.samples) == (68.5 * 60, 2)


def test_what_waits_still_counts_however_long_ago_it_was_asked_for(
    project: Project, api: Service, builder: Builder
):
    waits(api, builder, NOON - 2 * DAY)
    waits(api, builder, NOON - 2 * DAY, ended_at=NOON - DAY)

    [found] = observed(project, "queue", {"limit_seconds": 4 * 3600, "hours": 1})

    assert (found.value, found.samples, found.is_bad) == (2 * 86400.0, 1, True)


def test_waiting_for_another_build_or_for_a_retry_is_no_wait_for_a_worker(
    project: Project, api: Service, builder: Builder
):
    built = waits(
        api,
        builder,
        NOON - 55 * MINUTE,
        NOON - 55 * MINUTE,
        ended_at=NOON - 15 * MINUTE,
        status=Build.Status.SUCCEEDED,
    )
    after = waits(api, builder, NOON - 55 * MINUTE, NOON - 12 * MINUTE)
    after.needs.add(built)
    waits(api, builder, NOON - 50 * MINUTE, NOON - 19 * MINUTE, not_before=NOON - 20 * MINUTE)

    [found] = observed(project, "queue", {"limit_seconds": 60, "share": 1})
    [median] = observed(project, "queue", {"limit_seconds": 60})
    assert (found.value, found.samples) == (180.0, 3)
    assert median.value == 60.0  # 0, 1 and 3 minutes

    [while_built] = observed(project, "queue", {"limit_seconds": 1}, at=NOON - 30 * MINUTE)
    assert (while_built.value, while_built.samples) == (0.0, 1)


def test_what_was_never_ready_has_not_waited(project: Project, api: Service, builder: Builder):
    failed = waits(
        api,
        builder,
        NOON - 50 * MINUTE,
        NOON - 50 * MINUTE,
        ended_at=NOON - 10 * MINUTE,
        status=Build.Status.FAILED,
    )
    running = waits(api, builder, NOON - 50 * MINUTE, NOON - 45 * MINUTE)
    for needed in (failed, running):
        waits(api, builder, NOON - 50 * MINUTE, ended_at=NOON - 5 * MINUTE).needs.add(needed)

    [found] = observed(project, "queue", {"limit_seconds": 1, "share": 1})

    assert (found.value, found.samples) == (300.0, 2)
