"""What people do: acknowledge, resolve, own, note, silence, and who may."""

from datetime import timedelta
from threading import Barrier, Thread
from typing import Any

import pytest
from django.db import IntegrityError, connection
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import Project, User
from accounts.roles import Scope
from alerts import evaluating, services
from alerts.evaluating import evaluate_due
from alerts.exceptions import MovedError
from alerts.models import Alert, AlertMember, AlertRule, Silence
from alerts.outcome import outcome_of
from audit.models import AuditEvent
from channels.models import Delivery
from tests.alerts.making import HOUR, NOON, build_of, change_of, channel_of, rule_of, service_of
from trends.models import Change


@pytest.fixture
def alert(project: Project) -> Alert:
    """One that fires, and was told to a room and a pager."""
    channels = [channel_of(project), channel_of(project, "pager", "pagerduty")]
    rule_of(project, channels=channels)
    change_of(service_of(project), NOON - HOUR)
    evaluate_due(NOON)
    return Alert.objects.told().get()


@pytest.fixture
def writer(api_of) -> APIClient:
    return api_of(Scope.BUILDS_READ, Scope.ALERTS_WRITE)


def told() -> list[tuple[str, str]]:
    rows = Delivery.objects.select_related("channel").order_by("pk")
    return [(row.told.event, row.channel.name) for row in rows if row.channel]


def test_acknowledging_is_noted_told_to_the_pager_and_done_once(alert: Alert, alice: User):
    services.acknowledge(alert=alert, actor=alice, text="On it.")

    alert.refresh_from_db()
    assert (alert.state, alert.acknowledged_by) == ("acknowledged", "alice")
    assert alert.seconds_to_acknowledge is not None
    assert told() == [("firing", "pager"), ("firing", "room"), ("acknowledged", "pager")]
    event = AuditEvent.objects.get(action="alert.acknowledged")
    assert event.changes == {"state": ["firing", "acknowledged"], "note": "On it."}
    with pytest.raises(MovedError):
        services.acknowledge(alert=alert, actor=alice)
    assert AuditEvent.objects.filter(action="alert.acknowledged").count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_two_people_at_once_one_acknowledges(alert: Alert, alice: User, bob: User):
    barrier, outcomes = Barrier(2), []

    def act(person: User) -> None:
        try:
            barrier.wait(30)
            services.acknowledge(alert=alert, actor=person)
            outcomes.append("done")
        except MovedError:
            outcomes.append("moved")
        finally:
            connection.close()

    people = [Thread(target=act, args=[person]) for person in (alice, bob)]
    for person in people:
        person.start()
    for person in people:
        person.join(60)

    assert sorted(outcomes) == ["done", "moved"]
    assert AuditEvent.objects.filter(action="alert.acknowledged").count() == 1
    assert alert.events.filter(kind="acknowledged").count() == 1


def test_what_somebody_resolves_stays_resolved_while_it_holds(alert: Alert, alice: User):
    services.resolve(alert=alert, actor=alice, text="New toolchain, it may stay.")
    evaluate_due(NOON + HOUR)

    found = Alert.objects.get()
    assert (found.state, found.resolved_by, found.holds) == ("resolved", "alice", True)
    assert told()[-2:] == [("resolved", "pager"), ("resolved", "room")]


def test_similar_alerts_are_shown_with_their_last_note(alert: Alert, alice: User, project):
    services.add_note(alert=alert, actor=alice, text="Pinned npm.")
    services.resolve(alert=alert, actor=alice)
    services.add_note(alert=alert, actor=alice, text="Pinned npm again.")
    change_of(service_of(project, "web"), NOON + HOUR, revision="d00d")

    evaluate_due(NOON + 2 * HOUR)

    [past] = Alert.objects.get(state="firing").context["similar"]
    assert past["title"] == "Wall time of api up 50 %"
    assert past["note"] == "Pinned npm again."


def test_owners_are_members(alert: Alert, alice: User, bob: User, writer: APIClient, carol: User):
    path = f"/api/v1/alerts/{alert.public_id}/owner/"
    assert writer.post(path, {"owner": "bob"}, format="json").json()["owner"] == "bob"
    assert writer.post(path, {"owner": "carol"}, format="json").status_code == 400
    assert writer.post(path, {"owner": None}, format="json").json()["owner"] is None
    event = AuditEvent.objects.filter(action="alert.owned").first()
    assert event is not None
    assert event.changes == {"owner": ["", "bob"]}


def test_whether_it_is_better_is_not_known_until_there_are_builds(alert: Alert, alice: User):
    service = alert.members.get().service
    assert service is not None
    for number in range(5):
        build_of(service, NOON + number * HOUR / 10, wall_seconds=90.0)
    services.resolve(alert=alert, actor=alice)
    Alert.objects.filter(pk=alert.pk).update(resolved_at=NOON + HOUR)
    alert.refresh_from_db()
    for number in range(4):
        build_of(service, NOON + (2 + number) * HOUR, wall_seconds=60.0)

    early = outcome_of(alert)
    build_of(service, NOON + 9 * HOUR, wall_seconds=60.0)
    known = outcome_of(alert)

    assert early is not None
    assert known is not None
    assert early.is_better is None
    assert early.words.startswith("Not known yet: 4 builds since")
    assert (known.is_better, known.before, known.since) == (True, "1 m 30 s", "1 m 0 s")
    assert known.builds_since == 5


def silenced(project: Project, **values) -> Silence:
    defaults = {
        "starts_at": NOON - HOUR,
        "ends_at": NOON + HOUR,
        "reason": "Move",
        "created_by": "alice",
    }
    return Silence.objects.create(project=project, **defaults | values)


def test_a_silenced_alert_is_kept_and_told_when_the_silence_is_over(project: Project):
    rule = rule_of(project, channels=[channel_of(project)])
    silence = silenced(project, service=service_of(project), rule=rule)
    change_of(service_of(project), NOON - HOUR)

    evaluate_due(NOON)
    evaluate_due(NOON + HOUR / 2)

    alert = Alert.objects.get()
    assert (alert.state, alert.silence, alert.told_at) == ("firing", silence, None)
    assert told() == []
    evaluate_due(NOON + HOUR)
    alert.refresh_from_db()
    assert alert.told_at == NOON + HOUR
    assert told() == [("firing", "room")]
    assert [event.kind for event in alert.events.all()].count("silenced") == 1


def test_a_service_that_has_recovered_keeps_nobody_awake(project: Project):
    rule = rule_of(project, channels=[channel_of(project)])
    silenced(project, service=service_of(project))
    change_of(service_of(project), NOON - HOUR)
    evaluate_due(NOON)
    alert = Alert.objects.get()
    AlertMember.objects.create(
        alert=alert,
        group="web",
        service=service_of(project, "web"),
        title="web",
        since=NOON - HOUR,
        ended_at=NOON,
    )
    AlertRule.objects.filter(pk=rule.pk).update(next_due_at=NOON + HOUR / 2)
    evaluate_due(NOON + HOUR / 2)
    assert told() == []


def test_the_end_is_told_to_those_who_heard_of_the_beginning(alert: Alert, alice: User):
    assert alert.rule is not None
    other = channel_of(alert.project, "other")
    alert.rule.channels.set([other])
    services.acknowledge(alert=alert, actor=alice)
    services.resolve(alert=alert, actor=alice)
    assert [channel for _, channel in told()] == ["pager", "room", "pager", "pager", "room"]


def test_what_was_told_to_nobody_ends_without_a_word(project: Project, alice: User):
    rule = rule_of(project)
    change_of(service_of(project), NOON - HOUR)
    evaluate_due(NOON)
    rule.channels.set([channel_of(project)])
    services.resolve(alert=Alert.objects.told().get(), actor=alice)
    assert told() == []


class TestToldLate:
    @pytest.fixture
    def waiting(self, project: Project) -> list[Alert]:
        """Two alerts whose silence is over at NOON + HOUR."""
        names = ("api", "web")
        for name in names:
            service = service_of(project, name)
            rule_of(project, services=[service], channels=[channel_of(project, name)])
            silenced(project, service=service)
            change_of(service, NOON - HOUR)
        evaluate_due(NOON)
        assert told() == []
        return list(Alert.objects.order_by("pk"))

    def test_one_that_cannot_be_told_stops_no_other(self, waiting: list[Alert], monkeypatch):
        known = evaluating.tell_firing

        def fail_first(alert: Alert, *rest: Any) -> None:
            if alert == waiting[0]:
                raise IntegrityError("its channel is gone")
            known(alert, *rest)

        monkeypatch.setattr(evaluating, "tell_firing", fail_first)
        evaluate_due(NOON + HOUR)
        assert told() == [("firing", "web")]
        monkeypatch.undo()
        evaluate_due(NOON + 2 * HOUR)
        assert told() == [("firing", "web"), ("firing", "api")]

    def test_what_holds_no_more_is_told_to_nobody(self, waiting: list[Alert], project: Project):
        AlertRule.objects.update(settle_seconds=3 * 3600)
        silenced(project, service=service_of(project, "other"), ends_at=NOON + 5 * HOUR)
        Change.objects.update(state="resolved", ended_at=NOON)
        for hours in (1, 2):
            evaluate_due(NOON + hours * HOUR)
        assert set(Alert.objects.values_list("state", "clear_since")) == {("firing", NOON + HOUR)}
        assert told() == []
        silences = set(Alert.objects.values_list("silence__service__slug", flat=True))
        assert silences == {"api", "web"}, "and not that of another service"

    def test_one_that_somebody_resolves_meanwhile_is_not_told(
        self, waiting: list[Alert], alice: User, monkeypatch
    ):
        known = evaluating.tell_firing

        def resolve_second(alert: Alert, *rest: Any) -> None:
            services.resolve(alert=waiting[1], actor=alice)
            known(alert, *rest)

        monkeypatch.setattr(evaluating, "tell_firing", resolve_second)
        evaluate_due(NOON + HOUR)
        assert told() == [("firing", "api")]


def test_a_silence_of_another_service_silences_nothing(project: Project):
    rule_of(project, channels=[channel_of(project)])
    silenced(project, service=service_of(project, "web"))
    change_of(service_of(project), NOON - HOUR)
    change_of(service_of(project, "web"), NOON - HOUR)

    evaluate_due(NOON)

    # One commit over both: one of them is not silenced.
    assert told() == [("firing", "room")]


def test_silences_by_the_api(project: Project, writer: APIClient, api: APIClient):
    until = timezone.now() + timedelta(days=1)
    body = {"service": "api", "ends_at": until.isoformat(), "reason": "Move"}
    assert writer.post("/api/v1/silences/", body, format="json").status_code == 400
    service_of(project)
    assert api.post("/api/v1/silences/", body, format="json").status_code == 403
    made = writer.post("/api/v1/silences/", body, format="json")
    assert made.status_code == 201
    assert made.json()["service"] == "api"
    path = f"/api/v1/silences/{made.json()['id']}/end/"
    assert writer.post(path).status_code == 200
    assert writer.post(path).json()["errors"][0]["code"] == "silence_over"
    late = body | {"ends_at": (until + timedelta(days=100)).isoformat()}
    assert writer.post("/api/v1/silences/", late, format="json").status_code == 400
    actions = AuditEvent.objects.filter(action__startswith="silence.")
    assert sorted(actions.values_list("action", flat=True)) == ["silence.created", "silence.ended"]


def test_strangers_find_nothing_and_readers_change_nothing(
    alert: Alert, bob: User, carol: User, client_of, api: APIClient
):
    detail, acknowledge = alert.get_absolute_url(), f"{alert.get_absolute_url()}acknowledge/"
    assert client_of(carol).get(detail).status_code == 404
    assert client_of(bob).get(detail).status_code == 200
    assert "Acknowledge</button>" not in client_of(bob).get(detail).content.decode()
    assert client_of(bob).post(acknowledge).status_code == 404
    assert api.get(f"/api/v1/alerts/{alert.public_id}/").status_code == 200
    assert api.post(f"/api/v1/alerts/{alert.public_id}/acknowledge/").status_code == 403
    assert Alert.objects.get().state == "firing"


def test_pages_do_what_people_ask(alert: Alert, alice: User, client_of):
    browser, page = client_of(alice), alert.get_absolute_url()
    browser.post(f"{page}own/", {"owner": "alice"})
    browser.post(f"{page}acknowledge/")
    browser.post(f"{page}note/", {"text": "<b>Pinned</b>"})
    again = browser.post(f"{page}acknowledge/", follow=True).content.decode()
    assert "somebody, or its rule, was first" in again
    assert "&lt;b&gt;Pinned&lt;/b&gt;" in again
    browser.post(f"{page}resolve/", {"text": "Done"})
    listed = browser.get(f"/projects/{alert.project.slug}/alerts/all/?severity=medium&service=api")
    assert alert.title in listed.content.decode()
    assert '<option value="api" selected>api</option>' in listed.content.decode()
    gone = browser.get("/projects/shop/alerts/all/?rule=Gone").content.decode()
    assert '<option value="Gone" selected>Gone</option>' in gone
    assert "No alert is as these filters say" in gone
    assert alert.title not in browser.get("/projects/shop/alerts/").content.decode()
    assert Alert.objects.get().state == "resolved"
