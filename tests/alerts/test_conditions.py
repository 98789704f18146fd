"""Each kind of rule against numbers that can be added up by hand."""

import pytest

from accounts.models import Project
from alerts.conditions import CONDITIONS, Observation, Wanted, Window
from alerts.reading import BadParametersError, parameters_of
from builds.models import Service
from cache.models import BuilderSnapshot, CacheDay, RegistryDay
from farm.models import Builder
from tests.alerts.making import DAY, HOUR, NOON, build_of, day_of, service_of
from trends.models import Budget

TODAY = NOON.date()


@pytest.fixture
def api(project: Project) -> Service:
    return service_of(project)


def observed(project: Project, kind: str, parameters=None, at=NOON, **scope) -> list[Observation]:
    wanted = Wanted(kind, parameters_of(kind, parameters or {}), **scope)
    return list(CONDITIONS[kind].observe(wanted, Window(project.pk, at)))


def test_a_threshold_holds_the_quantile_of_the_days_against_a_limit(project: Project, api):
    day_of(api, TODAY, [100.0] * 9 + [400.0])
    day_of(api, TODAY - DAY, [1000.0])
    median = {"metric": "wall_seconds", "statistic": "median", "limit": 100}
    most = {"metric": "wall_seconds", "statistic": "p95", "limit": 200}

    [calm], [slow] = observed(project, "threshold", median), observed(project, "threshold", most)

    # Buckets of 2 %: a value is off by 1 % at most.
    assert calm.value == pytest.approx(100, rel=0.01)
    assert slow.value == pytest.approx(265, rel=0.01)  # rank 8.55: 100 + 0.55 × 300
    assert (slow.samples, slow.threshold, slow.is_bad) == (10, 200, True)
    [two_days] = observed(project, "threshold", most | {"days": 2})
    assert two_days.samples == 11


def test_a_threshold_against_its_own_baseline_is_by_percent_or_points(project: Project, api):
    day_of(api, TODAY, [130.0] * 4)
    for before in range(1, 6):
        day_of(api, TODAY - before * DAY, [100.0] * 2)
    asked = {"metric": "wall_seconds", "percent": 25, "baseline_days": 5}

    [slower] = observed(project, "threshold", asked)
    [not_so_much] = observed(project, "threshold", asked | {"percent": 35})

    assert slower.threshold == pytest.approx(125, rel=0.01)
    assert slower.value == pytest.approx(130, rel=0.01)
    assert (slower.is_bad, not_so_much.is_bad) == (True, False)


def test_hits_below_a_baseline_are_bad_and_above_are_not(project: Project, api):
    day_of(api, TODAY, [0.5] * 3, metric="hit_ratio_time")
    day_of(api, TODAY - DAY, [0.8] * 3, metric="hit_ratio_time")
    asked = {"metric": "hit_ratio_time", "percent": 20, "baseline_days": 1}

    [found] = observed(project, "threshold", asked)

    assert found.threshold == pytest.approx(0.6)
    assert (found.value, found.is_bad) == (0.5, True)


def test_nothing_is_a_percent_worse_than_0_but_points_are(project: Project, api):
    for metric in ("queue_seconds", "hit_ratio_time", "cpu_ratio"):
        day_of(api, TODAY - DAY, [0.0] * 3, metric=metric, target=metric)
        day_of(api, TODAY, [0.5] * 3, metric=metric, target=metric)

    def told(metric: str, **values) -> list[bool | None]:
        asked = {"metric": metric, "baseline_days": 1} | values
        return [item.is_bad for item in observed(project, "threshold", asked)]

    assert told("queue_seconds", percent=10) == [None]
    assert told("queue_seconds", limit=0) == [True]
    assert told("cpu_ratio", percent=10) == [True]  # 50 points, and 10 are allowed
    assert told("hit_ratio_time", percent=10) == [False]


def test_too_few_builds_are_no_answer(project: Project, api):
    day_of(api, TODAY, [100.0] * 4)
    asked = {"metric": "wall_seconds", "limit": 10}

    [few] = observed(project, "threshold", asked, least_samples=5)
    [enough] = observed(project, "threshold", asked, least_samples=4)

    assert (few.is_bad, enough.is_bad) == (None, True)


def test_scopes_narrow_by_service_branch_environment_and_target(project: Project, api):
    day_of(api, TODAY, [100.0], environment="production")
    day_of(api, TODAY, [200.0], branch_class="change")
    day_of(service_of(project, "web"), TODAY, [300.0], target="web")
    asked = {"metric": "wall_seconds", "limit": 1}

    def values(**scope):
        return [
            round(item.value or 0, -1) for item in observed(project, "threshold", asked, **scope)
        ]

    assert values() == [100, 200, 300]
    assert values(services=frozenset({api.pk})) == [100, 200]
    assert values(environments=frozenset({"production"})) == [100]
    assert values(targets=frozenset({"web"})) == [300]
    assert values(branch_classes=frozenset({"change"})) == [200]


def test_success_is_succeeded_of_ended(project: Project, api):
    day_of(api, TODAY, [60.0] * 5, failed=3)
    day_of(api, TODAY - DAY, [60.0] * 2)

    [found] = observed(project, "success", {"least_ratio": 0.75, "days": 2})
    [today] = observed(project, "success", {"least_ratio": 0.75, "days": 1})

    assert (found.value, found.samples, found.is_bad) == (0.7, 10, True)
    assert (today.value, today.samples, today.is_bad) == (0.625, 8, True)
    [low] = observed(project, "success", {"least_ratio": 0.7, "days": 2})
    assert low.is_bad is False


def test_a_streak_counts_failures_since_the_last_success(project: Project, api):
    statuses = ["failed", "succeeded", "failed", "canceled", "failed"]
    builds = [
        build_of(api, NOON - (5 - n) * HOUR, status=status, failure_message=f"m{n}")
        for n, status in enumerate(statuses)
    ]
    asked = {"by": "streak", "failures": 2}

    [now] = observed(project, "success", asked)
    [before] = observed(project, "success", asked, at=NOON - 2 * HOUR)
    [at_first] = observed(project, "success", asked, at=NOON - 4 * HOUR)

    assert (now.value, now.is_bad) == (2.0, True)
    assert now.evidence["build"] == builds[2].pk
    assert now.evidence["last_before"] == builds[1].pk
    assert now.summary == "m4"
    assert (before.value, before.is_bad) == (1.0, False)
    assert (at_first.value, at_first.is_bad) == (0.0, False)


def test_a_streak_is_older_than_the_days_in_which_its_last_failure_lies(project: Project, api):
    good = build_of(api, NOON - 15 * DAY)
    first = build_of(api, NOON - 8 * DAY, status="failed")
    build_of(api, NOON - DAY, status="failed")
    build_of(api, NOON - 8 * DAY, status="failed", target="quiet")
    build_of(api, NOON - DAY, status="failed", target="old")
    build_of(api, NOON - 91 * DAY, status="failed", target="old")
    build_of(api, NOON - HOUR, target="fine")

    asked = {"by": "streak", "failures": 2, "days": 7}
    found = {item.group.split("/")[1]: item for item in observed(project, "success", asked)}

    told = {target: (item.value, item.is_bad) for target, item in found.items()}
    assert told == {"api": (2.0, True), "old": (1.0, False), "fine": (0.0, False)}
    assert found["api"].since == NOON - 8 * DAY
    assert found["api"].evidence["build"] == first.pk
    assert found["api"].evidence["last_before"] == good.pk


def test_streaks_of_many_services_are_read_at_once(project: Project, django_assert_num_queries):
    for number in range(20):
        service = service_of(project, f"s{number}")
        build_of(service, NOON - DAY, status="failed")
        build_of(service, NOON - 9 * DAY, status="failed")
    wanted = Wanted("success", parameters_of("success", {"by": "streak", "failures": 2}))
    window = Window(project.pk, NOON)

    with django_assert_num_queries(3):  # the days, what is older, and names of services
        found = list(CONDITIONS["success"].observe(wanted, window))

    assert [item.is_bad for item in found] == [True] * 20


def hits_of(service: Service, day, **values) -> None:
    defaults = {
        "target": "api",
        "variant": "",
        "platforms": "",
        "branch_class": "default",
        "builder": "one",
        "builds": 1,
        "cold_builds": 0,
        "partial_builds": 1,
        "warm_builds": 0,
        "unweighed_steps": 0,
    }
    CacheDay.objects.create(service=service, day=day, **defaults | values)


def test_hits_are_told_by_steps_and_by_time(project: Project, api):
    hits_of(api, TODAY, cached_steps=6, cacheable_steps=10, saved_seconds=30, executed_seconds=70)
    hits_of(
        api, TODAY - DAY, cached_steps=3, cacheable_steps=8, saved_seconds=15, executed_seconds=35
    )

    [steps] = observed(project, "hit_ratio", {"by": "steps", "least_ratio": 0.5})
    [time] = observed(project, "hit_ratio", {"by": "time", "least_ratio": 0.5})

    assert (steps.value, steps.is_bad) == (0.5, False)  # 9 of 18
    assert (time.value, time.is_bad, time.samples) == (0.3, True, 2)  # 45 of 150 s


def test_a_budget_is_held_against_the_newest_build_of_each_group(project: Project, api):
    Budget.objects.create(service=api, metric="image_bytes", limit=100.0)
    build_of(api, NOON - 2 * HOUR, image_bytes=150)
    build_of(api, NOON - HOUR, image_bytes=90)
    build_of(api, NOON - HOUR, image_bytes=101, target="debug")
    build_of(api, NOON - HOUR, target="none")

    found = {item.summary: item for item in observed(project, "budget")}

    states = sorted((str(item.value), item.is_bad) for item in found.values())
    assert states == [("101.0", True), ("90.0", False)]
    earlier = observed(project, "budget", at=NOON - 1.5 * HOUR)
    assert [(item.value, item.is_bad) for item in earlier] == [(150.0, True)]


def test_missing_builds_are_whole_days_since_the_last_one(project: Project, api):
    day_of(api, TODAY - 4 * DAY, [60.0])
    day_of(api, TODAY - 20 * DAY, [60.0] * 2)
    day_of(service_of(project, "web"), TODAY, [60.0])

    found = {item.service_id: item for item in observed(project, "missing", {"days": 4})}

    assert (found[api.pk].value, found[api.pk].samples, found[api.pk].is_bad) == (4.0, 3, True)
    assert [item.is_bad for item in found.values()] == [True, False]
    assert not any(item.is_bad for item in observed(project, "missing", {"days": 5}))


def test_storage_is_the_last_look_against_bytes_or_a_share(project: Project):
    builder = Builder.objects.create(name="one")
    for hours, used in ((30, 10), (2, 95)):
        BuilderSnapshot.objects.create(
            builder=builder,
            taken_at=NOON - hours * HOUR,
            used_bytes=used,
            reclaimable_bytes=0,
            shared_bytes=0,
            limit_bytes=100,
        )
    RegistryDay.objects.create(
        project=project, day=TODAY, host="r.example.com", used_bytes=7, looked_at=NOON
    )

    [share] = observed(project, "storage", {"share": 0.9})
    [size] = observed(project, "storage", {"limit_bytes": 95})
    [registry] = observed(project, "storage", {"of": "registries", "limit_bytes": 6})

    assert (share.value, share.threshold, share.is_bad) == (95.0, 90.0, True)
    assert size.is_bad is False
    assert (registry.value, registry.is_bad) == (7.0, True)
    [day_before] = observed(project, "storage", {"share": 0.9}, at=NOON - DAY)
    assert (day_before.value, day_before.is_bad) == (10.0, False)


@pytest.mark.parametrize(
    ("kind", "document", "words"),
    [
        ("change", {"metrics": ["nothing"]}, "No level of nothing is watched"),
        ("change", {"least": 3}, "least: Extra inputs are not permitted"),
        (
            "threshold",
            {"metric": "wall_seconds"},
            "Say either “Limit” or “Worse than before, in percent”.",
        ),
        ("threshold", {"metric": "x", "limit": 1}, "There is no metric x"),
        ("hit_ratio", {"least_ratio": 2}, "least_ratio: Input should be less than or equal to 1"),
        ("storage", {"limit_bytes": 1, "share": 1}, "Say either “Limit” or “Share”."),
        ("missing", {"days": "x"}, "days: Input should be a valid integer"),
        ("queue", {}, "limit_seconds: Field required"),
        ("policy", [], "Input should be"),
    ],
)
def test_parameters_that_are_none_are_told_with_their_place(kind: str, document, words: str):
    with pytest.raises(BadParametersError, match=words):
        parameters_of(kind, document)


def test_what_is_read_does_not_grow_with_the_services(project: Project, django_assert_num_queries):
    for number in range(30):
        day_of(service_of(project, f"s{number}"), TODAY, [float(number + 1)])
    asked = {"metric": "wall_seconds", "limit": 10.5}
    window = Window(project.pk, NOON)
    wanted = Wanted("threshold", parameters_of("threshold", asked))

    with django_assert_num_queries(3):  # days, names of services and the project
        found = list(CONDITIONS["threshold"].observe(wanted, window))
    with django_assert_num_queries(0):
        again = list(CONDITIONS["threshold"].observe(wanted, window))

    assert found == again
    assert sum(bool(item.is_bad) for item in found) == 20  # 11 to 30 s
