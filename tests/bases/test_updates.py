"""Updates that the server is asked to try: by whom, for what, and what is shown of them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from accounts.models import User
from accounts.roles import Scope
from audit.models import AuditEvent
from bases.models import BaseImage, BaseUpdate
from bases.updating import take_result
from builds.models import Build, Service
from farm.commands import command_of
from farm.endings import finish
from farm.models import BuildRequest, Source
from farm.queueing import default_builder, retry

pytestmark = pytest.mark.django_db

type Send = Callable[..., Build]

PATCH = "diff --git a/Dockerfile b/Dockerfile\n--- a/Dockerfile\n+++ b/Dockerfile\n@@ -1 +1 @@\n"
PATCH += "-FROM nginx:stable\n+FROM nginx:stable-alpine\n"
API = "/api/v1/base-updates/"


@pytest.fixture
def image(sent: Send) -> BaseImage:
    """What the service stands on; the server can build it."""
    sent("4103-web")
    Source.objects.create(
        service=Service.objects.get(slug="web"),
        repository_url="https://git.example/shop.git",
        ref_name="main",
        platforms=["linux/amd64", "linux/arm64"],
        builder=default_builder(),
    )
    return BaseImage.objects.told().standing().get(repository__name="shop/nginx")


@pytest.fixture
def operator(api_of: Callable[..., APIClient]) -> APIClient:
    """What may ask for builds, and read."""
    return api_of(Scope.BUILDS_READ, Scope.BUILDS_TRIGGER)


def asked(image: BaseImage, **others: str) -> dict[str, str]:
    return {"base_image": str(image.public_id), "service": "web", "to": pinned(image)} | others


def pinned(image: BaseImage) -> str:
    return str(image.reference)


@pytest.fixture
def update(image: BaseImage, operator: APIClient) -> BaseUpdate:
    """One that waits in the queue."""
    answer = operator.post(API, asked(image), format="json")
    assert answer.status_code == 201, answer.content
    return BaseUpdate.objects.told().get()


def leave(update: BaseUpdate, home: Path, patch: str = PATCH, **verdict: Any) -> BaseUpdate:
    """Leave what the command does, as its end is told."""
    told = {"target": "web", "old": "a", "new": "b", "verdict": "better", "reasons": ["smaller"]}
    (home / "verdict.json").write_text(json.dumps(told | verdict))
    (home / "base.patch").write_text(patch)
    take_result(request=update.request, home=home)
    finish(update.request, Build.Status.SUCCEEDED)
    return BaseUpdate.objects.told().get(pk=update.pk)


def test_what_is_asked_for_becomes_a_request_of_the_queue(update: BaseUpdate, image: BaseImage):
    request = update.request
    assert (request.state, request.build.status) == ("ready", "queued")
    assert request.build.ref_name == "buildinsights-update-base/web/before"
    assert request.build.platforms == ["linux/amd64"]
    assert request.branch == "main"
    words = command_of(request, Path("/work"), Path("/home"))
    assert words == [
        "update-base",
        "--here",
        "--confined",
        "--platform=linux/amd64",
        "--base=localhost:5000/shop/nginx:stable",
        f"--to={pinned(image)}",
        "--patch=/home/base.patch",
        "--json=/home/verdict.json",
        "--",
        "web",
    ]
    event = AuditEvent.objects.get(action="base.update_tried")
    assert event.changes == {"service": "web", "from": str(image), "to": pinned(image)}


def test_asked_for_twice_it_is_one(update: BaseUpdate, image: BaseImage, operator: APIClient):
    again = operator.post(API, asked(image), format="json")
    assert again.json()["id"] == str(update.public_id)
    assert BuildRequest.objects.count() == 1
    assert AuditEvent.objects.filter(action="base.update_tried").count() == 1


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"to": "docker.io/somebody/else:1"}, 409, "not_offered"),
        ({"to": "No Name"}, 409, "not_offered"),
        ({"service": "nobody"}, 400, "invalid"),
        ({"base_image": "00000000-0000-0000-0000-000000000000"}, 400, "invalid"),
        ({"base_image": "none"}, 400, "invalid"),
    ],
)
def test_only_what_is_proposed_is_tried(
    image: BaseImage, operator: APIClient, change: dict[str, str], status: int, code: str
):
    answer = operator.post(API, asked(image, **change), format="json")
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (status, code)
    assert not BuildRequest.objects.exists()


def test_a_service_that_does_not_stand_on_it_is_not_changed(
    image: BaseImage, operator: APIClient, sent: Send
):
    sent("4104-ai")
    service = Service.objects.get(slug="ai")
    Source.objects.create(service=service, repository_url="https://git.example/ai.git")
    answer = operator.post(API, asked(image, service="ai"), format="json")
    assert answer.json()["errors"][0]["code"] == "not_offered"


def test_an_alternative_may_be_tried(image: BaseImage, operator: APIClient, client_of: Any):
    answer = operator.post(API, asked(image, to="nginx:stable-alpine"), format="json")
    assert answer.status_code == 201, answer.content
    assert answer.json()["new"] == "nginx:stable-alpine"


def test_without_a_source_there_is_nothing_to_try(image: BaseImage, operator: APIClient):
    Source.objects.all().delete()
    answer = operator.post(API, asked(image), format="json")
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (409, "no_source")


def test_reading_is_not_asking(image: BaseImage, api: APIClient, bob: User, client_of: Any):
    assert api.post(API, asked(image), format="json").status_code == 403
    form = {"service": "web", "to": pinned(image)}
    assert client_of(bob).post(f"{image.get_absolute_url()}try/", form).status_code == 404
    assert "Try it for" not in client_of(bob).get(image.get_absolute_url()).content.decode()
    assert not BaseUpdate.objects.exists()


def test_nobody_else_sees_them(update: BaseUpdate, tmp_path: Path, carol: User, client_of: Any):
    leave(update, tmp_path)
    browser = client_of(carol)
    page = update.get_absolute_url()
    for address in (page, f"{page}patch/", f"{API}{update.public_id}/"):
        assert browser.get(address).status_code == 404
    assert browser.get(f"{API}{update.public_id}/patch/").status_code == 404
    assert browser.get(API).json()["results"] == []
    assert browser.post(f"{page}cancel/").status_code == 404


def test_a_person_presses_a_button_and_is_led_to_the_result(
    image: BaseImage, alice: User, tmp_path: Path, client_of: Any
):
    browser = client_of(alice)
    assert "Try it for web" in browser.get(image.get_absolute_url()).content.decode()
    form = {"service": "web", "to": pinned(image)}
    answer = browser.post(f"{image.get_absolute_url()}try/", form)
    update = BaseUpdate.objects.told().get()
    assert answer.headers["Location"] == update.get_absolute_url()
    waiting = browser.get(update.get_absolute_url()).content.decode()
    assert "every 3s" in waiting
    leave(update, tmp_path)
    page = browser.get(update.get_absolute_url()).content.decode()
    assert "every 3s" not in page
    assert "Better" in page
    assert "<li>smaller</li>" in page
    assert "+ FROM nginx:stable-alpine" in page
    assert "with a patch" in browser.get(image.get_absolute_url()).content.decode()


def test_the_patch_is_a_file(update: BaseUpdate, tmp_path: Path, api: APIClient, client_of: Any):
    assert api.get(f"{API}{update.public_id}/patch/").status_code == 404, "there is none yet"
    leave(update, tmp_path)
    user = User.objects.get(username="alice")
    page = client_of(user).get(f"{update.get_absolute_url()}patch/")
    for answer in (api.get(f"{API}{update.public_id}/patch/"), page):
        assert answer.content.decode() == PATCH
        assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
        assert answer.headers["Content-Disposition"] == 'attachment; filename="web-base.patch"'


def test_machines_read_what_came_of_it(update: BaseUpdate, tmp_path: Path, api: APIClient):
    leave(update, tmp_path, verdict="worse", reasons=["HIGH vulnerabilities: 1 before, 2 after"])
    told = api.get(f"{API}{update.public_id}/").json()
    assert (told["state"], told["verdict"], told["has_patch"]) == ("done", "worse", True)
    assert told["reasons"] == ["HIGH vulnerabilities: 1 before, 2 after"]
    assert (told["requested_by"], told["changed_build"]) == (update.request.requested_by, None)
    assert len(api.get(f"{API}?verdict=worse&service=web").json()["results"]) == 1
    assert api.get(f"{API}?verdict=better").json()["results"] == []


def test_without_a_verdict_it_has_failed(update: BaseUpdate, tmp_path: Path):
    (tmp_path / "verdict.json").write_text("{}")
    take_result(request=update.request, home=tmp_path)
    finish(update.request, Build.Status.SUCCEEDED)
    assert BaseUpdate.objects.told().get().state == "failed"


def test_a_patch_with_a_secret_is_kept_back(
    update: BaseUpdate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Any
):
    settings.BUILD_SECRETS = ["REGISTRY_PASSWORD"]
    monkeypatch.setenv("REGISTRY_PASSWORD", "correct horse battery")
    told = leave(
        update,
        tmp_path,
        patch=f"{PATCH} # correct horse battery\n",
        reasons=["correct horse battery"],
    )
    assert (told.verdict, told.patch) == ("better", "")
    assert told.note == "The patch is kept back: it holds what may be a secret."
    assert "horse" not in "".join(told.reasons)


@pytest.mark.parametrize(
    ("patch", "why"),
    [
        (b"+" * 100_001, "it has 100001 bytes"),
        (b"\xff\xfe", "it is not UTF-8"),
        (b"a\0b", "it holds what may be a secret"),
    ],
)
def test_a_patch_that_cannot_be_kept_says_why(
    update: BaseUpdate, tmp_path: Path, patch: bytes, why: str
):
    verdict = {"target": "web", "old": "a", "new": "b", "verdict": "same", "reasons": []}
    (tmp_path / "verdict.json").write_text(json.dumps(verdict))
    (tmp_path / "base.patch").write_bytes(patch)
    take_result(request=update.request, home=tmp_path)
    found = BaseUpdate.objects.get()
    assert (found.verdict, found.patch) == ("same", "")
    assert why in found.note


def test_what_is_said_is_shown_inert(
    update: BaseUpdate, tmp_path: Path, alice: User, client_of: Any
):
    hostile = "<script>alert(1)</script>"
    BuildRequest.objects.update(said=hostile)
    leave(update, tmp_path, patch=PATCH + f"+{hostile}\n", reasons=[hostile])
    assert hostile not in client_of(alice).get(update.get_absolute_url()).content.decode()


def test_one_that_waits_is_canceled_on_its_page(
    update: BaseUpdate, alice: User, bob: User, client_of: Any
):
    address = f"{update.get_absolute_url()}cancel/"
    assert client_of(bob).post(address).status_code == 404
    assert client_of(alice).post(address).status_code == 302
    assert BaseUpdate.objects.told().get().state == "canceled"
    assert "Canceled by alice." in client_of(bob).get(update.get_absolute_url()).content.decode()


def test_another_attempt_is_an_update_too(update: BaseUpdate, alice: User):
    finish(update.request, Build.Status.FAILED, message="dial tcp: connection refused")
    BuildRequest.objects.exclude(pk=update.pk).delete()
    new = retry(build=update.request.build, actor=alice)
    again = BaseUpdate.objects.told().get(request=new)
    assert (again.image_id, again.request.base_to) == (update.image_id, update.request.base_to)
    assert command_of(new, Path(), Path())[0] == "update-base"


def test_lists_cost_the_same_whatever_their_length(
    update: BaseUpdate, image: BaseImage, api: APIClient, alice: User, client_of: Any
):
    browser = client_of(alice)

    def queries(address: str) -> int:
        client = browser if address.startswith("/projects/") else api
        with CaptureQueriesContext(connection) as captured:
            assert client.get(address).status_code == 200
        return len(captured)

    addresses = (API, image.get_absolute_url())
    for address in addresses:
        queries(address)  # the first use of a token is noted
    few = [queries(address) for address in addresses]
    for _number in range(10):
        finish(BaseUpdate.objects.latest("pk").request, Build.Status.CANCELED)
        retry(build=Build.objects.latest("pk"), actor=alice)
    assert len(api.get(API).json()["results"]) == 11
    assert [queries(address) for address in addresses] == few
