"""Alerts of which nothing comes any more: they end, say why, and count as no improvement."""

from datetime import datetime
from typing import Any

import pytest

from accounts.models import Project, User
from alerts.conditions import CONDITIONS, Wanted, Window
from alerts.evaluating import evaluate
from alerts.models import Alert, AlertRule
from alerts.outcome import outcome_of
from alerts.previewing import preview
from alerts.reading import parameters_of, wanted_of
from audit.services import SYSTEM
from builds.models import Service
from cache.models import BuilderSnapshot
from channels.models import Delivery
from farm.models import Builder
from policies.models import Verdict
from tests.alerts.making import (
    DAY,
    HOUR,
    NOON,
    build_of,
    change_of,
    channel_of,
    day_of,
    rule_of,
    service_of,
)
from tests.alerts.test_conditions import hits_of
from trends.budgets import delete_budget
from trends.models import Budget

MIDNIGHT = NOON.replace(hour=0)
TODAY = NOON.date()
SLOW = {"metric": "wall_seconds", "limit": 100}


def look(rule: AlertRule, at: datetime) -> Alert:
    evaluate([AlertRule.objects.told().get(pk=rule.pk)], at)
    return Alert.objects.get(rule=rule)


@pytest.fixture
def api(project: Project) -> Service:
    return service_of(project)


def slow(api: Service) -> dict[str, Any]:
    day_of(api, TODAY, [150.0])
    return {"kind": "threshold", "parameters": SLOW}


def failing(api: Service) -> dict[str, Any]:
    day_of(api, TODAY, [60.0], failed=3)
    return {"kind": "success", "parameters": {"least_ratio": 0.5}}


def failing_in_a_row(api: Service) -> dict[str, Any]:
    build_of(api, NOON, status="failed")
    day_of(api, TODAY, failed=1, platforms="linux/amd64")
    return {"kind": "success", "parameters": {"by": "streak", "failures": 1}}


def missing_the_cache(api: Service) -> dict[str, Any]:
    hits_of(api, TODAY, cached_steps=1, cacheable_steps=9, saved_seconds=1, executed_seconds=9)
    return {"kind": "hit_ratio", "parameters": {"least_ratio": 0.5}}


def over_budget(api: Service) -> dict[str, Any]:
    Budget.objects.create(service=api, metric="image_bytes", limit=100.0)
    build_of(api, NOON, image_bytes=150)
    day_of(api, TODAY, [150.0], metric="image_bytes")
    return {"kind": "budget", "parameters": {"days": 3}}


def changed(api: Service) -> dict[str, Any]:
    change_of(api, NOON)
    day_of(api, TODAY, [90.0])
    return {"kind": "change"}


NO_BUILDS = "No builds for 14 days."
NO_VALUES = "No builds with a value for 14 days."
PLANTED = [
    (slow, NO_VALUES),
    (failing, NO_BUILDS),
    (failing_in_a_row, NO_BUILDS),
    (missing_the_cache, NO_VALUES),
    (over_budget, NO_VALUES),
    (changed, NO_BUILDS),
]


@pytest.mark.parametrize(("planted", "why"), PLANTED)
def test_after_two_weeks_without_builds_nobody_can_tell(
    project: Project, api: Service, planted, why: str
):
    rule = rule_of(project, **planted(api), settle_seconds=3600)

    assert look(rule, NOON + HOUR).state == "firing"
    # Its day is the 15th: at the end of the 28th there were 13 days without builds.
    assert look(rule, MIDNIGHT + 14 * DAY).state == "firing"
    alert = look(rule, MIDNIGHT + 15 * DAY)

    assert (alert.state, alert.resolved_at) == ("resolved", MIDNIGHT + 15 * DAY)
    assert alert.resolved_because == why
    last = alert.events.last()
    assert (last.kind, last.text) == ("resolved", why)
    assert look(rule, MIDNIGHT + 16 * DAY).pk == alert.pk


@pytest.mark.parametrize(("planted", "why"), PLANTED)
def test_a_preview_says_so_too(project: Project, api: Service, planted, why: str):
    rule = rule_of(project, **planted(api), settle_seconds=3600)

    [fired] = preview(project, wanted_of(rule), NOON + 30 * DAY).fired

    assert fired.resolved_at == MIDNIGHT + 15 * DAY
    assert fired.resolved_because == why


def test_builds_that_come_again_are_looked_at_again(project: Project, api: Service):
    rule = rule_of(project, **slow(api))
    look(rule, NOON)
    day_of(api, TODAY + 10 * DAY, [150.0])
    # Another target's builds are not its own.
    day_of(api, TODAY + 20 * DAY, [50.0], target="other")

    assert look(rule, MIDNIGHT + 24 * DAY).state == "firing"
    assert look(rule, MIDNIGHT + 25 * DAY).resolved_because == NO_VALUES
    day_of(api, TODAY + 30 * DAY, [150.0])
    evaluate([AlertRule.objects.told().get(pk=rule.pk)], MIDNIGHT + 31 * DAY)
    assert [alert.state for alert in Alert.objects.order_by("pk")] == ["resolved", "firing"]


def test_what_got_better_says_nothing_of_the_kind(project: Project, api: Service):
    rule = rule_of(project, **slow(api))
    look(rule, NOON)
    day_of(api, TODAY + DAY, [50.0])
    alert = look(rule, MIDNIGHT + 2 * DAY)
    assert (alert.state, alert.resolved_because, alert.badge) == ("resolved", "", "succeeded")


def test_one_of_two_that_goes_quiet_leaves_with_its_reason(project: Project, api: Service):
    rule = rule_of(project)
    web = service_of(project, "web")
    for service in (api, web):
        change_of(service, NOON, revision="one")
        day_of(service, TODAY, [90.0])
    day_of(web, TODAY + 10 * DAY, [90.0])
    look(rule, NOON)

    alert = look(rule, MIDNIGHT + 15 * DAY)

    assert alert.state == "firing"
    [left] = alert.events.filter(kind="left")
    assert left.text == "Wall time of api up 50 %. No builds for 14 days."
    assert look(rule, MIDNIGHT + 25 * DAY).resolved_because == NO_BUILDS


def test_one_query_tells_of_all_that_are_unseen(project: Project, django_assert_num_queries):
    for number in range(20):
        day_of(service_of(project, f"s{number}"), TODAY, [150.0])
    wanted = Wanted("threshold", parameters_of("threshold", SLOW))
    condition = CONDITIONS["threshold"]
    groups = {item.group for item in condition.observe(wanted, Window(project.pk, NOON))}

    with django_assert_num_queries(1):
        gone = condition.gone(wanted, Window(project.pk, MIDNIGHT + 15 * DAY), groups)

    assert gone == dict.fromkeys(groups, NO_VALUES)
    assert len(gone) == 20


def test_it_is_told_and_is_no_improvement(project: Project, api: Service, alice: User, client_of):
    rule = rule_of(project, **slow(api), channels=[channel_of(project)])
    for number in range(5):
        build_of(api, NOON + number * HOUR, wall_seconds=150.0)
    look(rule, NOON)
    alert = look(rule, MIDNIGHT + 15 * DAY)
    for number in range(5):
        build_of(api, NOON + 20 * DAY + number * HOUR, wall_seconds=50.0)

    fired, resolved = [row.told for row in Delivery.objects.order_by("pk")]

    assert fired.summary.startswith("Median of 1 build of 1 day:")
    assert (resolved.event, resolved.summary) == ("resolved", NO_VALUES)
    outcome = outcome_of(alert)
    assert outcome is not None
    assert outcome.is_better is None
    assert outcome.words.startswith("Not known")
    assert alert.badge == "canceled"
    page = client_of(alice).get(alert.get_absolute_url()).content.decode()
    assert "Why it was resolved:</strong> No builds with a value for 14 days." in page


def test_a_service_that_nobody_builds_is_waited_for_as_long_as_it_is_known(
    project: Project, api: Service
):
    day_of(api, TODAY, [60.0])
    rule = rule_of(project, "missing", parameters={"days": 3})

    assert look(rule, MIDNIGHT + 4 * DAY).state == "firing"
    assert look(rule, MIDNIGHT + 31 * DAY).state == "firing"
    # 28 days and 3: it is no service any more that builds are expected of.
    assert look(rule, MIDNIGHT + 32 * DAY).resolved_because == "No builds for 31 days."


def test_a_builder_that_is_looked_at_no_more(project: Project):
    builder = Builder.objects.create(name="one")
    sizes = {"used_bytes": 95, "limit_bytes": 100, "reclaimable_bytes": 0, "shared_bytes": 0}
    BuilderSnapshot.objects.create(builder=builder, taken_at=NOON, **sizes)
    rule = rule_of(project, "storage", parameters={"share": 0.9})

    assert look(rule, NOON).state == "firing"
    assert look(rule, MIDNIGHT + 14 * DAY).state == "firing"
    assert look(rule, MIDNIGHT + 15 * DAY).resolved_because == "No looks at it for 14 days."


def refused(api: Service, at: datetime, *, confirmed: datetime, **values: Any) -> Verdict:
    said = {"reasons": [{"rule": "r", "outcome": "fail", "message": "No."}]}
    return Verdict.objects.create(
        project_id=api.project_id,
        build=build_of(api, at),
        at=at,
        confirmed_at=confirmed,
        said=said,
        evidence={},
        sha256=f"{at}",
        **{"outcome": "fail"} | values,
    )


def test_a_verdict_that_is_too_old(project: Project, api: Service):
    refused(api, NOON, confirmed=NOON)
    rule = rule_of(project, "policy", parameters={"days": 5})

    assert look(rule, NOON + 4 * DAY).state == "firing"
    assert look(rule, NOON + 5 * DAY).resolved_because == "No verdicts for 5 days."


def test_a_verdict_that_is_said_again_is_as_new_as_that(project: Project, api: Service):
    refused(api, NOON, confirmed=NOON + 20 * DAY)
    rule = rule_of(project, "policy", parameters={"days": 5})

    assert look(rule, NOON + 19 * DAY).state == "firing"
    assert look(rule, NOON + 24 * DAY).state == "firing"
    assert look(rule, NOON + 25 * DAY).resolved_because == "No verdicts for 5 days."
    [fired] = preview(project, wanted_of(rule), NOON + 30 * DAY).fired
    assert (fired.fired_at, fired.resolved_at) == (NOON, NOON + 25 * DAY)
    assert fired.resolved_because == "No verdicts for 5 days."


def test_an_old_image_that_is_refused_again_counts_more_than_a_newer_that_passed(
    project: Project, api: Service
):
    refused(api, NOON, confirmed=NOON + 3 * DAY, digest="sha256:old")
    refused(api, NOON + DAY, confirmed=NOON + 2 * DAY, digest="sha256:new", outcome="pass")
    rule = rule_of(project, "policy")
    # Until the second day it is not known which of them was asked for last.
    assert observed_bad(rule, NOON + 1.5 * DAY) == [False]
    assert observed_bad(rule, NOON + 4 * DAY) == [True]


def observed_bad(rule: AlertRule, at: datetime) -> list[bool | None]:
    found = CONDITIONS[rule.kind].observe(wanted_of(rule), Window(rule.project_id, at))
    return [item.is_bad for item in found]


def test_a_metric_that_is_not_recorded_any_more(project: Project, api: Service):
    build_of(api, NOON, image_bytes=150)
    for number in range(20):
        metric = "image_bytes" if number == 0 else "wall_seconds"
        day_of(api, TODAY + number * DAY, [150.0], metric=metric)
        build_of(api, NOON + number * DAY + HOUR)
    Budget.objects.create(service=api, metric="image_bytes", limit=100.0)
    rules = [
        rule_of(project, "threshold", parameters={"metric": "image_bytes", "limit": 100}),
        rule_of(project, "budget"),
    ]
    for rule in rules:
        assert look(rule, NOON).state == "firing"
        assert look(rule, MIDNIGHT + 14 * DAY).state == "firing"
        assert look(rule, MIDNIGHT + 15 * DAY).resolved_because == NO_VALUES


def test_builds_of_which_a_cache_can_spare_nothing_any_more(project: Project, api: Service):
    rule = rule_of(project, **missing_the_cache(api))
    nothing = {"cached_steps": 0, "cacheable_steps": 0, "saved_seconds": 0, "executed_seconds": 0}
    for number in range(1, 16):
        hits_of(api, TODAY + number * DAY, **nothing)
    assert look(rule, NOON).state == "firing"
    assert look(rule, MIDNIGHT + 15 * DAY).resolved_because == NO_VALUES


def test_a_budget_that_is_deleted_while_builds_go_on(project: Project, api: Service):
    rule = rule_of(project, **over_budget(api), settle_seconds=3600)
    budget = Budget.objects.get()
    day_of(api, TODAY + DAY, [150.0], metric="image_bytes")
    build_of(api, NOON + DAY, image_bytes=150)
    assert look(rule, NOON + DAY).state == "firing"

    delete_budget(budget=budget, actor=SYSTEM)
    alert = look(rule, NOON + DAY + HOUR)

    assert (alert.state, alert.resolved_because) == ("resolved", "The budget was deleted.")


def test_a_builder_that_is_deleted(project: Project):
    builder = Builder.objects.create(name="one")
    sizes = {"used_bytes": 95, "limit_bytes": 100, "reclaimable_bytes": 0, "shared_bytes": 0}
    BuilderSnapshot.objects.create(builder=builder, taken_at=NOON, **sizes)
    rule = rule_of(project, "storage", parameters={"share": 0.9})
    assert look(rule, NOON).state == "firing"

    builder.delete()
    alert = look(rule, NOON + HOUR)

    assert (alert.state, alert.resolved_because) == ("resolved", "The builder was deleted.")


def test_a_share_of_what_has_no_limit_any_more_is_not_exceeded(project: Project):
    builder = Builder.objects.create(name="one")
    sizes = {"used_bytes": 95, "reclaimable_bytes": 0, "shared_bytes": 0}
    BuilderSnapshot.objects.create(builder=builder, taken_at=NOON, limit_bytes=100, **sizes)
    rule = rule_of(project, "storage", parameters={"share": 0.9})
    assert look(rule, NOON).state == "firing"

    BuilderSnapshot.objects.create(builder=builder, taken_at=NOON + HOUR, **sizes)
    alert = look(rule, NOON + HOUR)

    assert (alert.state, alert.resolved_because) == ("resolved", "")
