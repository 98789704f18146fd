"""The days that a trend is of: so many until today, or those that the address names."""

import json
import re
from collections.abc import Callable
from datetime import date, timedelta
from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import User
from builds.models import Service
from cache.tasks import roll_up_stale
from tests.trends.test_trends import built
from trends.models import Change, Series
from trends.series import Grain, TrendForm, fitting, starts_between

pytestmark = pytest.mark.django_db

type ClientOf = Callable[[User], Client]


def form_of(service: Service, **query: str) -> TrendForm:
    form = TrendForm(service, query)
    form.is_valid()
    return form


def test_named_days_are_the_first_and_the_one_after_the_last(service: Service, today: date):
    form = form_of(service, after="2026-03-01", before="2026-03-11")
    assert form.errors == {}
    assert form.period == (date(2026, 3, 1), date(2026, 3, 10))
    assert (form.day_count, form.is_part) == (10, True)
    usual = form_of(service, days="30")
    assert usual.period == (today - timedelta(days=29), today)
    assert (usual.day_count, usual.is_part) == (30, False)


def test_one_named_end_is_enough(service: Service, today: date):
    since = (today - timedelta(days=4)).isoformat()
    assert form_of(service, after=since).period == (today - timedelta(days=4), today)
    until = form_of(service, before="2026-03-31", days="30")
    assert until.period == (date(2026, 3, 1), date(2026, 3, 30))


@pytest.mark.parametrize(
    ("query", "place"),
    [
        ({"after": "2026-03-02", "before": "2026-03-02"}, "before"),
        ({"after": "2026-03-02", "before": "2026-03-01"}, "before"),
        ({"after": "2024-01-01", "before": "2026-01-02"}, "after"),
        ({"after": "1999-12-31", "before": "2000-01-05"}, "after"),
        ({"before": "9999-12-31"}, "before"),
        ({"after": "02.03.2026"}, "after"),
        ({"after": "2026-02-30"}, "after"),
    ],
)
def test_what_is_no_time_is_refused_at_its_place(
    query: dict[str, str], place: str, service: Service, api: APIClient
):
    answer = api.get(f"/api/v1/services/{service.slug}/trends/", query)
    assert answer.status_code == 400
    assert [error["attr"] for error in answer.json()["errors"]] == [place]


def test_two_years_are_the_most(service: Service):
    assert form_of(service, after="2024-01-01", before="2026-01-01").errors == {}


@pytest.mark.parametrize(
    ("after", "before", "grain"),
    [
        ("2025-01-01", "2026-03-01", Grain.MONTH),
        ("2026-01-01", "2027-01-01", Grain.WEEK),
        ("2026-03-01", "2026-04-15", Grain.DAY),
        ("nonsense", "2026-04-15", Grain.WEEK),
    ],
)
def test_shorter_times_are_told_finer(after: str, before: str, grain: Grain):
    assert fitting({"after": after, "before": before}) is grain


def test_nobody_is_overruled(service: Service):
    form = form_of(service, after="2026-03-01", before="2026-03-11", grain="week")
    assert form.cleaned_data["grain"] == "week"


def test_times_without_a_build_are_known_to_be_there():
    weeks = starts_between(date(2026, 11, 2), date(2026, 11, 23), Grain.WEEK)
    assert [day.day for day in weeks] == [2, 9, 16, 23]
    months = starts_between(date(2026, 11, 1), date(2027, 1, 1), Grain.MONTH)
    assert months == [date(2026, 11, 1), date(2026, 12, 1), date(2027, 1, 1)]


@pytest.fixture
def ten_days(service: Service, today: date) -> Service:
    """A build of 10 s a day, of 50 s in the last three of ten days, but for the fifth."""
    for age in range(10):
        if age != 5:
            built(service, today - timedelta(days=age), 50.0 if age < 3 else 10.0)
    roll_up_stale()
    return service


def test_api_table_and_csv_are_of_the_named_days(ten_days: Service, api: APIClient, today: date):
    query = {
        "after": (today - timedelta(days=4)).isoformat(),
        "before": (today - timedelta(days=1)).isoformat(),
    }
    address = f"/api/v1/services/{ten_days.slug}/trends/"
    told = api.get(address, query).json()
    assert told["grain"] == "day"
    assert [point["start"] for point in told["points"]] == [
        (today - timedelta(days=age)).isoformat() for age in (4, 3, 2)
    ]
    assert (told["now"]["builds"], told["before"]["builds"]) == (3, 2), "three days before: no 5"
    text = api.get(address, query | {"format": "csv"})
    assert text["Content-Type"].startswith("text/csv")
    assert len(text.content.decode().strip().splitlines()) == 4
    refused = api.get(address, query | {"format": "xml"})
    assert refused.status_code == 404


def figure_of(page: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/json">(.+?)</script>', page)
    assert found is not None
    figure: dict[str, Any] = json.loads(found[1])
    return figure


def test_the_page_draws_the_days_and_leads_back(
    ten_days: Service, bob: User, client_of: ClientOf, today: date
):
    address = f"/projects/{ten_days.project.slug}/services/{ten_days.slug}/trends/"
    after, before = today - timedelta(days=7), today + timedelta(days=1)
    answer = client_of(bob).get(
        f"{address}?after={after}&before={before}&metric=wall_seconds&target=api"
    )
    page = unescape(answer.content.decode())
    assert 'href="?metric=wall_seconds&target=api">Whole period</a>' in page
    line = next(t for t in figure_of(answer.content.decode())["data"] if t["name"] == "Median")
    assert line["x"] == [(after + timedelta(days=n)).isoformat() for n in range(8)]
    assert line["y"][2] is None, "the fifth day before today has no build"
    assert line["y"][-1] == pytest.approx(50, rel=0.01)
    assert line["customdata"][-1].endswith(
        f"builds/?service=api&after={today}&before={before}&target=api"
    )
    assert f'value="{after}"' in page, "the form says the days"
    assert "Whole period" not in client_of(bob).get(address).content.decode()


def test_the_page_says_what_is_wrong_and_shows_the_usual(
    ten_days: Service, bob: User, client_of: ClientOf
):
    address = f"/projects/{ten_days.project.slug}/services/{ten_days.slug}/trends/"
    page = client_of(bob).get(f"{address}?after=2026-03-02&before=2026-03-01").content.decode()
    assert "This must be later than the day it begins with." in page
    assert "By week" in page


def test_changes_of_the_days_are_marked(
    ten_days: Service, bob: User, client_of: ClientOf, today: date
):
    first = built(ten_days, today - timedelta(days=2), 50.0)
    series = Series.objects.create(service=ten_days, metric="wall_seconds", target="api")
    change = Change.objects.create(
        series=series,
        kind="step",
        direction=1,
        is_worse=True,
        before=10.0,
        after=50.0,
        ratio=4.0,
        ratio_low=3.5,
        ratio_high=4.5,
        p_value=0.001,
        builds_before=6,
        builds_after=3,
        build=first,
        seen_in=first,
        found_at=timezone.now(),
        method="test",
    )
    address = f"/projects/{ten_days.project.slug}/services/{ten_days.slug}/trends/?grain=day"

    def marks(query: str) -> list[str]:
        page = client_of(bob).get(address + query).content.decode()
        traces = figure_of(page)["data"]
        return next((t["customdata"] for t in traces if t["name"] == "Change"), [])

    assert marks("") == [change.get_absolute_url()]
    assert marks("&target=api") == [change.get_absolute_url()]
    assert marks("&metric=wall_seconds&variant=") == [change.get_absolute_url()]
    assert marks(f"&before={today - timedelta(days=2)}") == [], "it began later"
    page = client_of(bob).get(change.get_absolute_url()).content.decode()
    line = next(t for t in figure_of(page)["data"] if t["name"] == "Wall time")
    assert first.get_absolute_url() in line["customdata"]
    levels = [
        shape["label"]["text"] for shape in figure_of(page)["layout"]["shapes"] if "label" in shape
    ]
    assert levels == ["Before: 10 s", "Since: 50 s"]
