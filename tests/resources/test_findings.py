"""Planted contention on a builder is found, and where there is none nothing is recommended."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.roles import Scope
from builds.models import Build, Service
from builds.services import get_or_create_service
from resources.findings import AGAIN_AFTER, weigh_next
from resources.models import Finding
from tests.resources.making import MB, on_builder, settled, with_samples, with_steps

pytestmark = pytest.mark.django_db

ALONE = {"install": 7.0, "compile": 3.0}


def planted(service: Service, factors: dict[int, float], times: int = 8, **fields: Any) -> None:
    """Builds that begin together, ``times`` for each number of others; 10 s alone."""
    begin = timezone.now().replace(minute=0, second=0, microsecond=0) - timedelta(days=5)
    for others, factor in factors.items():
        for number in range(times):
            start = begin + timedelta(minutes=10 * number, hours=3 * others)
            for _ in range(others + 1):
                steps = {name: seconds * factor for name, seconds in ALONE.items()}
                build = on_builder(service, start, 10 * factor, **fields)
                with_steps(build, steps)


def found() -> dict[str, Any]:
    settled()
    assert weigh_next()
    told: dict[str, Any] = Finding.objects.get().found
    return told


def test_beside_one_other_half_as_long_again(service: Service):
    planted(service, {0: 1.0, 1: 1.5, 2: 3.0})
    told = found()
    levels = {level["others"]: level["ratio"] for level in told["slowdown"]["levels"]}
    assert levels == pytest.approx({0: 1.0, 1: 1.5, 2: 3.0})
    assert (told["slots"]["verdict"], told["slots"]["slots"]) == ("slots", 2)
    [group] = told["groups"]
    assert (group["service"], group["alone"], group["beside"]) == (service.pk, 8, 16 + 24)
    worst = told["slowest"][0]
    assert (worst["ratio"], worst["others"]) == (pytest.approx(3.0), pytest.approx(2.0))
    assert told["memory"] is None


def test_others_that_cost_nothing_recommend_nothing(service: Service):
    planted(service, {0: 1.0, 1: 1.0, 2: 1.0})
    told = found()
    assert (told["slots"]["verdict"], told["slots"]["slots"]) == ("no_slowdown", None)
    assert told["slowdown"]["slope"] == 0


@pytest.mark.parametrize(("alone", "beside"), [(8, 3), (7, 8)])
def test_too_few_builds_recommend_nothing(service: Service, alone: int, beside: int):
    planted(service, {0: 1.0}, alone)
    planted(service, {1: 1.5}, beside)
    told = found()
    assert (told["slots"]["verdict"], told["slowdown"]) == ("too_few", None)
    assert told["groups"][0]["beside"] == 2 * beside


def test_only_builds_that_are_alike_are_compared(service: Service):
    """Alone they are cold, beside others warm: that tells nothing of what others cost."""
    planted(service, {0: 1.0})
    planted(service, {1: 0.2}, cache_state="warm")
    assert found()["slowdown"] is None


def test_any_build_there_is_beside_also_one_that_failed(service: Service):
    planted(service, {0: 1.0})
    other = get_or_create_service(project_id=service.project_id, name="other")
    for build in list(Build.objects.order_by("pk")):
        start = (build.started_at or build.listed_at) + timedelta(hours=6)
        with_steps(on_builder(service, start, 15), {"install": 10.5, "compile": 4.5})
        on_builder(other, start, 15, status=Build.Status.FAILED)
    assert found()["slowdown"]["slope"] == pytest.approx(0.5)


def test_memory_bounds_the_slots(service: Service):
    planted(service, {0: 1.0, 1: 1.1, 2: 1.2})
    for build in Build.objects.all():
        with_samples(build, [0.1, 5, 9], None, [200 * MB, 500 * MB, 400 * MB])
    told = found()
    # 200 MB without builds, each adds 300 MB, and 900 of 1000 MB may be taken: two fit.
    assert told["memory"] == {"total": 1e9, "idle": 2e8, "per_build": 3e8, "builds": 8}
    assert (told["slots"]["verdict"], told["slots"]["slots"]) == ("slots", 2)
    assert [load["fits"] for load in told["slots"]["loads"]] == [True, True, False]


def test_machines_with_different_memory_are_not_one(service: Service):
    planted(service, {0: 1.0, 1: 1.1})
    for number, build in enumerate(Build.objects.all()):
        with_samples(build, [0.1, 9], None, [MB, 2 * MB], total=(1 + number % 2) * 1000 * MB)
    assert found()["memory"] is None


def test_a_builder_is_worked_out_when_it_changed_and_not_at_every_build(service: Service):
    on_builder(service, timezone.now() - timedelta(hours=1), 10)
    assert found()["builds"] == 1
    assert not weigh_next(), "nothing has changed"
    on_builder(service, timezone.now() - timedelta(hours=1), 10)
    settled()
    assert not weigh_next(), "it was looked at just now"
    Finding.objects.update(made_at=timezone.now() - AGAIN_AFTER)
    assert weigh_next()
    assert Finding.objects.get().found["builds"] == 2


def test_the_queries_do_not_grow_with_builds(service: Service):
    counts = []
    for times in (8, 24):
        planted(service, {0: 1.0, 1: 1.5}, times)
        settled()
        Finding.objects.update(made_at=None)
        with CaptureQueriesContext(connection) as queries:
            assert weigh_next()
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_the_api_tells_it_with_slugs_and_ids(service: Service, api_of: Callable[..., APIClient]):
    planted(service, {0: 1.0, 1: 1.5})
    found()
    told = api_of(Scope.BUILDS_READ).get("/api/v1/builders/one/").json()
    assert (told["slots"]["verdict"], told["slots"]["slots"]) == ("or_more", 2)
    assert told["groups"][0]["service"] == service.slug
    slowest = Build.objects.get(public_id=told["slowest"][0]["build"])
    assert slowest.wall_seconds == 15
    Build.objects.filter(pk=slowest.pk).delete()
    again = api_of(Scope.BUILDS_READ).get("/api/v1/builders/one/").json()
    assert len(again["slowest"]) == len(told["slowest"]) - 1, "a deleted build is not told"
