"""Sums by day: hand-computed, whatever the order in which builds come, change and go."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from accounts.models import Project
from buildkit.model import StepKind, StepState
from builds.models import Build, Service
from builds.services import (
    BuildContext,
    delete_build,
    get_or_create_service,
    lock_service,
    record_build,
)
from cache.economics import crossing
from cache.models import CacheDay, MissDay, ReferenceDay, StaleDay, StepDay, StepReason
from cache.periods import Period
from cache.rollups import roll_up_next
from tests.builds.making import SECOND, START, build, cached, step

pytestmark = pytest.mark.django_db

DAY = date(2026, 1, 5)
HOUR = 3600 * SECOND
MAIN = BuildContext(ref_name="main")


@pytest.fixture
def service(project: Project) -> Service:
    return get_or_create_service(project_id=project.pk, name="Shop")


def recorded(service: Service, *steps: Any, at: int, **context: str) -> Build:
    """A build that began ``at`` hours after the first."""
    lock_service(service)
    decoded = build(*steps, ref=f"ref{at}", started=START + at * HOUR)
    return record_build(
        service=service, decoded=decoded, context=BuildContext(**{"ref_name": "main", **context})
    )


def settled() -> None:
    """Add up all days that wait."""
    while roll_up_next():
        pass
    assert not StaleDay.objects.exists()


def test_a_day_is_added_up_by_group(service: Service):
    recorded(service, step(0, 0, 4), step(1, 4, 10), at=0)
    recorded(service, cached(0), step(1, 0, 8), at=1)
    recorded(service, cached(0), cached(1), at=2)
    recorded(service, cached(0), step(1, 0, 5), at=3, change_id="7", ref_name="fix")
    settled()
    main, change = CacheDay.objects.order_by("-builds")
    assert (main.day, main.branch_class, main.platforms) == (DAY, "default", "linux/amd64")
    assert (main.builds, main.cold_builds, main.partial_builds, main.warm_builds) == (3, 1, 1, 1)
    assert (main.cacheable_steps, main.cached_steps, main.unweighed_steps) == (6, 3, 0)
    # Baselines: step 0 ran once, 4 s; step 1 then ran 6 s and 8 s, median 7 s.
    assert main.saved_seconds == pytest.approx(4 + 4 + 7)
    assert main.executed_seconds == pytest.approx(4 + 6 + 8)
    assert (change.builds, change.branch_class, change.saved_seconds) == (1, "change", 4.0)
    steps = {row.identity: row for row in StepDay.objects.all()}
    second = steps["identity-1"]
    assert (second.hits, second.misses, second.median_seconds) == (1, 3, 6.0)
    assert second.executed_seconds == pytest.approx(6 + 8 + 5)


def test_a_late_a_changed_and_a_deleted_build_repair_their_day(service: Service):
    first = recorded(service, step(0, 0, 4), at=0)
    settled()
    recorded(service, step(0, 0, 2), at=24)
    settled()
    assert list(CacheDay.objects.order_by("day").values_list("builds", flat=True)) == [1, 1]
    moved = build(step(0, 0, 3), ref="ref0", started=START + 24 * HOUR)
    lock_service(service)
    record_build(service=service, decoded=moved, context=MAIN, build=first)
    settled()
    [day] = CacheDay.objects.all()
    assert (day.day, day.builds, day.executed_seconds) == (date(2026, 1, 6), 2, 5.0)
    lock_service(service)
    delete_build(first)
    settled()
    [day] = CacheDay.objects.all()
    assert (day.builds, day.executed_seconds) == (1, 2.0)


def test_a_build_that_comes_while_its_day_is_added_up_leaves_it_stale(
    service: Service, monkeypatch: pytest.MonkeyPatch
):
    recorded(service, step(0, 0, 4), at=0)

    def comes_meanwhile(*_: object) -> None:
        monkeypatch.undo()
        recorded(service, step(0, 0, 2), at=1)

    monkeypatch.setattr("cache.rollups.roll_up_references", comes_meanwhile)
    assert roll_up_next()
    assert StaleDay.objects.exists()
    settled()
    assert CacheDay.objects.get().builds == 2


def test_a_day_that_another_worker_has_just_finished_is_no_error(
    service: Service, monkeypatch: pytest.MonkeyPatch
):
    recorded(service, step(0, 0, 4), at=0)

    def ours_after_theirs(*_: object) -> bool:
        monkeypatch.undo()
        settled()
        return True

    monkeypatch.setattr("cache.rollups.try_lock", ours_after_theirs)
    assert roll_up_next()
    assert CacheDay.objects.get().builds == 1


@pytest.mark.parametrize(
    ("ref_name", "change_id", "expected"),
    [
        ("main", "", "default"),
        ("refs/heads/trunk", "", "default"),
        ("mainline", "", "other"),
        ("main", "12", "change"),
        ("release/2.1", "", "release"),
        ("hotfix-7", "", "release"),
        ("v1.2.3", "", "tag"),
        ("refs/tags/nightly", "", "tag"),
        ("feature/x", "", "other"),
        ("", "", "unknown"),
    ],
)
def test_branches_have_classes(service: Service, ref_name: str, change_id: str, expected: str):
    recorded(service, step(0, 0, 4), at=0, ref_name=ref_name, change_id=change_id)
    settled()
    assert CacheDay.objects.get().branch_class == expected


def test_periods_are_equally_long_and_do_not_overlap():
    period = Period(date(2026, 11, 30), 30)
    assert period.now == (date(2026, 11, 1), date(2026, 11, 30))
    assert period.before == (date(2026, 10, 2), date(2026, 10, 31))


def test_causes_are_added_up_with_what_began_their_chains(service: Service):
    made = recorded(service, step(0, 0, 4), step(1, 4, 10), at=0)
    common = {"build": made, "service": service, "confidence": "high", "first": 0}
    StepReason.objects.create(position=0, identity="identity-0", cause="files", seconds=4, **common)
    StepReason.objects.create(
        position=1, identity="identity-1", cause="parent", seconds=6, **common
    )
    settled()
    columns = ("identity", "cause", "first_identity", "first_cause", "misses", "lost_seconds")
    assert list(MissDay.objects.order_by("identity").values_list(*columns)) == [
        ("identity-0", "files", "identity-0", "files", 1, 4.0),
        ("identity-1", "parent", "identity-0", "files", 1, 6.0),
    ]


def test_references_are_charged_what_they_cost(service: Service):
    imported = "importing cache manifest from r/cache:main"
    recorded(service, step(0, 0, 4), at=0)
    recorded(
        service,
        cached(0),
        step(1, 0, 0.5, kind=StepKind.IMPORT_CACHE, name=imported),
        step(2, 0.5, 3, kind=StepKind.RUN, state=StepState.CACHED),
        step(3, 3, 5, kind=StepKind.EXPORT_CACHE, name="exporting cache to registry"),
        at=1,
        cache_to="type=registry,ref=r/cache:main,mode=max\ntype=registry,ref=r/cache:pr",
    )
    recorded(
        service,
        step(0, 0, 4),
        step(1, 0, 1, kind=StepKind.IMPORT_CACHE, name=imported, error="not found"),
        step(2, 4, 5, kind=StepKind.EXPORT_CACHE, name="exporting cache to registry"),
        at=2,
    )
    settled()
    rows = {row.reference: row for row in ReferenceDay.objects.all()}
    assert set(rows) == {"r/cache:main", "r/cache:pr", ""}
    main = rows["r/cache:main"]
    assert (main.imports, main.failed_imports, main.hit_builds) == (1, 1, 1)
    assert (main.import_seconds, main.pull_seconds, main.saved_seconds) == (1.5, 2.5, 4.0)
    assert (main.exports, main.max_exports, main.export_seconds) == (1, 1, 1.0)
    assert main.last_import_at == datetime(2026, 1, 5, 9, tzinfo=UTC)
    assert (rows["r/cache:pr"].export_seconds, rows["r/cache:pr"].max_exports) == (1.0, 0)
    assert (rows[""].exports, rows[""].export_seconds) == (1, 1.0)


def test_exports_cross_only_those_of_other_builds_at_the_same_moment():
    def at(minute: int) -> datetime:
        return datetime(2026, 1, 5, 8, minute, tzinfo=UTC)

    spans = [
        (at(0), at(5), 1),
        (at(1), at(3), 1),
        (at(4), at(8), 2),
        (at(8), at(9), 3),
        (at(20), at(21), 4),
    ]
    assert crossing(spans) == {1, 2}
