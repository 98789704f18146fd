"""Lists cost the same number of queries however long they are."""

import json
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from accounts.models import Project, User
from alerts.evaluating import evaluate_due
from alerts.models import Alert, AlertRule, Silence
from tests.alerts.making import HOUR, NOON, change_of, channel_of, rule_of, service_of

BUDGETS = json.loads((Path(__file__).resolve().parents[1] / "query_budgets.json").read_text())
PAGES = {
    "alert_list": "/projects/shop/alerts/",
    "alert_list_of_all": "/projects/shop/alerts/all/",
    "alert_rules": "/projects/shop/alerts/rules/",
    "alert_silences": "/projects/shop/alerts/silences/",
}
LISTS = {
    "api_alert_list": "/api/v1/alerts/",
    "api_alert_rules": "/api/v1/alert-rules/",
    "api_silences": "/api/v1/silences/",
}


def fill(project: Project, first: int, last: int) -> None:
    """A rule a service with a channel, an alert of it, and a silence."""
    for number in range(first, last):
        service = service_of(project, f"s{number}")
        rule = rule_of(project, services=[service], channels=[channel_of(project, f"c{number}")])
        change_of(service, NOON - HOUR, revision=f"{number}")
        times = {"starts_at": NOON, "ends_at": NOON + HOUR, "reason": "Move."}
        Silence.objects.create(project=project, rule=rule, service=service, **times)
    evaluate_due(NOON)


def cost(client: object, path: str) -> int:
    client.get(path)  # type: ignore[attr-defined]
    with CaptureQueriesContext(connection) as captured:
        assert client.get(path).status_code == 200  # type: ignore[attr-defined]
    return len(captured)


@pytest.mark.parametrize("name", sorted(PAGES | LISTS))
def test_a_list_costs_what_is_said(
    project: Project, alice: User, api: APIClient, client_of, name: str
):
    client, path = (api, LISTS[name]) if name in LISTS else (client_of(alice), PAGES[name])
    fill(project, 0, 2)
    few = cost(client, path)
    fill(project, 2, 20)
    assert Alert.objects.count() == AlertRule.objects.count() == Silence.objects.count() == 20
    assert cost(client, path) == few == BUDGETS[name]


def test_an_alert_costs_the_same_however_much_it_hits(project: Project, alice: User, client_of):
    rule_of(project)
    for number in range(2):
        change_of(service_of(project, f"s{number}"), NOON - HOUR, revision="one")
    evaluate_due(NOON)
    path, browser = Alert.objects.get().get_absolute_url(), client_of(alice)
    few = cost(browser, path)
    for number in range(2, 20):
        change_of(service_of(project, f"s{number}"), NOON - HOUR, revision="one")
    evaluate_due(NOON + HOUR)
    assert Alert.objects.get().members.count() == 20
    assert cost(browser, path) == few == BUDGETS["alert_detail"]
