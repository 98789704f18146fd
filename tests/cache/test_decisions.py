"""What people decide about layer advice: kept while it is given, shown, and in the audit trail."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import User
from accounts.roles import Scope
from audit.models import AuditEvent
from builds.models import Build, Service
from cache import advising
from cache.models import AdviceDecision, LayerAdvice
from tests.buildkit.simulating import Builder
from tests.buildkit.test_advising import NODE
from tests.cache.test_advice import BETTER, built

pytestmark = pytest.mark.django_db

TITLE = "Copy package.json package-lock.json first"


@pytest.fixture
def advice(service: Service, stored: Callable[[Builder], list[Build]]) -> LayerAdvice:
    stored(built(NODE, NODE))
    advising.advise_service(service)
    return LayerAdvice.objects.get(kind="install")


@pytest.fixture
def decide(advice: LayerAdvice, alice: User, client_of: Callable[[User], Client]) -> Any:
    """Send the form as an administrator; return the page that follows."""
    project = advice.service.project.slug
    address = f"/projects/{project}/services/{advice.service.slug}/advice/{advice.digest}/"
    client = client_of(alice)

    def send(**values: Any) -> str:
        return client.post(address, values, follow=True).content.decode()

    return send


def shown(page: str) -> bool:
    return f'id="advice-{LayerAdvice.objects.get(kind="install").digest}"' in page


def test_dismissed_advice_is_not_shown_until_it_is_opened_again(
    advice: LayerAdvice, decide: Any, alice: User, client_of: Callable[[User], Client]
):
    page = decide(state="dismissed", reason="lock file is made by the build <b>")
    assert not shown(page)
    assert "lock file is made by the build &lt;b&gt;" in page
    own = client_of(alice).get(advice.service.get_absolute_url()).content.decode()
    assert TITLE not in own
    assert shown(decide(state="open"))
    assert not AdviceDecision.objects.exists()
    noted = AuditEvent.objects.filter(action__startswith="advice.").order_by("sequence")
    assert [event.action for event in noted] == ["advice.dismissed", "advice.reopened"]
    assert noted[0].changes["reason"] == "lock file is made by the build <b>"


def test_snoozed_advice_comes_back_on_its_day(advice: LayerAdvice, decide: Any):
    today = timezone.now().date()
    assert not shown(decide(state="snoozed", until=str(today + timedelta(days=1))))
    assert not LayerAdvice.objects.all().to_do(today).filter(pk=advice.pk)
    assert LayerAdvice.objects.all().to_do(today + timedelta(days=1)).filter(pk=advice.pk)


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
def test_what_is_no_decision_is_refused(decide: Any, values: dict[str, str], error: str):
    page = decide(**values)
    assert error in page
    assert shown(page)
    assert not AdviceDecision.objects.exists()


def test_a_decision_survives_new_advice_and_ends_when_it_is_followed(
    service: Service,
    advice: LayerAdvice,
    decide: Any,
    stored: Callable[[Builder], list[Build]],
):
    assert shown(decide(state="accepted"))
    advising.advise_service(service)
    assert AdviceDecision.objects.get().digest == LayerAdvice.objects.get(kind="install").digest
    Build.objects.all().delete()
    stored(built(NODE, NODE, BETTER, BETTER))
    advising.advise_service(service)
    followed = LayerAdvice.objects.get(kind="install")
    assert followed.since is not None
    assert followed.digest == advice.digest
    assert not AdviceDecision.objects.exists()


def test_only_those_who_may_change_services_decide(
    advice: LayerAdvice,
    bob: User,
    carol: User,
    client_of: Callable[[User], Client],
    api_of: Callable[..., APIClient],
):
    service = advice.service
    page = f"/projects/{service.project.slug}/services/{service.slug}/advice/{advice.digest}/"
    endpoint = f"/api/v1/services/{service.slug}/recommendations/{advice.digest}/"
    body = {"state": "dismissed", "reason": "no"}
    viewer = client_of(bob)
    assert viewer.post(page, body).status_code == 404
    shown_to_viewers = viewer.get(advice.get_absolute_url()).content.decode()
    assert TITLE in shown_to_viewers
    assert advice.digest in shown_to_viewers
    assert page not in shown_to_viewers
    assert client_of(carol).post(page, body).status_code == 404
    assert api_of(Scope.BUILDS_READ).post(endpoint, body, "json").status_code == 403
    assert not AdviceDecision.objects.exists()


def test_machines_decide_too(advice: LayerAdvice, api_of: Callable[..., APIClient]):
    client = api_of(Scope.BUILDS_READ, Scope.SERVICES_WRITE)
    listing = f"/api/v1/services/{advice.service.slug}/recommendations/"
    address = f"{listing}{advice.digest}/"
    answer = client.post(address, {"state": "dismissed", "reason": "no"}, "json")
    assert answer.status_code == 200
    assert answer.json()["decision"]["state"] == "dismissed"
    [told] = [item for item in client.get(listing).json() if item["id"] == advice.digest]
    assert told["decision"]["reason"] == "no"
    refused = client.post(address, {"state": "snoozed"}, "json")
    assert refused.status_code == 400
    assert "until" in refused.content.decode()
    assert client.post(address, ["rubbish"], "json").status_code == 400
    assert client.post(f"{listing}nothing/", {"state": "open"}, "json").status_code == 404
    assert client.post(address, {"state": "open"}, "json").json()["decision"] is None
