"""The push webhook: who may call it, what it queues, what it does not believe."""

import hmac
import json
from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st
from rest_framework.test import APIClient

from accounts.models import Project, User
from builds.models import Build
from farm.addresses import place_of
from farm.exceptions import PushError
from farm.models import BuildRequest, PushHook, Source
from farm.pushes import new_secret, parse_push, secret_of
from tests.conftest import SHARED_FIXTURES
from tests.farm.conftest import MakeSource

COMMIT = "6113728f27ae82c7b1a177c8d03f9e96e0adf246"
REPOSITORY = "https://github.com/Codertocat/Hello-World"

type Send = Callable[..., Any]


@pytest.fixture
def hook(project: Project, alice: User) -> PushHook:
    """The project's webhook."""
    return new_secret(project=project, actor=alice)


@pytest.fixture
def source(make_source: MakeSource) -> Source:
    """A service of the repository of the recorded push, built on pushes to its branches."""
    return make_source(repository_url=f"{REPOSITORY}.git", push_patterns="master release/*")


@pytest.fixture
def send(hook: PushHook) -> Send:
    """Send a body as GitHub does."""

    def post(body: Any, secret: str = "", headers: dict[str, str] | None = None) -> Any:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        key = (secret or secret_of(hook)).encode()
        signed = {"X-Hub-Signature-256": "sha256=" + hmac.new(key, data, sha256).hexdigest()}
        return APIClient().generic(
            "POST",
            f"/api/v1/hooks/{hook.public_id}/push/",
            data,
            content_type="application/json",
            headers=signed if headers is None else headers,
        )

    return post


def push_of(**changes: Any) -> dict[str, Any]:
    """Return the fields of a push that are read."""
    return {
        "ref": "refs/heads/master",
        "after": COMMIT,
        "repository": {"clone_url": f"{REPOSITORY}.git"},
        "pusher": {"email": "bob@example.com"},
    } | changes


def test_a_recorded_push_of_github_queues_the_pushed_commit(send: Send, source: Source):
    recorded = SHARED_FIXTURES / "github" / "push.with-new-branch.json"
    if not recorded.is_file():
        pytest.skip(f"no {recorded}")
    answer = send(Path(recorded).read_bytes())
    assert answer.status_code == 202
    build = Build.objects.get()
    assert [item["id"] for item in answer.json()["builds"]] == [str(build.public_id)]
    assert (build.ref_name, build.revision, build.trigger) == ("master", COMMIT, "push")


def test_the_author_is_the_member_who_pushed(send: Send, source: Source, bob: User):
    send(push_of())
    assert BuildRequest.objects.get().author == bob
    send(push_of(after="1" * 40, pusher={"email": "stranger@example.com"}))
    assert BuildRequest.objects.latest("pk").author is None


@pytest.mark.parametrize("email", ["a\0b", "\ud800@x", ["bob@example.com"], "x" * 100_000])
def test_who_cannot_be_a_member_is_nobody(send: Send, source: Source, email: Any):
    assert send(push_of(pusher={"email": email})).status_code == 202
    assert BuildRequest.objects.get().author is None


def test_what_is_no_address_is_no_repository_that_is_built(send: Send, source: Source):
    known = {"clone_url": f"{REPOSITORY}.git", "homepage": "https://[x/Codertocat/Hello-World"}
    assert len(send(push_of(repository=known)).json()["builds"]) == 1
    del known["clone_url"]
    answer = send(push_of(repository=known))
    assert (answer.status_code, answer.json()) == (202, {"builds": []})


def test_a_newer_push_takes_the_place_of_a_queued_one(send: Send, source: Source):
    send(push_of())
    send(push_of(after="1" * 40))
    assert list(Build.objects.order_by("pk").values_list("revision", "status")) == [
        (COMMIT, "canceled"),
        ("1" * 40, "queued"),
    ]


def test_gitlab_sends_its_token(hook: PushHook, send: Send, source: Source):
    body = {
        "object_kind": "push",
        "ref": "refs/heads/release/2",
        "checkout_sha": COMMIT,
        "user_email": "",
        "project": {"git_ssh_url": "git@github.com:codertocat/hello-world.git"},
    }
    answer = send(body, headers={"X-Gitlab-Token": secret_of(hook)})
    assert answer.status_code == 202
    assert Build.objects.get().ref_name == "release/2"


def test_an_annotated_tag_is_built_at_its_commit(send: Send, make_source: MakeSource):
    make_source(repository_url=REPOSITORY, push_patterns="v*")
    send(push_of(ref="refs/tags/v1.0", after="2" * 40, head_commit={"id": COMMIT}))
    build = Build.objects.get()
    assert (build.ref_name, build.revision) == ("v1.0", COMMIT)


@pytest.mark.parametrize(
    "change",
    [
        {"ref": "refs/heads/topic"},
        {"after": "0" * 40, "deleted": True},
        {"ref": None},
        {"repository": {"clone_url": "https://github.com/codertocat/other.git"}},
        {"repository": {}},
    ],
)
def test_what_nobody_asked_for_queues_nothing(send: Send, source: Source, change: dict[str, Any]):
    answer = send(push_of(**change))
    assert (answer.status_code, answer.json()) == (202, {"builds": []})


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Hub-Signature-256": ""},
        {"X-Hub-Signature-256": "sha256=" + "0" * 64},
        {"X-Hub-Signature-256": "sha256=é"},
        {"X-Gitlab-Token": "wrong"},
        {"X-Gitlab-Token": ""},
    ],
)
def test_a_call_without_the_secret_is_refused(send: Send, source: Source, headers: dict[str, str]):
    assert send(push_of(), headers=headers).status_code == 401
    assert not Build.objects.exists()


def test_an_old_secret_is_useless(
    hook: PushHook, send: Send, source: Source, alice: User, project: Project
):
    old = secret_of(hook)
    new_secret(project=project, actor=alice)
    assert send(push_of(), secret=old).status_code == 401


def test_an_unknown_webhook_is_not_there(db: None):
    path = "/api/v1/hooks/8f3f3d9e-6f0a-4f6c-9a0e-0d7c8a3f7d11/push/"
    assert APIClient().post(path, {}, format="json").status_code == 404


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"payload=%7B%7D", "content type"),
        (b"[]", "JSON object"),
        (b'{"ref": "refs/heads/--upload-pack=x", "after": "1"}', "refs/heads/--upload-pack=x"),
        (b'{"ref": "refs/heads/main", "after": "--help"}', "--help"),
        (b'{"ref": "refs/heads/main", "checkout_sha": ["1"]}', "this is no string"),
        (b"[" * 200_000, "too deep"),
        (json.dumps({"ref": "refs/heads/" + "b" * 252, "after": COMMIT}).encode(), "250 char"),
    ],
)
def test_a_body_that_is_no_push_is_refused_by_name(send: Send, body: bytes, words: str):
    answer = send(body)
    assert answer.status_code == 400
    assert words in answer.json()["errors"][0]["detail"]


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    ["ref", "after", "repository", "clone_url", "head_commit", "pusher", "email"]
                ),
                inner,
            )
        ),
    )
)
def test_any_json_is_a_push_or_refused(document: Any):
    with suppress(PushError):
        parse_push(json.dumps(document).encode())


@pytest.mark.parametrize(
    "address",
    [
        "https://github.com/Shop/api",
        "https://github.com/shop/api.git",
        "https://github.com:443/shop/api/",
        "git@github.com:shop/api.git",
        "ssh://git@github.com/shop/api.git",
        "ssh://git@github.com:22/shop/api",
    ],
)
def test_all_addresses_of_a_repository_are_one_place(address: str):
    assert place_of(address) == "github.com/shop/api"


def test_only_who_may_trigger_sees_the_secret(
    client_of: Callable[[User], Client], alice: User, bob: User, hook: PushHook, project: Project
):
    page = f"/projects/{project.slug}/triggers/"
    assert secret_of(hook) in client_of(alice).get(page).content.decode()
    seen = client_of(bob).get(page).content.decode()
    assert secret_of(hook) not in seen
    assert str(hook.public_id) not in seen
