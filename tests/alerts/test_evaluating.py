"""Rules come due, are taken once, fail alone, and cost the same however many services there are."""

from collections.abc import Callable
from threading import Barrier, Thread
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Project, User
from accounts.services import create_project
from alerts.conditions import CONDITIONS
from alerts.defaults import give_to_new_projects
from alerts.evaluating import evaluate, evaluate_due, take_due
from alerts.models import Alert, AlertRule
from alerts.rules import Draft, change_rule, delete_rule
from alerts.tasks import evaluate_rules
from audit.models import AuditEvent
from channels.models import Delivery
from tests.alerts.making import DAY, HOUR, NOON, change_of, channel_of, day_of, rule_of, service_of


def test_missed_times_cost_one_late_run(project: Project):
    rule = rule_of(project, every_seconds=3600, next_due_at=NOON - 10 * HOUR - HOUR / 4)

    assert evaluate_due(NOON) == 1
    assert evaluate_due(NOON) == 0

    rule.refresh_from_db()
    assert rule.next_due_at == NOON + 0.75 * HOUR
    assert rule.evaluated_at == NOON


@pytest.mark.django_db(transaction=True)
def test_two_workers_evaluate_a_due_time_once(project: Project):
    channels = [channel_of(project)]
    for number in range(20):
        service = service_of(project, f"s{number}")
        rule_of(project, services=[service], channels=channels)
        change_of(service, NOON - HOUR, revision=f"{number}")
    barrier, taken = Barrier(2), []

    def work() -> None:
        try:
            barrier.wait(30)
            taken.append(evaluate_due(NOON))
        finally:
            connection.close()

    workers = [Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)

    assert sum(taken) == 20
    assert Alert.objects.count() == Delivery.objects.count() == 20


def test_a_due_time_that_another_has_taken_is_not_taken(project: Project):
    rule_of(project)
    [stale] = AlertRule.objects.due(NOON)
    assert len(take_due(NOON)) == 1
    same = AlertRule.objects.filter(pk=stale.pk, next_due_at=stale.next_due_at)
    assert not same.exists()
    assert take_due(NOON) == []


def test_a_rule_that_fails_says_so_and_stops_no_other(project: Project):
    broken = rule_of(project, parameters={"days": "many"})
    rule_of(project)
    change_of(service_of(project), NOON - HOUR)

    evaluate_due(NOON)

    broken.refresh_from_db()
    assert "days: Input should be a valid integer" in broken.error
    assert Alert.objects.count() == 1
    AlertRule.objects.filter(pk=broken.pk).update(parameters={})
    evaluate_due(NOON + HOUR)
    broken.refresh_from_db()
    assert broken.error == ""


def test_a_failure_after_the_first_write_leaves_nothing(project: Project, monkeypatch):
    rule = rule_of(project, channels=[channel_of(project)])
    change_of(service_of(project), NOON - HOUR)

    def fail(*_args: object, **_kwargs: object) -> None:
        raise RuntimeError("no way")

    monkeypatch.setattr("alerts.evaluating.tell_firing", fail)
    evaluate_due(NOON)

    rule.refresh_from_db()
    assert rule.error == "RuntimeError: no way"
    assert not Alert.objects.exists()


def off(rule: AlertRule, actor: User) -> None:
    draft = Draft({**plain(rule), "is_on": False}, channels=rule.channels.all())
    change_rule(rule=rule, draft=draft, actor=actor)


def other(rule: AlertRule, actor: User) -> None:
    draft = Draft({**plain(rule), "parameters": {"least_percent": 99}})
    change_rule(rule=rule, draft=draft, actor=actor)


def gone(rule: AlertRule, actor: User) -> None:
    delete_rule(rule=rule, actor=actor)


def plain(rule: AlertRule) -> dict[str, Any]:
    return {name: getattr(rule, name) for name in ("name", "kind", "parameters", "severity")}


@pytest.mark.parametrize("act", [off, other, gone])
def test_a_rule_that_somebody_changes_after_it_was_taken_opens_nothing(
    project: Project, alice: User, act: Callable[[AlertRule, User], None]
):
    """Nobody would ever close that alert: its rule is evaluated no more, or looks elsewhere."""
    rule = rule_of(project, channels=[channel_of(project)])
    change_of(service_of(project), NOON - HOUR)
    taken = take_due(NOON)
    act(rule, alice)

    evaluate(taken, NOON)

    assert not Alert.objects.exists()
    assert not Delivery.objects.exists()
    assert not AlertRule.objects.exclude(error="").exists()


@pytest.mark.parametrize("kind", sorted(CONDITIONS))
def test_ten_times_the_services_cost_the_same_queries(project: Project, kind: str):
    parameters = {
        "threshold": {"metric": "wall_seconds", "limit": 1e9},
        "hit_ratio": {"least_ratio": 0.1},
        "queue": {"limit_seconds": 1e5},
        "storage": {"share": 5},
        "change": {"least_percent": 1000},
        "vulnerability": {"days": 1},
    }.get(kind, {})
    rule_of(project, kind, parameters=parameters)

    def fill(first: int, last: int) -> None:
        for number in range(first, last):
            service = service_of(project, f"s{number}")
            day_of(service, NOON.date(), [60.0])
            change_of(service, NOON - HOUR, revision=f"{number}")

    def queries(at) -> int:
        with CaptureQueriesContext(
            connection,
        ) as captured:
            assert evaluate_due(at) == 1
        return len(captured)

    fill(0, 3)
    few = queries(NOON)
    fill(3, 30)
    assert queries(NOON + HOUR / 60) == few
    assert not Alert.objects.exists()
    assert not AlertRule.objects.exclude(error="").exists()


def test_new_projects_begin_with_three_quiet_rules_once(project: Project, alice: User):
    evaluate_rules()
    rules = AlertRule.objects.filter(project=project)
    assert sorted(rules.values_list("kind", flat=True)) == ["change", "success", "vulnerability"]
    assert all(rule.is_on and not rule.channels.exists() for rule in rules)
    assert not AlertRule.objects.exclude(error="").exists()
    assert AuditEvent.objects.filter(action="alert_rules.given").count() == 1

    rules.delete()
    assert give_to_new_projects() == 0
    create_project(name="Another", owner=alice)
    assert give_to_new_projects() == 1


def test_what_a_rule_looks_at_is_what_was_known_then(project: Project):
    rule_of(project, next_due_at=NOON - 3 * DAY)
    change_of(service_of(project), NOON - DAY)

    evaluate_due(NOON - 2 * DAY)
    assert not Alert.objects.exists()
    evaluate_due(NOON)
    assert Alert.objects.count() == 1
