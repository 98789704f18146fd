"""Evaluation minute by minute, as it goes, against what a preview says of the same time."""

from datetime import datetime, timedelta

import pytest

from accounts.models import Project
from alerts.evaluating import evaluate
from alerts.models import Alert, AlertRule
from alerts.previewing import preview
from alerts.reading import wanted_of
from builds.models import Service
from farm.models import Builder
from tests.alerts.making import DAY, HOUR, NOON, build_of, day_of, rule_of, service_of
from tests.alerts.test_queue import waits

MINUTE = HOUR / 60

type Told = list[tuple[datetime | None, datetime | None, int]]
"""When each alert fired and was resolved, and how often it flapped."""


@pytest.fixture
def api(project: Project) -> Service:
    return service_of(project)


def look(rule: AlertRule, at: datetime) -> None:
    evaluate([AlertRule.objects.told().get(pk=rule.pk)], at)


def minute_by_minute(rule: AlertRule, first: datetime, last: datetime) -> Told:
    for number in range((last - first) // MINUTE + 1):
        look(rule, first + number * MINUTE)
    assert AlertRule.objects.get(pk=rule.pk).error == ""
    fired = Alert.objects.filter(rule=rule).fired().order_by("fired_at")
    return [(alert.fired_at, alert.resolved_at, alert.flaps) for alert in fired]


def up(at: datetime | None) -> datetime | None:
    """The first whole minute that is not before."""
    return at and at + (NOON - at) % MINUTE


def foreseen(rule: AlertRule, at: datetime) -> Told:
    found = preview(rule.project, wanted_of(rule), at)
    assert not found.is_cut
    return [(up(item.fired_at), up(item.resolved_at), item.flaps) for item in found.fired]


def test_a_success_between_two_streaks_ends_the_first(project: Project, api: Service):
    parameters = {"by": "streak", "failures": 2}
    rule = rule_of(project, "success", parameters=parameters, settle_seconds=900)
    for minutes, status in ((-30, "succeeded"), (0, "failed"), (5, "failed"), (20, "succeeded")):
        build_of(api, NOON + minutes * MINUTE, status=status)
    for minutes in (60, 70):
        build_of(api, NOON + minutes * MINUTE, status="failed")
    # Another target and branch end nothing.
    build_of(api, NOON + 10 * MINUTE, target="other")
    last = NOON + 90 * MINUTE

    expected = [
        (NOON + 5 * MINUTE, NOON + 35 * MINUTE, 0),
        (NOON + 70 * MINUTE, None, 0),
    ]
    assert foreseen(rule, last) == expected
    assert minute_by_minute(rule, NOON - 5 * MINUTE, last) == expected


def test_a_streak_of_a_branch_ends_by_a_success_of_that_branch(project: Project, api: Service):
    rule = rule_of(
        project, "success", parameters={"by": "streak", "failures": 1}, branch_classes=["default"]
    )
    build_of(api, NOON, status="failed")
    build_of(api, NOON + 10 * MINUTE, ref_name="topic")
    build_of(api, NOON + 20 * MINUTE)
    last = NOON + 30 * MINUTE

    expected = [(NOON, NOON + 20 * MINUTE, 0)]
    assert foreseen(rule, last) == expected
    assert minute_by_minute(rule, NOON, last) == expected


def test_an_outage_of_workers_is_one_alert_until_one_takes_what_waits(
    project: Project, api: Service
):
    rule = rule_of(project, "queue", parameters={"limit_seconds": 600, "hours": 1})
    builder = Builder.objects.create(name="one")
    nine = NOON - 3 * HOUR
    for _ in range(3):
        waits(api, builder, nine, nine + 90 * MINUTE)
    waits(api, builder, nine - 20 * MINUTE, nine - 19 * MINUTE)
    last = nine + 2 * HOUR

    # It has waited longer than ten minutes at 9:11, and is taken at 10:30.
    expected = [(nine + 11 * MINUTE, nine + 90 * MINUTE, 0)]
    assert minute_by_minute(rule, nine - 5 * MINUTE, last) == expected
    assert foreseen(rule, last) == expected


def test_a_slow_request_among_fast_ones_is_told_when_they_count_no_more(
    project: Project, api: Service
):
    rule = rule_of(project, "queue", parameters={"limit_seconds": 600, "hours": 1})
    builder = Builder.objects.create(name="one")
    for minutes, waited in ((0, 0), (1, 0), (2, 0), (40, 20), (41, 20), (80, 1), (81, 1), (82, 0)):
        asked = NOON + minutes * MINUTE
        waits(api, builder, asked, asked + waited * MINUTE)
    last = NOON + 3 * HOUR

    # At 13:00 two of four waited, and the median is 9.5 min; at 13:01 two of three. At 13:21 it is
    # two of four again, and the median 10.5 min; at 13:22 two of five.
    expected = [(NOON + 61 * MINUTE, NOON + 82 * MINUTE, 0)]
    assert minute_by_minute(rule, NOON, last) == expected
    assert foreseen(rule, last) == expected


def test_what_is_ripe_while_nothing_is_seen_neither_fires_nor_stops_its_rule(project: Project):
    parameters = {"metric": "wall_seconds", "limit": 100, "days": 1}
    rule = rule_of(project, "threshold", parameters=parameters, for_seconds=7200)
    api, web = service_of(project), service_of(project, "web")
    midnight = NOON.replace(hour=0) + DAY
    day_of(api, NOON.date(), [150.0])
    look(rule, midnight - 50 * MINUTE)
    assert Alert.objects.get().state == "pending"
    day_of(web, midnight.date(), [150.0])
    for minutes in (1, 70, 130):
        look(rule, midnight + minutes * MINUTE)

    states = {alert.title.split(" of ")[1].split()[0]: alert.state for alert in Alert.objects.all()}
    assert states == {"api": "pending", "web": "firing"}
    assert AlertRule.objects.get(pk=rule.pk).error == ""

    day_of(api, midnight.date(), [160.0])
    look(rule, midnight + 10 * HOUR)
    assert set(Alert.objects.values_list("state", flat=True)) == {"firing"}


def test_a_preview_does_not_fire_what_is_not_seen_any_more(project: Project, api: Service):
    parameters = {"metric": "wall_seconds", "limit": 100, "days": 1}
    rule = rule_of(project, "threshold", parameters=parameters, for_seconds=2 * 86400)
    day_of(api, NOON.date(), [150.0])
    last = NOON + timedelta(days=5)

    assert foreseen(rule, last) == []
    for day in range(6):
        look(rule, NOON + day * DAY)
    assert [alert.state for alert in Alert.objects.all()] == ["pending"]
