"""Hours of builders: hand-computed, whatever the order in which builds come, change and go."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Project
from builds.models import Build, Service
from builds.services import BuildContext, delete_build, lock_service, record_build
from resources.models import BuilderHour, Finding, Stay, WaitingHour
from resources.services import note
from tests.builds.making import SECOND, START, step
from tests.builds.making import build as decoded
from tests.resources.making import MB, NOON, on_builder, settled, with_samples

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)


def hours() -> list[BuilderHour]:
    settled()
    return list(BuilderHour.objects.order_by("builder", "hour"))


def test_builds_at_once_are_counted_by_hour(service: Service):
    # 12:50 to 13:10, 12:55 to 13:05, and 13:30 to 13:40 alone.
    on_builder(service, NOON + 50 * MINUTE, 1200)
    on_builder(service, NOON + 55 * MINUTE, 600)
    on_builder(service, NOON + 90 * MINUTE, 600)
    first, second = hours()
    assert (first.hour, second.hour) == (NOON, NOON + 60 * MINUTE)
    assert (first.builds, first.most_at_once) == (2, 2)
    assert (first.busy_seconds, first.occupied_seconds) == (900, 600)
    assert (second.builds, second.most_at_once) == (1, 2)
    assert (second.busy_seconds, second.occupied_seconds) == (600 + 300 + 600, 600 + 600)
    assert first.sampled_seconds == 0
    assert (first.memory_peak_bytes, first.disk_bytes) == (None, None), "unknown is not zero"


def test_each_build_is_told_of_those_beside_it(service: Service):
    long = on_builder(service, NOON, 100)
    short = on_builder(service, NOON + timedelta(seconds=80), 40)
    later = on_builder(service, NOON + timedelta(seconds=120), 10)
    on_builder(service, NOON, 100, builder="other")
    settled()
    told = {stay.pk: (stay.neighbours, stay.beside) for stay in Stay.objects.all()}
    assert told[long.pk] == (1, pytest.approx(20 / 100))
    assert told[short.pk] == (1, pytest.approx(20 / 40))
    assert told[later.pk] == (0, 0.0), "it began as the other ended"


def test_samples_of_builds_beside_each_other_are_never_added_up(service: Service):
    first = on_builder(service, NOON, 10)
    second = on_builder(service, NOON + timedelta(seconds=4), 10)
    with_samples(
        first,
        [2, 4, 10],
        [0.5, 1.0, 0.9],
        [100 * MB, 300 * MB, 200 * MB],
        disk_read_bytes=[0, 10 * MB, 40 * MB],
        disk_write_bytes=[0, 0, 0],
    )
    with_samples(
        second,
        [3, 6, 10],
        [0.9, 0.9, 0.2],
        [300 * MB, 200 * MB, 150 * MB],
        disk_read_bytes=[25 * MB, 40 * MB, 40 * MB],
        disk_write_bytes=[0, 0, 0],
    )
    [hour] = hours()
    assert hour.sampled_builds == 2
    # 0-2: 0.5; 2-4: 1.0; 4-10: 0.9 by both; 10-14: 0.2.
    assert hour.sampled_seconds == 14
    assert hour.cpu_seconds == pytest.approx(1 + 2 + 5.4 + 0.8)
    assert hour.saturated_seconds == 8
    assert hour.cpu == {"50": 2000, "100": 2000, "90": 6000, "20": 4000}
    assert (hour.memory_peak_bytes, hour.memory_total_bytes) == (300 * MB, 1000 * MB)
    # From 2 to 10 s 40 MB by the first; then the second's 10 to 14 s, nothing.
    assert (hour.disk_bytes, hour.network_bytes) == (40 * MB, None)
    own = Stay.objects.get(pk=second.pk)
    assert (own.memory_low_bytes, own.memory_high_bytes) == (150 * MB, 300 * MB)


def test_samples_are_those_of_the_hour(service: Service):
    build = on_builder(service, NOON + 59 * MINUTE, 120)
    with_samples(build, [60, 120], [0.2, 0.8])
    first, second = hours()
    assert (first.sampled_seconds, second.sampled_seconds) == (60, 60)
    assert (first.cpu_seconds, second.cpu_seconds) == pytest.approx((12, 48))
    assert (first.sampled_builds, second.sampled_builds) == (1, 0)


def recorded(service: Service, start: int, seconds: float, **fields: Any) -> Build:
    lock_service(service)
    known = Build.objects.filter(service=service, buildkit_ref="ref1").first()
    made = decoded(step(0, 0, seconds), started=start, builder="one")
    moved = {"started_ns": start, "completed_ns": start + round(seconds * SECOND)}
    return record_build(
        service=service,
        decoded=replace(made, **moved, **fields),
        context=BuildContext(),
        build=known,
    )


def test_a_corrected_and_a_deleted_build_repair_the_hours_they_touched(service: Service):
    build = recorded(service, START, 60)
    assert [hour.busy_seconds for hour in hours()] == [60]
    recorded(service, START + 7200 * SECOND, 30)
    [moved] = hours()
    assert (moved.hour - build.listed_at, moved.busy_seconds) == (timedelta(hours=2), 30)
    recorded(service, START, 60, builder="two")
    [elsewhere] = hours()
    assert (elsewhere.builder, elsewhere.busy_seconds) == ("two", 60)
    delete_build(Build.objects.get())
    assert hours() == []
    assert not Stay.objects.exists()


def test_who_does_not_say_the_builder_or_has_not_ended_is_on_none(service: Service):
    on_builder(service, NOON, 60, builder="")
    running = on_builder(service, NOON, 60, status=Build.Status.RUNNING)
    on_builder(service, NOON, 60, started_at=None)
    on_builder(service, NOON, 60, started_at=NOON - timedelta(days=9000))
    assert not Stay.objects.exists()
    running.status = Build.Status.FAILED
    note(build=running)
    assert Stay.objects.count() == 1


def test_a_build_that_never_seems_to_end_touches_a_day(service: Service):
    on_builder(service, NOON, 40 * 86_400)
    assert WaitingHour.objects.count() == 25
    assert Stay.objects.get().end == NOON + timedelta(days=1)


def test_what_comes_while_an_hour_waits_counts_its_version_up(service: Service):
    note(build=on_builder(service, NOON, 60))
    assert WaitingHour.objects.get().version == 2
    assert hours()[0].builds == 1
    first = Finding.objects.get().version
    on_builder(service, NOON, 30)
    assert hours()[0].builds == 2
    assert Finding.objects.get().version == first + 1, "what is found follows the hours"


def test_an_hour_costs_the_same_queries_however_many_builds(service: Service, project: Project):
    counts = []
    for number in (2, 20):
        start = NOON + timedelta(hours=number)
        for index in range(number):
            with_samples(on_builder(service, start + index * MINUTE, 300), [100, 200], [0.5, 0.5])
        with CaptureQueriesContext(connection) as queries:
            settled()
        counts.append(len(queries))
    assert counts[0] == counts[1]
    assert BuilderHour.objects.filter(project=project).count() == 2
