"""Rules and silences by labels of services: whom they are about is seen anew at each evaluation."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import Project, User
from accounts.roles import Scope
from alerts.conditions import CONDITIONS, Wanted, Window
from alerts.evaluating import evaluate, evaluate_due
from alerts.following import NOT_MEANT, look
from alerts.models import Alert, AlertMember, AlertRule, Silence
from alerts.previewing import preview
from alerts.reading import parameters_of, wanted_of
from audit.models import AuditEvent
from builds.labels import read_labels
from builds.models import Service
from channels.models import Delivery
from tests.alerts.making import DAY, HOUR, NOON, change_of, channel_of, day_of, rule_of, service_of

RULES = "/api/v1/alert-rules/"
TODAY = NOON.date()
SLOW = {"metric": "wall_seconds", "limit": 100.0}


def labelled(project: Project, name: str, labels: str = "") -> Service:
    service = service_of(project, name)
    service.labels = read_labels(labels)
    service.save()
    return service


def slow(project: Project, name: str, labels: str = "") -> Service:
    """A service that is over the limit at noon."""
    service = labelled(project, name, labels)
    day_of(service, TODAY, [150.0])
    return service


def firing() -> set[str]:
    """The services of which an alert fires, or is acknowledged."""
    rows = AlertMember.objects.filter(alert__state="firing", ended_at=None)
    return set(rows.values_list("service__name", flat=True))


def evaluated(rule: AlertRule, at=NOON) -> set[str]:
    evaluate([AlertRule.objects.told().get(pk=rule.pk)], at)
    rule.refresh_from_db()
    assert rule.error == ""
    return firing()


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        (["team=payments"], {"pay", "bill"}),
        (["team=payments", "tier=edge"], {"pay"}),
        (["team=payments", "tier=none"], set()),
        (["team=nobody"], set()),
        ([], {"pay", "bill", "shop"}),
    ],
)
def test_a_rule_is_about_services_with_all_of_its_labels(project: Project, labels, names):
    slow(project, "pay", "team=payments, tier=edge")
    slow(project, "bill", "team=payments")
    slow(project, "shop", "tier=edge")
    assert evaluated(rule_of(project, "threshold", parameters=SLOW, labels=labels)) == names


def test_of_services_and_labels_both_hold(project: Project):
    pay, shop = slow(project, "pay", "team=payments"), slow(project, "shop")
    slow(project, "bill", "team=payments")
    asked = {"parameters": SLOW, "services": [pay, shop], "labels": ["team=payments"]}
    assert evaluated(rule_of(project, "threshold", **asked)) == {"pay"}


def test_labels_of_another_project_are_others(project: Project, alice: User, carol: User):
    elsewhere = Project.objects.exclude(pk=project.pk).get()
    slow(elsewhere, "pay", "team=payments")
    rule = rule_of(project, "threshold", parameters=SLOW, labels=["team=payments"])
    assert evaluated(rule) == set()


def test_who_is_labelled_later_joins_and_who_is_no_longer_leaves_at_once(project: Project):
    pay, shop = slow(project, "pay", "team=payments"), slow(project, "shop")
    rule = rule_of(
        project,
        "threshold",
        parameters=SLOW,
        labels=["team=payments"],
        channels=[channel_of(project)],
        settle_seconds=7200,
    )
    assert evaluated(rule) == {"pay"}
    labelled(project, "shop", "team=payments")
    assert evaluated(rule, NOON + HOUR) == {"pay", "shop"}

    labelled(project, "pay", "team=other")
    assert evaluated(rule, NOON + HOUR * 1.1) == {"shop"}

    gone = Alert.objects.get(members__service=pay)
    assert (gone.state, gone.resolved_because) == ("resolved", NOT_MEANT)
    assert [row.told.event for row in Delivery.objects.order_by("pk")] == [
        "firing",
        "firing",
        "resolved",
    ]
    # It holds still: with the label it fires again, once it has been over for long enough.
    labelled(project, "pay", "team=payments")
    assert evaluated(rule, NOON + HOUR * 2) == {"shop"}
    assert evaluated(rule, NOON + HOUR * 4) == {"pay", "shop"}
    assert Alert.objects.filter(members__service=shop).count() == 1


def test_of_several_services_the_one_without_the_label_leaves(project: Project):
    for name in ("pay", "bill"):
        change_of(labelled(project, name, "team=payments"), NOON - HOUR, revision="one")
    rule = rule_of(project, labels=["team=payments"])
    assert evaluated(rule) == {"pay", "bill"}

    labelled(project, "bill")
    assert evaluated(rule, NOON + HOUR) == {"pay"}

    alert = Alert.objects.get()
    [left] = alert.events.filter(kind="left")
    assert left.text.endswith(NOT_MEANT)
    labelled(project, "pay")
    assert evaluated(rule, NOON + 2 * HOUR) == set()
    alert.refresh_from_db()
    assert (alert.state, alert.resolved_because) == ("resolved", NOT_MEANT)


def test_kinds_that_know_services_know_labels():
    known = {kind: condition.narrowed_by for kind, condition in CONDITIONS.items()}
    assert {kind for kind in known if "services" in known[kind]} == set(CONDITIONS) - {"storage"}
    assert all(("services" in names) is ("labels" in names) for names in known.values())


PARAMETERS = {
    "threshold": SLOW,
    "success": {"by": "streak", "failures": 1},
    "hit_ratio": {"least_ratio": 0.1},
    "queue": {"limit_seconds": 1},
}


@pytest.mark.parametrize("kind", sorted(set(CONDITIONS) - {"storage"}))
def test_every_kind_sees_nothing_where_no_service_is_meant(project: Project, kind: str):
    change_of(slow(project, "pay"), NOON - HOUR)
    parameters = parameters_of(kind, PARAMETERS.get(kind, {}))
    window = Window(project.pk, NOON)
    wanted = Wanted(kind, parameters, labels=frozenset({"team=x"})).within(window)

    assert wanted.services == frozenset()
    assert look(wanted, window) == []
    found = preview(project, wanted, NOON)
    assert (found.fired, found.is_cut) == ([], False)


def test_a_preview_is_what_evaluation_does(project: Project):
    for name, labels in (("pay", "team=payments"), ("shop", ""), ("bill", "team=payments")):
        service = labelled(project, name, labels)
        day_of(service, TODAY, [150.0])
        day_of(service, TODAY + DAY, [50.0])
    rule = rule_of(project, "threshold", parameters=SLOW, labels=["team=payments"])

    found = preview(project, wanted_of(rule), NOON + 3 * DAY)
    for days in range(3):
        evaluated(rule, NOON.replace(hour=0) + (1 + days) * DAY)

    told = Alert.objects.order_by("title").values_list("title", "resolved_at")
    assert sorted((item.title, item.resolved_at) for item in found.fired) == list(told)
    assert len(told) == 2


@pytest.mark.parametrize("count", [20, 200])
def test_labels_cost_one_query_for_all_rules(project: Project, count: int):
    slow(project, "pay", "team=payments")
    parameters = SLOW | {"limit": 1e6}
    plain = [rule_of(project, "threshold", parameters=parameters) for _ in range(count)]
    AlertRule.objects.update(next_due_at=NOON + DAY)
    for number in range(count):
        labels = [f"team={'payments' if number % 2 else number}"]
        rule_of(project, "threshold", parameters=parameters, labels=labels, name=f"l{number}")

    with CaptureQueriesContext(connection) as by_label:
        assert evaluate_due(NOON) == count
    AlertRule.objects.exclude(labels=[]).update(next_due_at=NOON + 9 * DAY)
    AlertRule.objects.filter(labels=[]).update(next_due_at=NOON)
    with CaptureQueriesContext(connection) as without:
        assert evaluate_due(NOON) == count == len(plain)

    assert len(by_label) == len(without) + 1
    assert not AlertRule.objects.exclude(error="").exists()


class TestWriting:
    @pytest.fixture
    def writer(self, api_of) -> APIClient:
        return api_of(Scope.BUILDS_READ, Scope.ALERTS_WRITE)

    def test_rules_are_made_and_changed_with_a_trail(self, project: Project, writer: APIClient):
        body = {"name": "Slow", "kind": "change", "labels": ["tier=edge", "team=payments"]}
        made = writer.post(RULES, body, format="json").json()
        assert made["labels"] == ["team=payments", "tier=edge"]
        path = f"{RULES}{made['id']}/"
        kept = writer.patch(path, {"severity": "high"}, format="json").json()
        assert kept["labels"] == made["labels"]
        changed = writer.patch(path, {"labels": ["team=web"]}, format="json").json()
        assert changed["labels"] == ["team=web"]
        event = AuditEvent.objects.filter(action="alert_rule.changed").order_by("sequence").last()
        assert event is not None
        assert event.changes == {"labels": [["team=payments", "tier=edge"], ["team=web"]]}

    def test_other_labels_are_another_condition(self, project: Project, writer: APIClient):
        change_of(labelled(project, "pay", "team=payments, tier=edge"), NOON - HOUR)
        rule = rule_of(project, labels=["team=payments"])
        evaluated(rule)
        writer.patch(f"{RULES}{rule.public_id}/", {"labels": ["tier=edge"]}, format="json")
        assert Alert.objects.get().state == "resolved"

    @pytest.mark.parametrize(
        ("body", "attr"),
        [
            ({"kind": "change", "labels": ["payments"]}, "labels"),
            ({"kind": "change", "labels": ["team=a", "team=b"]}, "labels"),
            ({"kind": "change", "labels": ["Team=a"]}, "labels"),
            ({"kind": "storage", "labels": ["team=a"], "parameters": {"share": 1}}, "parameters"),
        ],
    )
    def test_what_is_no_label_or_not_known_is_refused(self, project, writer, body, attr):
        answer = writer.post(RULES, {"name": "x"} | body, format="json")
        assert answer.status_code == 400
        assert answer.json()["errors"][0]["attr"] == attr
        assert not AlertRule.objects.exists()

    def test_the_form_asks_tries_and_keeps(self, project: Project, alice: User, client_of):
        browser, path = client_of(alice), "/projects/shop/alerts/rules/new/?kind=missing"
        body = {
            "name": "Gone",
            "severity": "low",
            "labels": "team",
            "for_seconds": 0,
            "settle_seconds": 0,
            "least_samples": 1,
            "every_seconds": "1 min",
            "parameter-days": 3,
        }
        page = browser.post(path, body).content.decode()
        assert 'id="id_labels_error"' in page
        assert "“team” is no label" in page
        body["labels"] = "tier=edge, team=payments"
        tried = browser.post(path, body | {"try": "1"}).content.decode()
        assert "It would not have fired in 90 days." in tried
        assert browser.post(path, body).status_code == 302
        rule = AlertRule.objects.get()
        assert rule.labels == ["team=payments", "tier=edge"]
        page = browser.get(rule.get_absolute_url()).content.decode()
        assert 'value="team=payments, tier=edge"' in page
        listed = browser.get("/projects/shop/alerts/rules/").content.decode()
        assert '<span class="tag">team=payments</span>' in listed
        assert "all services" not in listed
        storage = browser.get("/projects/shop/alerts/rules/new/?kind=storage").content.decode()
        assert "id_labels" not in storage

    def test_silences_are_made_of_labels(self, project: Project, writer: APIClient):
        body = {
            "labels": ["team=payments"],
            "ends_at": (timezone.now() + timedelta(days=1)).isoformat(),
            "reason": "Move",
        }
        made = writer.post("/api/v1/silences/", body, format="json")
        assert (made.status_code, made.json()["labels"]) == (201, ["team=payments"])
        assert Silence.objects.get().covers == "team=payments"
        wrong = writer.post("/api/v1/silences/", body | {"labels": ["x"]}, format="json")
        assert (wrong.status_code, wrong.json()["errors"][0]["attr"]) == (400, "labels")


@pytest.mark.parametrize(
    ("labels", "is_told"),
    [("team=payments", False), ("team=web", True), ("team=payments, tier=edge", True)],
)
def test_a_silence_is_of_alerts_whose_services_all_have_its_labels(project, labels, is_told):
    for name, tier in (("pay", "edge"), ("bill", "core")):
        service = labelled(project, name, f"team=payments, tier={tier}")
        change_of(service, NOON - HOUR, revision="one")
    rule_of(project, channels=[channel_of(project)])
    times = {"starts_at": NOON - HOUR, "ends_at": NOON + HOUR, "reason": "Move"}
    said = labels.split(", ")
    Silence.objects.create(project=project, labels=said, created_by="alice", **times)

    evaluate_due(NOON)

    assert Alert.objects.get().members.count() == 2
    assert Delivery.objects.exists() is is_told
