"""A silence is said in the reader's own time: for how long, or until when."""

from datetime import UTC, datetime, timedelta

import pytest

from accounts.models import Project
from alerts.forms import SilenceForm
from tests.alerts.making import HOUR, NOON

SAID = {"reason": "Move of the builders"}


@pytest.fixture(autouse=True)
def _noon(monkeypatch):
    monkeypatch.setattr("alerts.forms.timezone.now", lambda: NOON)


def test_for_how_long(project: Project):
    form = SilenceForm(project, SAID | {"lasts": "1 h 30 min"})
    assert form.is_valid(), form.errors
    ends = NOON + timedelta(hours=1, minutes=30)
    assert form.cleaned_data == SAID | {
        "rule": None,
        "service": None,
        "labels": {},
        "starts_at": NOON,
        "ends_at": ends,
    }


def test_times_are_of_the_zone_that_is_said(project: Project):
    local = (NOON + timedelta(days=1)).replace(hour=18)
    text = f"{local:%Y-%m-%dT%H:%M}"
    winter = datetime(local.year, local.month, local.day, 18, tzinfo=UTC)
    for zone, hours in (("", 0), ("UTC", 0), ("Asia/Tokyo", 9)):
        form = SilenceForm(project, SAID | {"ends_at": text, "time_zone": zone})
        assert form.is_valid(), form.errors
        assert form.cleaned_data["ends_at"] == winter - hours * HOUR


@pytest.mark.parametrize(
    ("said", "field", "words"),
    [
        ({}, "lasts", "either for how long, or until when"),
        ({"lasts": "1 h", "ends_at": "2999-01-01T00:00"}, "lasts", "either for how long"),
        ({"lasts": "91 d"}, "lasts", "90 d at most"),
        ({"lasts": "2"}, "lasts", "15 min, 2 h, 3 d"),
        ({"lasts": "0"}, "lasts", "later than it begins"),
        ({"lasts": "1 d", "starts_at": "9999-12-31T23:00"}, "lasts", "out of range"),
        ({"ends_at": "2000-01-01T00:00"}, "ends_at", "later than it begins"),
        ({"ends_at": "9999-12-31T23:00"}, "ends_at", "90 days at most"),
        ({"lasts": "1 h", "time_zone": "Mars/Olympus"}, "__all__", "time zone “Mars/Olympus”"),
        ({"lasts": "1 h", "time_zone": "../etc/passwd"}, "__all__", "does not know"),
        ({"lasts": "1 h", "time_zone": "America"}, "__all__", "does not know"),
    ],
)
def test_what_is_wrong_is_told_at_its_field(
    project: Project, said: dict[str, str], field: str, words: str
):
    form = SilenceForm(project, SAID | said)
    assert list(form.errors) == [field]
    assert words in form.errors[field][0]
