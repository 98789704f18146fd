"""Pages and API of base images: what they say, who may see and write, whatever the number."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from accounts.models import Project, User
from accounts.roles import Scope
from audit.models import AuditEvent
from bases.models import BaseImage, BasePolicy
from builds.models import Build

pytestmark = pytest.mark.django_db

type Send = Callable[..., Build]

HOSTILE = "<script>alert(1)</script>"
LIST = "/projects/shop/base-images/"


def base(name: str) -> BaseImage:
    return BaseImage.objects.filter(repository__name=f"shop/{name}").order_by("-pk")[0]


def test_the_list_says_what_services_stand_on(sent: Send, bob: User, client_of: Any):
    sent("4103-web")
    text = client_of(bob).get(LIST).content.decode()
    assert "localhost:5000/shop/nginx:stable" in text
    assert "Newest known" in text
    assert "not scanned" in text
    only = client_of(bob).get(f"{LIST}?role=final").content.decode()
    assert "shop/nginx:stable" in only
    assert "shop/node:22" not in only


def test_the_page_of_a_base_has_a_diff_for_its_service(sent: Send, bob: User, client_of: Any):
    sent("4103-web")
    text = client_of(bob).get(base("nginx").get_absolute_url()).content.decode()
    assert "ARG NGINX_IMAGE=localhost:5000/shop/nginx:stable@sha256:f87502b75ed9" in text
    assert "Builds give NGINX_IMAGE themselves" in text
    assert "nginx:stable-alpine" in text
    assert "not known until" in text


def test_what_is_in_builds_is_shown_inert(sent: Send, bob: User, client_of: Any):
    sent("4103-web")
    image = base("nginx")
    BaseImage.objects.filter(pk=image.pk).update(variant=HOSTILE, family="<b>")
    BasePolicy.objects.create(
        repository=image.repository,
        number=1,
        text=HOSTILE,
        owner=HOSTILE,
        author=HOSTILE,
        made_at=image.first_seen_at,
    )
    for address in (LIST, image.get_absolute_url()):
        text = client_of(bob).get(address).content.decode()
        assert HOSTILE not in text
        assert "<b>" not in text


def test_nobody_else_sees_them(sent: Send, carol: User, client_of: Any):
    sent("4103-web")
    image = base("nginx")
    browser = client_of(carol)
    assert browser.get(LIST).status_code == 404
    assert browser.get(image.get_absolute_url()).status_code == 404
    assert browser.post(f"{image.get_absolute_url()}policy/", {"owner": "me"}).status_code == 404


def test_the_list_costs_the_same_whatever_its_length(sent: Send, api: APIClient):
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert api.get("/api/v1/base-images/").status_code == 200
        return len(captured)

    sent("4103-web")
    queries()  # the first use of a token is noted
    few = queries()
    sent("4104-ai")
    sent("4102-api")
    assert len(api.get("/api/v1/base-images/").json()["results"]) == 6
    assert queries() == few


def test_machines_read_bases_and_proposals(sent: Send, api: APIClient):
    sent("4103-web")
    image = base("nginx")
    told = api.get(f"/api/v1/base-images/{image.public_id}/").json()
    assert (told["repository"], told["tag"]) == ("localhost:5000/shop/nginx", "stable")
    assert (told["behind"], told["inherited"], told["created_at"]) == (0, None, None)
    [use] = told["uses"]
    assert (use["service"], use["role"], use["size_bytes"]) == ("web", "final", 74_393_631)
    [pin] = api.get(f"/api/v1/base-images/{image.public_id}/proposals/").json()
    assert (pin["kind"], pin["service"]) == ("pin", "web")
    assert pin["diff"].startswith("--- a/Dockerfile\n+++ b/Dockerfile\n")


def test_a_policy_is_written_by_whoever_may_and_kept_with_its_author(
    sent: Send, project: Project, alice: User, bob: User, client_of: Any
):
    sent("4103-web")
    image = base("nginx")
    address = f"{image.get_absolute_url()}policy/"
    assert client_of(bob).post(address, {"owner": "web"}).status_code == 404
    browser = client_of(alice)
    assert browser.post(address, {"owner": "web", "update_days": 30}).status_code == 302
    assert browser.post(address, {"owner": "web", "update_days": 30}).status_code == 302
    assert browser.post(address, {"owner": "ops", "allowed_until": "2026-01-31"}).status_code == 302
    assert list(BasePolicy.objects.values_list("number", "owner", "author")) == [
        (2, "ops", "alice"),
        (1, "web", "alice"),
    ]
    event = AuditEvent.objects.filter(action="base.policy_changed").last()
    assert event is not None
    assert event.changes["allowed_until"] == "2026-01-31"
    assert "It was allowed until 31 January 2026." in browser.get(LIST).content.decode()


def test_a_bad_policy_is_refused_with_its_place(sent: Send, api_of: Any):
    sent("4103-web")
    client = api_of(Scope.BUILDS_READ, Scope.POLICIES_WRITE)
    address = f"/api/v1/base-images/{base('nginx').public_id}/policies/"
    answer = client.post(address, {"update_days": 0}, format="json")
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["attr"] == "update_days"
    assert client.post(address, ["no policy"], format="json").status_code == 400
    assert client.post(address, {"owner": "web"}, format="json").status_code == 201
    assert client.get(address).json()[0]["owner"] == "web"
    assert not BasePolicy.objects.exclude(owner="web").exists()


def test_reading_is_not_writing(sent: Send, api: APIClient):
    sent("4103-web")
    address = f"/api/v1/base-images/{base('nginx').public_id}/policies/"
    assert api.post(address, {"owner": "web"}, format="json").status_code == 403


def test_the_page_costs_the_same_however_many_builds(sent: Send, bob: User, client_of: Any):
    browser = client_of(bob)

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert browser.get(base("nginx").get_absolute_url()).status_code == 200
        return len(captured) - 1  # that of the test itself

    sent("4103-web")
    few = queries()
    for number in ("4108-web", "4109-web", "4112-web", "4121-web"):
        sent(number)
    assert queries() == few
