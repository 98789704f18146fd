"""The screen on the wall: what it says, whose turn it is, and what it costs."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Project, User
from builds.models import Build
from builds.services import get_or_create_service
from cache.tasks import roll_up_stale
from reports.wall import MOST_ATTENTION, TILES, TURN_SECONDS, wall_page
from tests.reports.test_overview_changes import changed
from tests.trends.test_trends import built

pytestmark = pytest.mark.django_db

type ClientOf = Callable[[User], Client]


def add(project: Project, name: str = "api", days: float = 0.01, **fields: Any) -> Build:
    service = get_or_create_service(project_id=project.pk, name=name)
    at = timezone.now() - timedelta(days=days)
    return built(service, at.date(), 10, **{"listed_at": at} | fields)


def shown(project: Project, theme: str = "") -> dict[str, Any]:
    while roll_up_stale():
        pass
    return wall_page(project, theme)


def test_a_failed_last_build_is_broken_and_a_change_is_worse(project: Project):
    changed(project)
    add(project, "web", status=Build.Status.FAILED)
    add(project, "ai", 2, status=Build.Status.FAILED)
    add(project, "ai", 1)
    page = shown(project)
    assert {item["service"].name: item["word"] for item in page["tiles"]} == {
        "api": "Worse",
        "web": "Broken",
        "ai": "Good",
    }
    assert (page["broken"], page["worse"]) == (1, 1)
    assert [build.service.name for build in page["failures"]] == ["web", "ai"]
    assert [item["word"] for item in page["tiles"]] == ["Broken", "Worse", "Good"]


def test_what_runs_and_waits_is_told_oldest_first(project: Project):
    add(project, "a", 0.02, status=Build.Status.RUNNING)
    add(project, "b", 0.03, status=Build.Status.RUNNING)
    add(project, "c", 0.01, status=Build.Status.QUEUED)
    add(project, "d", 1.5, status=Build.Status.RUNNING)
    page = shown(project)
    assert [build["service"] for build in page["running"]] == ["b", "a"]
    assert page["running"][0]["seconds"] == pytest.approx(0.03 * 86_400, abs=5)
    assert (page["running_count"], page["queued_count"]) == (2, 1)


def test_more_services_than_fit_have_turns_by_the_clock(project: Project):
    for number in range(TILES + 2):
        add(project, f"s{number:02}")
    pages = []
    start = datetime(2026, 11, 30, 12, tzinfo=UTC).timestamp() // (2 * TURN_SECONDS)
    for turn in range(3):
        at = datetime.fromtimestamp((start * 2 + turn) * TURN_SECONDS, UTC)
        with time_machine.travel(at, tick=False):
            pages.append(wall_page(project, ""))
    assert [(page["turn"], page["turns"], len(page["tiles"])) for page in pages] == [
        (1, 2, 7),
        (2, 2, 7),
        (1, 2, 7),
    ]
    names = [tile["service"].name for page in pages[:2] for tile in page["tiles"]]
    assert sorted(names) == [f"s{number:02}" for number in range(TILES + 2)], "each has its turn"
    assert pages[0]["services"] == TILES + 2


@pytest.mark.parametrize(
    ("count", "fit"), [(0, 4), (4, 4), (5, 6), (7, 9), (10, 12), (12, 12), (13, 9), (23, 12)]
)
def test_few_services_get_large_tiles(project: Project, count: int, fit: int):
    for number in range(count):
        get_or_create_service(project_id=project.pk, name=f"s{number}")
    assert wall_page(project, "")["fit"] == fit


def test_what_does_not_fit_is_counted(project: Project):
    for number in range(MOST_ATTENTION + 3):
        add(project, f"s{number}", status=Build.Status.FAILED)
    page = shown(project)
    assert (len(page["attention"]), page["more_attention"]) == (MOST_ATTENTION, 3)


@pytest.mark.parametrize(
    ("asked", "theme"), [("", "dark"), ("light", "light"), ("dark", "dark"), ('"><b>', "dark")]
)
def test_the_theme_is_dark_unless_asked(project: Project, asked: str, theme: str):
    assert shown(project, asked)["theme"] == theme


def test_the_page_refreshes_itself_with_and_without_javascript(
    project: Project, bob: User, carol: User, client_of: ClientOf
):
    add(project, "<b>api</b>", status=Build.Status.FAILED, failure_message="<i>boom</i>")
    address = f"/projects/{project.slug}/wall/"
    client = client_of(bob)
    page = client.get(f"{address}?theme=light").content.decode()
    assert f'<noscript><meta http-equiv="refresh" content="{TURN_SECONDS}"></noscript>' in page
    assert f'hx-get="{address}?theme=light" hx-trigger="every {TURN_SECONDS}s"' in page
    assert 'data-theme="light"' in page
    assert "1 broken" in page
    assert "&lt;b&gt;api" in page
    assert "<b>api" not in page
    assert "<i>boom" not in page
    part = client.get(address, headers={"HX-Request": "true"}).content.decode()
    assert part.lstrip().startswith('<main id="wall"')
    assert "<html" not in part
    assert client_of(carol).get(address).status_code == 404


def test_an_empty_project_says_so(project: Project, bob: User, client_of: ClientOf):
    page = client_of(bob).get(f"/projects/{project.slug}/wall/").content.decode()
    assert "No builds yet" in page
    assert "All good" not in page


def test_it_costs_the_same_for_few_services_and_for_many(
    project: Project, bob: User, client_of: ClientOf
):
    client, counts = client_of(bob), []
    for names in (["s0"], [f"s{number}" for number in range(1, 20)]):
        for name in names:
            add(project, name)
            add(project, name, status=Build.Status.FAILED)
            add(project, name, status=Build.Status.RUNNING)
        while roll_up_stale():
            pass
        with CaptureQueriesContext(connection) as queries:
            assert client.get(f"/projects/{project.slug}/wall/").status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 15
