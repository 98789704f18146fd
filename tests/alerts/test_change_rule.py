"""A change for the worse, from the rule to the message and back."""

from accounts.models import Project
from alerts.evaluating import evaluate_due
from alerts.models import Alert, AlertRule
from channels.models import Delivery
from tests.alerts.making import HOUR, NOON, change_of, channel_of, rule_of, service_of


def test_a_change_fires_is_told_once_and_resolves_when_it_goes_back(project: Project):
    room = channel_of(project)
    rule = rule_of(project, channels=[room], parameters={"least_percent": 20}, severity="high")
    change = change_of(service_of(project), NOON - HOUR)

    evaluate_due(NOON)
    evaluate_due(NOON + HOUR)

    alert = Alert.objects.get()
    assert (alert.state, alert.severity) == ("firing", "high")
    assert alert.title == "Wall time of api up 50 %"
    assert alert.began_at == NOON - HOUR
    assert alert.fired_at == alert.told_at == NOON
    message = Delivery.objects.get().told
    assert message.event == "firing"
    assert message.key == f"alert/{alert.public_id}"
    assert message.path == alert.get_absolute_url()
    facts = {fact.label: fact.value for fact in message.facts}
    assert facts["Before"] == "1 m 0 s"
    assert facts["Now"] == "1 m 30 s"
    assert facts["Culprit"] == "RUN npm ci"
    assert facts["Commits"].endswith("..c0ffee")
    assert facts["Authors"] == "Jonas Lind"
    assert facts["Likely cause"] == "Copied files changed."
    assert message.commit is not None
    assert message.commit.revision == "c0ffee"

    change.state, change.ended_at = "resolved", NOON + HOUR
    change.save()
    evaluate_due(NOON + 2 * HOUR)

    alert.refresh_from_db()
    assert (alert.state, alert.resolved_at) == ("resolved", NOON + 2 * HOUR)
    assert alert.resolved_by == ""
    events = [delivery.told.event for delivery in Delivery.objects.order_by("pk")]
    assert events == ["firing", "resolved"]
    kinds = [event.kind for event in alert.events.all()]
    assert kinds == ["noticed", "fired", "told", "left", "cleared", "resolved"]
    assert AlertRule.objects.get(pk=rule.pk).error == ""


def test_what_a_rule_does_not_ask_for_is_no_alert(project: Project):
    rule_of(project, parameters={"least_percent": 51})
    rule_of(project, parameters={"metrics": ["image_bytes"]})
    rule_of(project, services=[service_of(project, "other")])
    rule_of(project, least_samples=6)
    rule_of(project, is_on=False)
    change_of(service_of(project), NOON - HOUR)
    change_of(service_of(project, "slight"), NOON - HOUR, is_slight=True)
    change_of(service_of(project, "better"), NOON - HOUR, is_worse=False)

    evaluate_due(NOON)

    assert not Alert.objects.exists()


def test_after_its_days_a_level_is_the_usual_one(project: Project):
    rule_of(project, parameters={"days": 7})
    change_of(service_of(project), NOON - HOUR)

    evaluate_due(NOON)
    assert Alert.objects.get().state == "firing"
    evaluate_due(NOON + 7 * 24 * HOUR)

    assert Alert.objects.get().state == "resolved"


def test_the_detail_page_says_what_since_when_culprit_commit_and_fix(
    project: Project, alice, client_of
):
    rule_of(project, channels=[channel_of(project)])
    change_of(service_of(project), NOON - HOUR)
    evaluate_due(NOON)
    alert = Alert.objects.get()

    page = client_of(alice).get(alert.get_absolute_url()).content.decode()

    for text in ("Wall time of api up 50 %", "RUN npm ci", "..c0ffee", "Jonas Lind", "1 m 30 s"):
        assert text in page
    assert "Acknowledge" in page
    assert "room" in page
