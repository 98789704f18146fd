"""A preview is what evaluation did, and writes nothing."""

from datetime import timedelta
from zlib import crc32

import pytest
from django.db import connection
from rest_framework.test import APIClient

from accounts.models import Project, User
from alerts.conditions import CONDITIONS, Window
from alerts.evaluating import evaluate
from alerts.models import Alert, AlertEvent, AlertRule
from alerts.previewing import DAYS, LOCK, preview
from alerts.reading import wanted_of
from cache.models import BuilderSnapshot
from farm.models import Builder
from tests.alerts.making import DAY, HOUR, NOON, build_of, change_of, day_of, rule_of, service_of

AT = NOON + 30 * DAY


def told_by(rule: AlertRule) -> list[tuple]:
    """What evaluation does, at all times at which anything may have changed, and between."""
    wanted, first = wanted_of(rule), AT - DAYS * DAY
    window = Window(rule.project_id, AT)
    moments = set(CONDITIONS[rule.kind].moments(wanted, window, first))
    waits = {timedelta(0), wanted.for_time, wanted.settle_time}
    for moment in sorted({at + wait for at in moments for wait in waits if at + wait <= AT}):
        fresh = AlertRule.objects.told().get(pk=rule.pk)
        evaluate([fresh], moment)
    alerts = Alert.objects.filter(rule=rule).fired().order_by("fired_at", "cause")
    return [(a.cause, a.title, a.fired_at, a.resolved_at, a.flaps) for a in alerts]


def foreseen(rule: AlertRule) -> list[tuple]:
    found = preview(rule.project, wanted_of(rule), AT)
    assert not found.is_cut
    rows = [(f.cause, f.title, f.fired_at, f.resolved_at, f.flaps) for f in found.fired]
    return sorted(rows, key=lambda row: (row[2], row[0]))


@pytest.mark.parametrize(
    "times",
    [
        {"for_seconds": 0, "settle_seconds": 0},
        {"for_seconds": 3600, "settle_seconds": 7200},
        {"for_seconds": 2 * 86400, "settle_seconds": 86400},
    ],
)
def test_a_preview_of_changes_is_what_evaluation_did(project: Project, times):
    rule = rule_of(project, parameters={"days": 20}, **times)
    api, web = service_of(project), service_of(project, "web")
    change_of(api, NOON, ended_at=NOON + 5 * DAY, revision="one")
    change_of(web, NOON + HOUR, ended_at=NOON + 6 * DAY, revision="one")
    change_of(api, NOON + 8 * DAY, ended_at=NOON + 8 * DAY + HOUR / 2, revision="two")
    change_of(web, NOON + 20 * DAY, revision="three")

    before = foreseen(rule)

    assert not Alert.objects.exists()
    assert not AlertEvent.objects.exists()
    assert before == told_by(rule)
    firsts = [row[2] for row in before]
    wait = timedelta(seconds=times["for_seconds"])
    assert firsts[0] == NOON + wait
    assert firsts[-1] == NOON + 20 * DAY + wait
    assert len(firsts) == (3 if not wait else 2)


def test_a_preview_of_days_counts_each_time_over_the_limit(project: Project):
    rule = rule_of(
        project, "threshold", parameters={"metric": "wall_seconds", "limit": 100, "days": 1}
    )
    service, first = service_of(project), NOON.date()
    for number, seconds in enumerate([50, 150, 150, 50, 150, 50, 150]):
        day_of(service, first + timedelta(days=number), [float(seconds)] * 3)

    before = foreseen(rule)

    midnight = NOON.replace(hour=0)
    assert [(row[2] - midnight).days for row in before] == [2, 5, 7]
    # After the last day nothing comes: two weeks later nobody can tell.
    assert [(row[3] - midnight).days for row in before] == [4, 6, 21]
    assert before == told_by(rule)


def test_a_preview_of_streaks_names_the_builds(project: Project):
    rule = rule_of(project, "success", parameters={"by": "streak", "failures": 2})
    service = service_of(project)
    for hours, status in ((0, "succeeded"), (1, "failed"), (2, "failed"), (30, "succeeded")):
        build_of(service, NOON + hours * HOUR, status=status)

    found = preview(project, wanted_of(rule), AT)

    [fired] = found.fired
    assert fired.fired_at == NOON + 2 * HOUR
    assert fired.resolved_at == NOON + 30 * HOUR
    assert [link["title"] for link in fired.links] == [
        f"api {int((NOON + HOUR).timestamp()):040x}"[:13]
    ]
    assert found.sentence == "It would have fired once in 90 days."
    assert foreseen(rule) == told_by(rule)


def test_a_preview_that_is_too_long_says_so(project: Project, monkeypatch):
    monkeypatch.setattr("alerts.previewing.MOST_MOMENTS", 10)
    rule = rule_of(project, "threshold", parameters={"metric": "wall_seconds", "limit": 1})
    found = preview(project, wanted_of(rule), AT)
    assert found.is_cut
    assert found.until == (AT - DAYS * DAY).replace(hour=0) + 11 * DAY


def test_previews_of_a_project_are_made_one_at_a_time(
    project: Project, alice: User, api: APIClient, client_of
):
    """Anybody who may read may ask, and each can take seconds: together they took all threads."""
    body = {"name": "x", "kind": "missing"}
    page = "/projects/shop/alerts/rules/new/?kind=missing"
    times = {
        "for_seconds": "0 s",
        "settle_seconds": "0 s",
        "least_samples": 1,
        "every_seconds": "1 min",
    }
    form = body | times | {"parameter-days": 7, "severity": "low", "try": "1"}
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            cursor.execute("BEGIN")
            key = crc32(str(project.pk).encode()) - 2**31
            cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [LOCK, key])
            answer = api.post("/api/v1/alert-rules/preview/", body, format="json")
            assert (answer.status_code, answer.json()["errors"][0]["code"]) == (429, "preview_busy")
            assert "is under way" in client_of(alice).post(page, form).content.decode()
    finally:
        other.close()
    assert api.post("/api/v1/alert-rules/preview/", body, format="json").status_code == 200


def test_the_api_previews_without_a_right_to_write(project: Project, api: APIClient):
    change_of(service_of(project), NOON)
    body = {"name": "x", "kind": "change", "parameters": {"least_percent": 10}}
    answer = api.post("/api/v1/alert-rules/preview/", body, format="json")
    assert answer.status_code == 200
    assert set(answer.json()) == {"sentence", "since", "until", "is_cut", "fired"}
    assert not AlertRule.objects.exists()


def test_a_preview_knows_each_turn_of_what_is_looked_at_every_hour(project: Project):
    rule = rule_of(project, "storage", parameters={"share": 0.9})
    builder, other = (Builder.objects.create(name=name) for name in ("one", "two"))
    sizes = {"limit_bytes": 100, "reclaimable_bytes": 0, "shared_bytes": 0}
    for hour in range(600):
        at = NOON + hour * HOUR
        used = 95 if 5 <= hour < 9 else 10
        BuilderSnapshot.objects.create(builder=builder, taken_at=at, used_bytes=used, **sizes)
        BuilderSnapshot.objects.create(builder=other, taken_at=at, used_bytes=10, **sizes)

    [fired] = preview(project, wanted_of(rule), AT).fired

    assert (fired.fired_at, fired.resolved_at) == (NOON + 5 * HOUR, NOON + 9 * HOUR)
    assert foreseen(rule) == told_by(rule)
