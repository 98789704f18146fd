"""What people decide about recommendations: kept while they are told, shown, and audited."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import Project, User
from accounts.roles import Scope
from audit.models import AuditEvent
from builds.models import Service
from recommendations.models import Kind, Recommendation, Unit

pytestmark = pytest.mark.django_db

TITLE = "Copy package.json first"


@pytest.fixture
def row(service: Service) -> Recommendation:
    return Recommendation.objects.create(
        project=service.project,
        service=service,
        digest="d" * 32,
        kind=Kind.LAYER,
        title=TITLE,
        why=["It ran <b>often</b>."],
        unit=Unit.SECONDS,
        worth=20.0,
        low=10.0,
        high=30.0,
        opened_at=timezone.now(),
    )


@pytest.fixture
def decide(row: Recommendation, alice: User, client_of: Callable[[User], Client]) -> Any:
    """Send the form as an administrator; return the page that follows."""
    address = f"/projects/{row.project.slug}/recommendations/{row.digest}/"
    client = client_of(alice)

    def send(**values: Any) -> str:
        return client.post(address, values, follow=True).content.decode()

    return send


def shown(page: str) -> bool:
    return f'id="at-{"d" * 32}"' in page


def test_what_was_dismissed_is_not_shown_until_it_is_opened_again(
    row: Recommendation, decide: Any, alice: User, client_of: Callable[[User], Client]
):
    page = decide(state="dismissed", reason="lock file is made by the build <b>")
    assert not shown(page)
    assert "lock file is made by the build &lt;b&gt;" in page
    assert row.service is not None
    own = client_of(alice).get(row.service.get_absolute_url()).content.decode()
    assert TITLE not in own
    page = decide(state="open")
    assert shown(page)
    assert "It ran &lt;b&gt;often&lt;/b&gt;." in page
    assert "10 s to 30 s (95 %)" in page
    row.refresh_from_db()
    assert (row.state, row.reason, row.decided_by) == ("", "", "")
    noted = AuditEvent.objects.filter(action__startswith="recommendation.").order_by("sequence")
    actions = [event.action for event in noted]
    assert actions == ["recommendation.dismissed", "recommendation.reopened"]
    assert noted[0].changes["reason"] == "lock file is made by the build <b>"


def test_what_was_snoozed_comes_back_on_its_day(row: Recommendation, decide: Any):
    today = timezone.now().date()
    assert not shown(decide(state="snoozed", until=str(today + timedelta(days=1))))
    assert not Recommendation.objects.all().to_do(today)
    assert Recommendation.objects.all().to_do(today + timedelta(days=1)).get() == row


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ({"state": "dismissed"}, "Say why"),
        ({"state": "snoozed"}, "Name a day to come"),
        ({"state": "snoozed", "until": "2020-01-01"}, "Name a day to come"),
        ({"state": "snoozed", "until": "soon"}, "Enter a valid date"),
        ({"state": "wrong"}, "Select a valid choice"),
    ],
)
def test_what_is_no_decision_is_refused(
    row: Recommendation, decide: Any, values: dict[str, str], error: str
):
    page = decide(**values)
    assert error in page
    assert shown(page)
    row.refresh_from_db()
    assert row.state == ""


def test_only_those_who_may_change_services_decide(
    row: Recommendation,
    bob: User,
    carol: User,
    client_of: Callable[[User], Client],
    api_of: Callable[..., APIClient],
):
    assert row.service is not None
    listed = f"/projects/{row.project.slug}/recommendations/"
    page = f"{listed}{row.digest}/"
    endpoint = f"/api/v1/services/{row.service.slug}/recommendations/{row.digest}/"
    body = {"state": "dismissed", "reason": "no"}
    viewer = client_of(bob)
    assert viewer.post(page, body).status_code == 404
    shown_to_viewers = viewer.get(listed).content.decode()
    assert TITLE in shown_to_viewers
    assert page not in shown_to_viewers
    stranger = client_of(carol)
    assert stranger.post(page, body).status_code == 404
    assert stranger.get(listed).status_code == 404
    assert api_of(Scope.BUILDS_READ).post(endpoint, body, "json").status_code == 403
    row.refresh_from_db()
    assert row.state == ""


def test_machines_decide_too(row: Recommendation, api_of: Callable[..., APIClient]):
    assert row.service is not None
    client = api_of(Scope.BUILDS_READ, Scope.SERVICES_WRITE)
    listing = f"/api/v1/services/{row.service.slug}/recommendations/"
    address = f"{listing}{row.digest}/"
    answer = client.post(address, {"state": "dismissed", "reason": "no"}, "json")
    assert answer.status_code == 200
    assert answer.json()["decision"]["state"] == "dismissed"
    [told] = client.get(listing).json()
    assert (told["id"], told["decision"]["reason"]) == (row.digest, "no")
    assert (told["worth"], told["unit"], told["low"], told["high"]) == (20.0, "s", 10.0, 30.0)
    refused = client.post(address, {"state": "snoozed"}, "json")
    assert refused.status_code == 400
    assert "until" in refused.content.decode()
    assert client.post(address, ["rubbish"], "json").status_code == 400
    assert client.post(f"{listing}nothing/", {"state": "open"}, "json").status_code == 404
    assert client.post(address, {"state": "open"}, "json").json()["decision"] is None


def test_what_is_told_no_more_cannot_be_decided(
    row: Recommendation, project: Project, api_of: Callable[..., APIClient]
):
    Recommendation.objects.update(closed_at=timezone.now())
    assert row.service is not None
    client = api_of(Scope.BUILDS_READ, Scope.SERVICES_WRITE)
    listing = f"/api/v1/services/{row.service.slug}/recommendations/"
    assert client.post(f"{listing}{row.digest}/", {"state": "accepted"}, "json").status_code == 404
    assert [item["closed_at"] is not None for item in client.get(listing).json()] == [True]


def test_those_of_a_builder_are_listed_and_decided_in_the_project(
    row: Recommendation, project: Project, carol: User, api_of: Callable[..., APIClient]
):
    Recommendation.objects.create(
        project=project,
        digest="e" * 32,
        kind=Kind.SLOTS,
        title="Run 2 builds at once on one",
        unit=Unit.SECONDS,
        worth=50.0,
        opened_at=timezone.now(),
    )
    client = api_of(Scope.BUILDS_READ, Scope.SERVICES_WRITE)
    listing = "/api/v1/recommendations/"
    told = client.get(listing).json()["results"]
    assert [(item["id"][0], item["service"]) for item in told] == [("e", None), ("d", "api")]
    assert [item["kind"] for item in client.get(f"{listing}?kind=layer").json()["results"]] == [
        "layer"
    ]
    address = f"{listing}{'e' * 32}/decide/"
    answer = client.post(address, {"state": "accepted"}, "json")
    assert answer.json()["decision"]["state"] == "accepted"
    assert client.post(address, {"state": "dismissed"}, "json").status_code == 400
    assert api_of(Scope.BUILDS_READ).post(address, {"state": "open"}, "json").status_code == 403
    stranger = APIClient()
    stranger.force_login(carol)
    assert stranger.get(f"{listing}?project={project.slug}").status_code == 400, (
        "no project of hers"
    )
