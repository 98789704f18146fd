"""Rules are written, changed and deleted; each with its trail."""

from typing import Any

import pytest
from django.db.models import F
from rest_framework.test import APIClient

from accounts.models import Project, User
from accounts.roles import Scope
from alerts import rules_api
from alerts.evaluating import evaluate_due
from alerts.models import Alert, AlertRule
from audit.models import AuditEvent
from channels.models import Delivery
from tests.alerts.making import HOUR, NOON, change_of, channel_of, rule_of, service_of

RULES = "/api/v1/alert-rules/"


@pytest.fixture
def writer(api_of) -> APIClient:
    return api_of(Scope.BUILDS_READ, Scope.ALERTS_WRITE)


def test_a_rule_is_made_read_changed_and_deleted(project: Project, writer: APIClient):
    service_of(project)
    room = channel_of(project)
    body = {
        "name": "Slow",
        "kind": "change",
        "parameters": {"least_percent": 20},
        "services": ["api"],
        "channels": [str(room.public_id)],
        "targets": ["api"],
    }
    made = writer.post(RULES, body, format="json").json()
    assert made["services"] == ["api"]
    assert made["channels"] == [str(room.public_id)]
    assert (made["severity"], made["settle_seconds"], made["version"]) == ("medium", 900, 1)
    path = f"{RULES}{made['id']}/"
    assert writer.get(path).json() == made

    changed = writer.patch(path, {"severity": "high"}, format="json").json()
    assert (changed["severity"], changed["targets"], changed["version"]) == ("high", ["api"], 2)
    replaced = writer.put(path, {"name": "Slow", "kind": "change"}, format="json").json()
    assert (replaced["severity"], replaced["channels"], replaced["version"]) == ("medium", [], 3)
    assert writer.delete(path).status_code == 204
    assert writer.get(path).status_code == 404
    actions = AuditEvent.objects.filter(action__startswith="alert_rule.").order_by("sequence")
    assert [event.action for event in actions] == [
        "alert_rule.created",
        "alert_rule.changed",
        "alert_rule.changed",
        "alert_rule.deleted",
    ]
    assert actions[1].changes == {"severity": ["medium", "high"]}
    assert actions[3].changes["before"]["name"] == "Slow"


@pytest.mark.parametrize(
    ("body", "attr"),
    [
        ({"kind": "change"}, "name"),
        ({"name": "x", "kind": "nothing"}, "kind"),
        ({"name": "x", "kind": "change", "parameters": {"days": 0}}, "parameters"),
        ({"name": "x", "kind": "change", "services": ["elsewhere"]}, "services"),
        ({"name": "x", "kind": "change", "branch_classes": ["default"]}, "parameters"),
        ({"name": "x", "kind": "change", "branch_classes": ["x"]}, "branch_classes"),
        ({"name": "x", "kind": "change", "every_seconds": 1}, "every_seconds"),
    ],
)
def test_what_is_no_rule_is_refused_with_its_place(writer: APIClient, project, body, attr):
    answer = writer.post(RULES, body, format="json")
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["attr"].split(".")[0] == attr
    assert not AlertRule.objects.exists()


def test_a_change_beside_another_is_refused_and_overwrites_nothing(
    project: Project, writer: APIClient, monkeypatch: pytest.MonkeyPatch
):
    rule, known = rule_of(project), rules_api.initial_of

    def meanwhile(read: AlertRule) -> dict[str, Any]:
        found = known(read)
        AlertRule.objects.filter(pk=read.pk).update(is_on=False, version=F("version") + 1)
        return found

    monkeypatch.setattr(rules_api, "initial_of", meanwhile)
    path = f"/api/v1/alert-rules/{rule.public_id}/"
    answer = writer.patch(path, {"severity": "high"}, format="json")
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (409, "rule_changed")
    rule.refresh_from_db()
    assert (rule.is_on, rule.severity) == (False, "medium")


def test_names_are_taken_and_old_versions_refused(project: Project, writer: APIClient):
    body = {"name": "Slow", "kind": "change"}
    made = writer.post(RULES, body, format="json").json()
    twice = writer.post(RULES, body, format="json")
    assert (twice.status_code, twice.json()["errors"][0]["code"]) == (409, "name_taken")
    path = f"{RULES}{made['id']}/"
    assert writer.patch(path, {"severity": "low", "version": 1}, format="json").status_code == 200
    late = writer.patch(path, {"severity": "high", "version": 1}, format="json")
    assert (late.status_code, late.json()["errors"][0]["code"]) == (409, "rule_changed")


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"parameters": {"least_percent": 90}}, "The rule asks for something else now."),
        ({"is_on": False}, "The rule was switched off."),
        (None, "The rule was deleted."),
    ],
)
def test_another_condition_no_condition_and_no_rule_close_what_was_open(
    project: Project, writer: APIClient, alice: User, client_of, change, why
):
    rule = rule_of(project, channels=[channel_of(project)])
    change_of(service_of(project), NOON - HOUR)
    evaluate_due(NOON)

    path = f"{RULES}{rule.public_id}/"
    if change:
        writer.patch(path, change, format="json")
    else:
        writer.delete(path)

    alert = Alert.objects.get()
    assert (alert.state, alert.rule_name) == ("resolved", rule.name)
    fired, resolved = [row.told for row in Delivery.objects.order_by("pk")]
    assert [fired.event, resolved.event] == ["firing", "resolved"]
    # The condition holds still, so nobody may read it as an end of that.
    assert (alert.resolved_because, alert.badge, resolved.summary) == (why, "canceled", why)
    page = client_of(alice).get(alert.get_absolute_url()).content.decode()
    assert f"Why it was resolved:</strong> {why} Whether it is better is not known." in page


def test_another_name_closes_nothing(project: Project, writer: APIClient):
    rule = rule_of(project)
    change_of(service_of(project), NOON - HOUR)
    evaluate_due(NOON)
    writer.patch(f"{RULES}{rule.public_id}/", {"name": "Other"}, format="json")
    assert Alert.objects.get().state == "firing"
