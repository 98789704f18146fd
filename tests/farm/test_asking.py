"""The queue by API and in the browser: who may, and what is answered."""

import re
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from time_machine import TimeMachineFixture

from accounts.models import Project, User
from accounts.roles import Scope
from accounts.services import create_token
from builds.models import Build
from farm.claims import claim
from farm.forms import SourceForm
from farm.models import BuildRequest, LiveBuild, Source
from farm.queueing import Wish
from farm.services import trigger
from farm.tasks import run_next
from tests.farm.conftest import MakeSource

pytestmark = pytest.mark.django_db


@pytest.fixture
def headers(project: Project, alice: User) -> dict[str, str]:
    scopes = [Scope.BUILDS_READ, Scope.BUILDS_TRIGGER]
    _, secret = create_token(project=project, name="CI", scopes=scopes, actor=alice)
    return {"Authorization": f"Bearer {secret}"}


def post(client: Client, headers: dict[str, str], path: str = "", **body: Any) -> Any:
    return client.post(
        f"/api/v1/builds/{path}", body, content_type="application/json", headers=headers
    )


def test_a_posted_build_is_queued_and_can_be_cancelled_and_retried(
    client: Client, headers: dict[str, str], make_source: MakeSource
):
    make_source("api")
    answer = post(client, headers, service="api", ref_name="main", platforms=["linux/arm64"])
    assert answer.status_code == 201, answer.content
    made = answer.json()
    assert (made["status"], made["trigger"], made["platforms"]) == (
        "queued",
        "api",
        ["linux/arm64"],
    )
    assert post(client, headers, f"{made['id']}/retry/").status_code == 409
    answer = post(client, headers, f"{made['id']}/cancel/")
    assert (answer.status_code, answer.json()["status"]) == (202, "canceled")
    assert answer.json()["failure"]["message"] == "Canceled by token CI."
    again = post(client, headers, f"{made['id']}/retry/")
    assert (again.status_code, again.json()["status"]) == (201, "queued")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"service": "nope"},
        {"service": "api", "ref_name": "--upload-pack=x"},
        {"service": "api", "revision": "HEAD"},
        {"service": "api", "platforms": ["--x"]},
        {"service": "api", "platforms": ["linux/amd64\n"]},
        {"service": "api", "variant": "$(touch x)"},
        {"service": "api", "no_cache_from": "a=b"},
    ],
)
def test_what_cannot_be_asked_for_names_its_field(
    body: dict[str, Any], client: Client, headers: dict[str, str], make_source: MakeSource
):
    make_source("api")
    answer = post(client, headers, **body)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["attr"].partition(".")[0] in {"service", *body}
    assert not BuildRequest.objects.exists()


def test_json_that_is_nested_too_deep_is_refused_as_what_is_no_json(
    client: Client, headers: dict[str, str]
):
    for body in ("[" * 200_000, '{"service":' * 200_000, "{"):
        answer = client.post(
            "/api/v1/builds/", body, content_type="application/json", headers=headers
        )
        assert (answer.status_code, answer.json()["type"]) == (400, "client_error")
        assert answer.json()["errors"][0]["code"] == "parse_error"


def test_a_service_without_a_source_cannot_be_built(
    client: Client, headers: dict[str, str], make_source: MakeSource
):
    make_source("api")
    Source.objects.all().delete()
    answer = post(client, headers, service="api")
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (409, "no_source")


def test_reading_is_not_triggering(
    client: Client, project: Project, alice: User, make_source: MakeSource
):
    make_source("api")
    _, secret = create_token(
        project=project, name="reader", scopes=[Scope.BUILDS_READ], actor=alice
    )
    headers = {"Authorization": f"Bearer {secret}"}
    assert post(client, headers, service="api").status_code == 403


def test_another_project_s_service_is_not_there(
    client_of: Callable[[User], Client], carol: User, make_source: MakeSource, project: Project
):
    make_source("api")
    client = client_of(carol)
    assert client.get(f"/projects/{project.slug}/queue/").status_code == 404
    assert client.post(f"/projects/{project.slug}/queue/new/", {}).status_code == 404


def test_pages_from_the_form_to_the_live_view(
    client_of: Callable[[User], Client], alice: User, bob: User, make_source: MakeSource
):
    source = make_source("api")
    client, base = client_of(alice), f"/projects/{source.service.project.slug}"
    assert "api" in client.get(f"{base}/queue/new/").content.decode()
    answer = client.post(f"{base}/queue/new/", {"services": [source.pk], "priority": 0})
    [request] = BuildRequest.objects.all()
    assert answer["Location"] == request.build.get_absolute_url()
    page = client.get(answer["Location"]).content.decode()
    assert f"{base}/builds/{request.build.public_id}/live/" in page
    assert "Cancel build" in page
    assert "Cancel build" not in client_of(bob).get(answer["Location"]).content.decode()
    assert (
        "In the queue"
        in client.get(f"{base}/builds/{request.build.public_id}/live/").content.decode()
    )
    assert "api" in client.get(f"{base}/queue/").content.decode()


@pytest.fixture
def watched(make_source: MakeSource, alice: User) -> BuildRequest:
    """A running build with something to see."""
    [request] = trigger(sources=[make_source("api")], wish=Wish(), actor=alice)
    assert claim("test:1") is not None
    steps = [{"name": "<b>RUN x", "state": "running", "seconds": 3.2}]
    shown = {"steps": steps, "done": 0, "total": 1, "cached": 0, "log": ["<script>"]}
    LiveBuild.objects.create(request=request, shown=shown)
    return request


def live_address(request: BuildRequest) -> str:
    return f"{request.build.get_absolute_url()}live/"


def test_a_thousand_watchers_read_one_build_once_a_second(
    client_of: Callable[[User], Client],
    alice: User,
    watched: BuildRequest,
    time_machine: TimeMachineFixture,
    django_assert_num_queries: Any,
):
    time_machine.move_to(timezone.now(), tick=False)
    watchers, address = [client_of(alice) for _ in range(3)], live_address(watched)
    first = [watcher.get(address).content.decode() for watcher in watchers]
    assert "&lt;b&gt;RUN x" in first[0]
    assert "<script>" not in first[0]
    with django_assert_num_queries(0):
        assert [watcher.get(address).content.decode() for watcher in watchers] == first
    time_machine.shift(1.1)
    with django_assert_num_queries(3):  # the build, its request with the live row, its needs
        assert len([watcher.get(address) for watcher in watchers]) == 3


def test_a_page_is_loaded_anew_when_its_build_has_moved_on(
    client_of: Callable[[User], Client],
    alice: User,
    watched: BuildRequest,
    time_machine: TimeMachineFixture,
):
    client, address = client_of(alice), live_address(watched)
    time_machine.move_to(timezone.now(), tick=False)
    assert client.get(f"{address}?seen=queued")["HX-Refresh"] == "true"
    assert "HX-Refresh" not in client.get(f"{address}?seen=running")
    Build.objects.update(status="succeeded")
    time_machine.shift(1.1)
    ended = client.get(f"{address}?seen=running")
    assert (ended.status_code, ended["HX-Refresh"]) == (286, "true")


def test_a_pass_is_good_for_one_build_one_session_and_half_a_minute(
    client_of: Callable[[User], Client],
    alice: User,
    bob: User,
    carol: User,
    watched: BuildRequest,
    make_source: MakeSource,
    time_machine: TimeMachineFixture,
):
    time_machine.move_to(timezone.now(), tick=False)
    address = live_address(watched)
    client = client_of(bob)
    client.get(address)
    stolen = client.cookies["watching"].value
    stranger = client_of(carol)
    stranger.cookies["watching"] = stolen
    assert stranger.get(address).status_code == 404
    [other] = trigger(sources=[make_source("web")], wish=Wish(), actor=alice)
    bob.memberships.all().delete()
    assert client.get(address).status_code == 200
    client.cookies["watching"]["path"] = "/"
    assert client.get(live_address(other)).status_code == 404
    time_machine.shift(31)
    assert client.get(address).status_code == 404
    client.cookies.pop("sessionid")
    assert client.get(address)["Location"].startswith("/login/")


def test_a_source_is_checked_and_audited(
    client_of: Callable[[User], Client], alice: User, make_source: MakeSource
):
    source = make_source("api")
    address = f"/projects/{source.service.project.slug}/services/api/source/"
    client = client_of(alice)
    values = {
        "repository_url": "ext::sh -c x",
        "definition": "bake",
        "ref_name": "main",
        "time_limit_seconds": 60,
        "retries": 1,
    }
    assert "Give https://host/path" in client.post(address, values).content.decode()
    values["repository_url"] = "https://example.com/shop.git"
    assert client.post(address, values).status_code == 302
    source.refresh_from_db()
    assert source.repository_url == "https://example.com/shop.git"


def test_a_build_is_ended_by_its_own_limit_and_not_by_that_of_its_task(make_source: MakeSource):
    source = make_source("api")
    values = {"time_limit_seconds": 13 * 3600}
    form = SourceForm(source.service, values, instance=source)
    assert form.errors["time_limit_seconds"] == ["At most 43200: a build may take 12 hours."]
    assert form.fields["time_limit_seconds"].max_value < run_next.soft_time_limit


def test_failures_are_grouped(
    client_of: Callable[[User], Client], alice: User, make_source: MakeSource
):
    from buildkit.failure_classes import FailureClass
    from farm.endings import finish

    source = make_source("api", retries=0)
    client, base = client_of(alice), f"/projects/{source.service.project.slug}"
    for host in ("10.0.0.1:5000", "10.0.0.2:5000"):
        client.post(f"{base}/queue/new/", {"services": [source.pk], "priority": 0})
        request = claim("test:1")
        assert request is not None
        words = f"dial tcp {host}: connection refused"
        finish(request, Build.Status.FAILED, FailureClass.NETWORK, words)
    page = client.get(f"{base}/failures/").content.decode()
    assert page.count("Network (transient)") == 1
    assert "on 1 of 30 days, at most 2 a day" in page
    [listed] = re.findall(r'<td class="number"><a href="([^"]+)">2</a></td>', page)
    found = client.get(unescape(listed)).content.decode()
    assert found.count("Failed</span>") == 2
    other = unescape(listed).replace("failure_fingerprint=", "failure_fingerprint=0")
    assert "No build matches" in client.get(other).content.decode()
