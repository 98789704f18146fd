"""Bodies that no page sends: told apart by a 400 or 404, with nothing kept."""

import json
from typing import Any

import pytest
from django.forms import ValidationError
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import Project, User
from accounts.roles import Role, Scope
from accounts.services import create_project, set_member_role
from alerts.exceptions import RuleGoneError
from alerts.forms import ParametersField
from alerts.models import AlertRule, Silence
from alerts.rules import Draft, change_rule, delete_rule
from audit.models import AuditEvent
from tests.alerts.making import channel_of, rule_of, service_of

pytestmark = pytest.mark.django_db
RULES = "/api/v1/alert-rules/"


@pytest.fixture
def writer(api_of) -> APIClient:
    return api_of(Scope.BUILDS_READ, Scope.ALERTS_WRITE)


@pytest.fixture
def foreign(carol: User) -> Project:
    """A project that nobody of ours may see."""
    return create_project(name="Foreign", owner=carol)


@pytest.mark.parametrize(
    "body",
    [
        {"kind": "policy", "parameters": {"policies": ["a\0b"]}},
        {"kind": "policy", "parameters": {"policies": ["\ud800"]}},
        {"kind": "threshold", "parameters": {"metric": "wall_seconds", "limit": float("inf")}},
        {"kind": "threshold", "parameters": {"metric": "wall_seconds", "limit": float("nan")}},
        {"kind": "missing", "parameters": {"days": 10**400}},
        {"kind": "missing", "parameters": []},
        {"kind": "missing", "environments": ["\ud800"]},
        {"kind": "missing", "every_seconds": 1},
    ],
    ids=range(8),
)
def test_a_rule_that_the_database_cannot_hold(writer: APIClient, body: dict[str, Any]):
    text = json.dumps({"name": "Rule"} | body).replace("Infinity", "1e999")
    answer = writer.post(RULES, text, content_type="application/json")
    assert answer.status_code == 400, answer.content
    assert not AlertRule.objects.exists()


@pytest.mark.parametrize(
    "parameters",
    [
        '{"metric": "wall_seconds", "limit": Infinity}',
        '{"metric": "wall_seconds", "limit": NaN}',
        '{"metric": "\\u0000"}',
        "[" * 100_000,
        '{"a":' * 2000 + "1" + "}" * 2000,
        "[]",
        "7",
    ],
    ids=range(7),
)
def test_parameters_that_the_database_cannot_hold(parameters: str):
    with pytest.raises(ValidationError, match="Write a JSON object"):
        ParametersField(required=False).clean(parameters)


@pytest.mark.parametrize("limit", ["Infinity", "NaN", "1e400", "\0"])
def test_a_form_with_a_number_that_is_none(project: Project, alice: User, client_of, limit: str):
    body = {"name": "Rule", "parameter-metric": "wall_seconds", "parameter-limit": limit}
    body |= {"for_seconds": "0", "settle_seconds": "0", "least_samples": "1", "severity": "low"}
    page = f"/projects/{project.slug}/alerts/rules/new/?kind=threshold"
    answer = client_of(alice).post(page, body | {"every_seconds": "60"})
    assert answer.status_code in {200, 400}
    if answer.status_code == 200:
        assert answer.context["form"].errors
    assert not AlertRule.objects.exists()


def test_what_is_of_another_project_is_not_there(
    writer: APIClient, project: Project, foreign: Project
):
    channel, service, rule = channel_of(foreign), service_of(foreign, "theirs"), rule_of(foreign)
    body = {"name": "x", "kind": "missing"}
    for part in ({"channels": [str(channel.public_id)]}, {"services": [service.slug]}):
        assert writer.post(RULES, body | part, format="json").status_code == 400
    assert writer.get(f"{RULES}{rule.public_id}/").status_code == 404
    assert writer.delete(f"{RULES}{rule.public_id}/").status_code == 404
    until = {"ends_at": "2100-01-01T00:00:00Z", "starts_at": "2099-12-31T00:00:00Z", "reason": "x"}
    for scope in ({"rule": str(rule.public_id)}, {"service": service.slug}):
        assert writer.post("/api/v1/silences/", until | scope, format="json").status_code == 400
    assert AlertRule.objects.get() == rule
    assert not Silence.objects.exists()


@pytest.mark.parametrize(
    ("starts_at", "ends_at", "status"),
    [
        ("9999-12-30T00:00:00Z", "9999-12-31T00:00:00Z", 201),
        ("0001-01-01T00:00:00+14:00", "2100-01-01T00:00:00Z", 400),
        ("2100-01-01T00:00:00Z", "9999-12-31T23:59:59-14:00", 400),
    ],
)
def test_a_silence_at_the_ends_of_time(
    writer: APIClient, starts_at: str, ends_at: str, status: int
):
    body = {"starts_at": starts_at, "ends_at": ends_at, "reason": "x"}
    answer = writer.post("/api/v1/silences/", body, format="json")
    assert answer.status_code == status, answer.content
    assert Silence.objects.exists() is (status == 201)


@pytest.mark.parametrize("role", [Role.VIEWER, Role.AUDITOR])
def test_who_may_not_change_changes_nothing(
    project: Project, alice: User, bob: User, client_of, role: Role
):
    set_member_role(project=project, user=bob, role=role, actor=alice)
    rule = rule_of(project)
    client: Client = client_of(bob)
    base = f"/projects/{project.slug}/alerts"
    posts = {"rules/new/", f"rules/{rule.public_id}/", f"rules/{rule.public_id}/delete/"}
    for path in posts | {"silences/"}:
        assert client.post(f"{base}/{path}", {"name": "x", "kind": "missing"}).status_code == 404
    assert AlertRule.objects.get().name == rule.name
    assert not Silence.objects.exists()


def test_a_token_that_only_sends_sees_nothing(project: Project, api_of):
    rule_of(project)
    ci = api_of(Scope.INGEST_WRITE)
    for path in ("alert-rules", "alerts", "silences", "channels", "deliveries", "report-schedules"):
        answer = ci.get(f"/api/v1/{path}/")
        assert answer.status_code == 403 or not answer.json()["results"], path
    body = {"name": "x", "kind": "missing"}
    assert ci.post(f"{RULES}preview/", body, format="json").status_code in {400, 403}


def test_a_rule_is_deleted_once(project: Project, alice: User):
    rule = rule_of(project)
    stale = AlertRule.objects.told().get()
    delete_rule(rule=rule, actor=alice)
    for act in (
        lambda: delete_rule(rule=stale, actor=alice),
        lambda: change_rule(
            rule=stale, draft=Draft({"kind": "missing", "parameters": {}}), actor=alice
        ),
    ):
        with pytest.raises(RuleGoneError):
            act()
    assert AuditEvent.objects.filter(action__startswith="alert_rule.").count() == 1
