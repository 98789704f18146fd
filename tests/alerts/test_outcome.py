"""What came of resolved alerts: of builds like those that they were told from, and of no others."""

from typing import Any

import pytest

from accounts.models import Project
from alerts.conditions import CONDITIONS, Wanted, Window
from alerts.context import context_of
from alerts.models import Alert, AlertMember
from alerts.outcome import Outcome, outcome_of
from alerts.reading import parameters_of
from builds.models import Service
from tests.alerts.making import DAY, HOUR, NOON, build_of, change_of, day_of, rule_of, service_of
from tests.alerts.test_conditions import hits_of
from trends.models import Budget

TODAY = NOON.date()
BEGAN, ENDED = NOON - DAY, NOON + DAY
NAMED = {
    "target": "svc/api",
    "variant": "prod",
    "environment": "eu/1",
    "platforms": ["linux/amd64", "linux/arm64"],
}


@pytest.fixture
def api(project: Project) -> Service:
    return service_of(project)


def five(service: Service, at: Any, **values: Any) -> None:
    for number in range(5):
        build_of(service, at + number * HOUR, **values)


def resolved(project: Project, kind: str, parameters: Any = None) -> Alert:
    """The alert of what a rule sees at noon, a day after it began and a day before it ended."""
    rule = rule_of(project, kind, parameters=parameters or {})
    window = Window(project.pk, NOON)
    wanted = Wanted(kind, parameters_of(kind, parameters or {}))
    [seen] = [item for item in CONDITIONS[kind].observe(wanted, window) if item.is_bad]
    alert = Alert.objects.create(
        project=project,
        rule=rule,
        rule_version=1,
        kind=kind,
        state="resolved",
        context=context_of(rule, 0, [seen], window),
        began_at=BEGAN,
        seen_at=BEGAN,
        fired_at=BEGAN,
        resolved_at=ENDED,
    )
    AlertMember.objects.create(
        alert=alert, group=seen.group, service_id=seen.service_id, since=BEGAN
    )
    return alert


def outcome(alert: Alert) -> Outcome:
    found = outcome_of(alert)
    assert found is not None
    return found


def slow(api: Service, **values: Any) -> Alert:
    day_of(api, TODAY, [150.0], **values)
    return resolved(api.project, "threshold", {"metric": "wall_seconds", "limit": 100})


@pytest.mark.parametrize(
    ("metric", "before", "since", "is_better"),
    [
        ("wall_seconds", 150.0, 60.0, True),
        ("wall_seconds", 150.0, 150.0, False),
        ("wall_seconds", 150.0, 160.0, False),
        ("hit_ratio_time", 0.2, 0.8, True),
        ("hit_ratio_time", 0.2, 0.2, False),
        ("hit_ratio_time", 0.2, 0.1, False),
    ],
)
def test_it_is_better_only_if_the_median_moved_the_right_way(
    project: Project, api: Service, metric, before, since, is_better
):
    day_of(api, TODAY, [before], metric=metric)
    limit = 100 if metric == "wall_seconds" else 0.5
    alert = resolved(project, "threshold", {"metric": metric, "limit": limit})
    five(api, NOON, **{metric: before})
    five(api, ENDED, **{metric: since})

    found = outcome(alert)

    assert (found.builds_before, found.builds_since, found.is_better) == (5, 5, is_better)
    assert found.words.startswith("Better: " if is_better else "Not better: ")


@pytest.mark.parametrize(
    "other",
    [
        {"target": "svc"},
        {"variant": "dev"},
        {"environment": ""},
        {"platforms": ["linux/amd64"]},
    ],
)
def test_builds_of_another_group_say_nothing_of_it(api: Service, other):
    alert = slow(api, **NAMED | {"platforms": "linux/amd64,linux/arm64"})
    five(api, NOON, **NAMED, wall_seconds=150.0)
    five(api, ENDED, **NAMED | other, wall_seconds=10.0)
    build_of(api, ENDED, **NAMED, wall_seconds=160.0)

    assert outcome(alert).words == (
        "Not known yet: 1 build since, 5 while it fired; 5 are needed of each."
    )


def test_of_a_change_it_is_its_series(project: Project, api: Service):
    change_of(api, NOON)  # of target api; it comes with builds of 60 s at 9 and 10 o'clock
    alert = resolved(project, "change")
    five(api, NOON, wall_seconds=90.0)
    five(api, NOON, wall_seconds=500.0, target="other")
    five(api, ENDED, wall_seconds=60.0)
    five(api, ENDED, wall_seconds=500.0, target="other")

    found = outcome(alert)

    assert (found.builds_before, found.before) == (7, "1 m 30 s")
    assert (found.builds_since, found.since, found.is_better) == (5, "1 m 0 s", True)


def test_of_a_budget_it_is_the_group_that_was_over_it(project: Project, api: Service):
    Budget.objects.create(service=api, metric="image_bytes", limit=100.0)
    five(api, NOON - 5 * HOUR, **NAMED, image_bytes=150)
    alert = resolved(project, "budget")
    five(api, ENDED, **NAMED, image_bytes=90)
    five(api, ENDED, image_bytes=900)

    found = outcome(alert)

    assert (found.before, found.since, found.builds_since) == ("150 B", "90 B", 5)


class TestCache:
    @pytest.fixture(autouse=True)
    def hits(self, api: Service) -> None:
        counts = {"cached_steps": 1, "cacheable_steps": 9, "saved_seconds": 1}
        hits_of(api, TODAY, **counts, executed_seconds=9)

    def test_by_time_it_is_of_all_environments(self, project: Project, api: Service):
        alert = resolved(project, "hit_ratio", {"least_ratio": 0.5})
        five(api, NOON, hit_ratio_time=0.1, environment="prod")
        five(api, ENDED, hit_ratio_time=0.6)
        five(api, ENDED, hit_ratio_time=0.0, target="other")

        found = outcome(alert)

        assert (found.before, found.since, found.is_better) == ("10 %", "60 %", True)

    def test_by_steps_nothing_is_told_of_time(self, project: Project):
        alert = resolved(project, "hit_ratio", {"least_ratio": 0.5, "by": "steps"})
        assert "metric" not in alert.context
        assert outcome_of(alert) is None


def test_a_reason_is_told_alone(api: Service):
    alert = slow(api)
    alert.resolved_because = "The service does not have the labels of the rule any more."
    five(api, NOON, wall_seconds=150.0)
    five(api, ENDED, wall_seconds=10.0)

    found = outcome(alert)

    assert found.is_better is None
    assert found.words == ("Not known: The service does not have the labels of the rule any more.")
