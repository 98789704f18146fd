"""Sentences of alerts: one is no plural, and what was is not told as if it were now."""

from typing import Any

import pytest

from accounts.models import Project, User
from alerts.conditions import CONDITIONS, Observation, Wanted, Window
from alerts.evaluating import evaluate_due
from alerts.models import Alert
from alerts.reading import parameters_of
from builds.models import Service
from channels.models import Delivery
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
from trends.models import Budget, Change

TODAY = NOON.date()


def seen(project: Project, kind: str, **parameters: Any) -> Observation:
    wanted = Wanted(kind, parameters_of(kind, parameters))
    [found] = CONDITIONS[kind].observe(wanted, Window(project.pk, NOON))
    return found


@pytest.fixture
def api(project: Project) -> Service:
    return service_of(project)


def test_one_build_of_one_day(project: Project, api: Service):
    day_of(api, TODAY, [150.0])
    slow = seen(project, "threshold", metric="wall_seconds", limit=100)
    fails = seen(project, "success", least_ratio=0.8, days=1)
    assert slow.summary.startswith("Median of 1 build of 1 day: ")
    assert fails.summary == "1 of 1 build of 1 day succeeded, 100 %."


def test_one_build_with_few_hits(project: Project, api: Service):
    counts = {"cached_steps": 1, "cacheable_steps": 10, "saved_seconds": 1}
    hits_of(api, TODAY, **counts, executed_seconds=9)
    found = seen(project, "hit_ratio", least_ratio=0.5, days=1)
    assert found.summary == "10 % of their time in 1 build of 1 day."


def test_one_day_without_a_build(project: Project, api: Service):
    day_of(api, TODAY - DAY, [60.0])
    found = seen(project, "missing", days=1)
    assert found.title == "No build of api for 1 day"
    assert found.summary.startswith("1 build in the 29 days until today, the last on 2026-06-14")


def test_one_failure_is_the_last_build(project: Project, api: Service):
    build_of(api, NOON, status="failed")
    one = seen(project, "success", by="streak", failures=1)
    build_of(api, NOON - HOUR, status="failed")
    two = seen(project, "success", by="streak", failures=1)
    assert one.title == "The last build of api failed"
    assert two.title == "The last 2 builds of api failed"


def test_one_day_without_verdicts(project: Project):
    quiet = CONDITIONS["policy"].quiet
    assert quiet is not None
    wanted = Wanted("policy", parameters_of("policy", {"days": 1}))
    words = type(quiet)(lambda *_: {"x": NOON - DAY}, of="verdicts", days=1)
    assert words.words(wanted, Window(project.pk, NOON), {"x"}) == {"x": "No verdicts for 1 day."}


def test_a_build_without_a_commit_is_named_as_its_page_is(project: Project, api: Service):
    Budget.objects.create(service=api, metric="image_bytes", limit=100.0)
    build = build_of(api, NOON - HOUR, image_bytes=150, revision="")
    assert seen(project, "budget").summary.endswith(f", in build {str(build.public_id)[:8]}.")

    change = change_of(api, NOON, revision="")
    name = str(Change.objects.get(pk=change.pk).build.public_id)[:8]
    assert f"since build {name}. Copied files changed." in seen(project, "change").summary


def test_what_it_was_when_it_fired_is_not_now_when_it_is_over(
    project: Project, alice: User, client_of
):
    rule_of(project, channels=[channel_of(project)])
    change = change_of(service_of(project), NOON - HOUR)
    evaluate_due(NOON)
    alert = Alert.objects.get()
    client = client_of(alice)
    before = client.get(alert.get_absolute_url()).content.decode()
    Change.objects.filter(pk=change.pk).update(ended_at=NOON + HOUR)
    evaluate_due(NOON + 2 * HOUR)

    fired, over = [row.told for row in Delivery.objects.order_by("pk")]
    assert [fact.label for fact in fired.facts][:2] == ["Before", "Now"]
    assert [(fact.label, fact.value) for fact in over.facts][:2] == [
        ("Before", "1 m 0 s"),
        ("When it fired", "1 m 30 s"),
    ]
    after = client.get(alert.get_absolute_url()).content.decode()
    assert "<dt>Now</dt>" in before
    assert "<dt>When it fired</dt>" in after
    assert "<dt>Now</dt>" not in after


@pytest.mark.parametrize(
    ("ended", "words"),
    [
        ({"resolved_by": "bob", "note": "Pinned npm."}, "resolved by bob</span>: Pinned npm."),
        ({"note": "Pinned npm."}, "resolved by itself</span>: Pinned npm."),
        (
            {"resolved_because": "The rule was deleted.", "note": "The rule was deleted."},
            "resolved</span>: The rule was deleted.</li>",
        ),
        (
            {"resolved_because": "No builds for 14 days.", "note": "It moved."},
            "resolved</span>: No builds for 14 days. It moved.</li>",
        ),
    ],
)
def test_similar_ones_say_why_they_ended(project: Project, alice: User, client_of, ended, words):
    rule_of(project)
    change_of(service_of(project), NOON - HOUR)
    evaluate_due(NOON)
    alert = Alert.objects.get()
    alert.context["similar"] = [{"title": "Slow", "path": "/x/", "resolved_by": ""} | ended]
    alert.save()
    assert words in client_of(alice).get(alert.get_absolute_url()).content.decode()
