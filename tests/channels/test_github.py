"""Statuses and comments on a server that keeps both, as GitHub does."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import call_command

from channels.contract import Commit, Event, Fact, Severity
from channels.kinds.github import GitHubSettings, is_of
from channels.models import Channel, Delivery
from channels.sending import send_due
from tests.channels.conftest import MakeChannel, Tell
from tests.channels.receiving import Receiver, Reply, Request, receiving

pytestmark = pytest.mark.django_db
REVISION = "a" * 40
COMMIT = Commit("https://127.0.0.1/shop/api.git", REVISION, "7")
REPOSITORY = "/api/v3/repos/shop/api"


class FakeGitHub:
    """Statuses by commit and context, comments by number; some are of other people."""

    def __init__(self, receiver: Receiver) -> None:
        self.receiver = receiver
        self.statuses: dict[tuple[str, str], dict[str, Any]] = {}
        self.comments: list[dict[str, Any]] = []
        self.foreign: set[int] = set()
        receiver.answer = self.answer

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.receiver.port}/api/v3"

    def answer(self, request: Request) -> Reply:
        """Do what is asked, if it is something that GitHub does."""
        if request.headers["Authorization"] != "Bearer t0ken":
            return Reply(401)
        path = request.path.removeprefix(REPOSITORY)
        if request.method == "GET" and path == "":
            return said({"full_name": "shop/api"})
        if found := re.fullmatch(r"/statuses/(\w+)", path):
            status = request.document
            self.statuses[found[1], status["context"]] = status
            return said({"url": f"https://github.example/statuses/{found[1]}"}, 201)
        if found := re.fullmatch(r"/issues/comments/(\d+)", path):
            return self._change(int(found[1]), request.document["body"])
        return self._issue(request, path)

    def _issue(self, request: Request, path: str) -> Reply:
        if request.method == "POST" and path == "/issues/7/comments":
            return said(self.add(request.document["body"]), 201)
        if found := re.fullmatch(r"/issues/7/comments\?per_page=(\d+)&page=(\d+)", path):
            size, page = int(found[1]), int(found[2])
            return said(self.comments[(page - 1) * size : page * size])
        return Reply(404)

    def add(self, body: str, *, foreign: bool = False) -> dict[str, Any]:
        """Keep a comment."""
        number = len(self.comments) + 1
        comment = {"id": number, "body": body, "html_url": f"https://github.example/c/{number}"}
        self.comments.append(comment)
        if foreign:
            self.foreign.add(number)
        return comment

    def _change(self, number: int, body: str) -> Reply:
        if number in self.foreign:
            return Reply(403)
        self.comments[number - 1]["body"] = body
        return said(self.comments[number - 1])


def said(document: Any, status: int = 200) -> Reply:
    return Reply(status, body=json.dumps(document).encode())


@pytest.fixture
def github() -> Iterator[FakeGitHub]:
    with receiving() as receiver:
        yield FakeGitHub(receiver)


@pytest.fixture
def channel(make_channel: MakeChannel, github: FakeGitHub) -> Channel:
    return make_channel("github", repository="shop/api", token="t0ken", api_url=github.url)


def test_a_commit_has_a_status_and_its_pull_request_one_comment(
    channel: Channel, tell: Tell, github: FakeGitHub
):
    for number in range(35):
        github.add(f"Looks good {number}", foreign=True)
    tell(channel, Event.FIRING, commit=COMMIT)
    send_due()
    [((revision, _), status)] = github.statuses.items()
    assert (revision, status["state"]) == (REVISION, "failure")
    assert status["description"] == "Firing: api is slower"
    assert status["target_url"] == "https://builds.example.com/projects/shop/services/api/"
    assert len(github.comments) == 36
    assert "### Firing&#58; api is slower" in github.comments[-1]["body"]
    assert Delivery.objects.get().provider_id == "https://github.example/c/36"

    tell(channel, Event.RESOLVED, commit=COMMIT)
    send_due()
    [status] = github.statuses.values()
    assert status["state"] == "success"
    assert len(github.comments) == 36, "it is changed, not repeated"
    assert "### Resolved&#58; api is slower" in github.comments[-1]["body"]


def test_two_alerts_of_one_commit_do_not_hide_each_other(
    channel: Channel, tell: Tell, github: FakeGitHub
):
    tell(channel, Event.FIRING, commit=COMMIT)
    tell(channel, Event.FIRING, commit=COMMIT, key="alert/2")
    tell(channel, Event.RESOLVED, commit=COMMIT, key="alert/2")
    send_due()
    assert sorted(status["state"] for status in github.statuses.values()) == ["failure", "success"]
    assert len(github.comments) == 2


def test_somebodys_copy_of_our_comment_is_passed_over(
    channel: Channel, tell: Tell, github: FakeGitHub
):
    tell(channel, commit=COMMIT)
    send_due()
    copy = github.add(github.comments[0]["body"], foreign=True)["body"]
    tell(channel, Event.RESOLVED, commit=COMMIT)
    send_due()
    assert "Resolved" in github.comments[0]["body"]
    github.foreign.add(1)
    tell(channel, Event.FIRING, commit=COMMIT)
    send_due()
    assert github.comments[1]["body"] == copy
    assert len(github.comments) == 3


def test_a_comment_is_known_under_a_former_key(
    channel: Channel, tell: Tell, github: FakeGitHub, settings: Any
):
    tell(channel, Event.FIRING, commit=COMMIT)
    send_due()
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another-" + "y" * 40
    tell(channel, Event.RESOLVED, commit=COMMIT)
    send_due()
    call_command("reseal")
    settings.SECRET_KEY_FALLBACKS = []
    channel.refresh_from_db()
    tell(channel, Event.FIRING, commit=COMMIT)
    send_due()
    [comment] = github.comments
    assert "### Firing" in comment["body"]
    assert Delivery.objects.filter(state="sent").count() == 3


@pytest.mark.parametrize(
    "commit",
    [
        None,
        Commit("https://127.0.0.1/shop/web", REVISION, "7"),
        Commit("https://elsewhere.example/shop/api", REVISION, "7"),
        Commit("https://127.0.0.1/shop/api", "", "7"),
    ],
)
def test_what_is_about_no_commit_of_the_repository_is_not_told(
    channel: Channel, tell: Tell, github: FakeGitHub, commit: Commit | None
):
    delivery = tell(channel, commit=commit)
    send_due()
    delivery.refresh_from_db()
    assert delivery.state == "dropped"
    assert delivery.error == "It is about no commit of shop/api."
    assert not github.receiver.asked


def test_without_a_pull_request_there_is_a_status_alone(
    channel: Channel, tell: Tell, github: FakeGitHub
):
    tell(channel, commit=Commit("git@127.0.0.1:shop/api.git", REVISION))
    send_due()
    assert len(github.statuses) == 1
    assert not github.comments


def test_what_is_not_bad_fails_no_commit(channel: Channel, tell: Tell, github: FakeGitHub):
    tell(channel, commit=COMMIT, severity=Severity.LOW)
    send_due()
    assert [status["state"] for status in github.statuses.values()] == ["success"]


def test_what_is_told_is_text(channel: Channel, tell: Tell, github: FakeGitHub):
    nasty = "<!-- x --> @team #12 [a](javascript:b) *b*\n# c"
    tell(channel, commit=COMMIT, title=nasty, facts=(Fact(nasty, nasty),))
    send_due()
    body = github.comments[0]["body"]
    text = body[: body.rindex("<!-- buildinsights")]
    assert "<!--" not in text
    assert "@team" not in text
    assert "#12" not in text
    assert "](javascript" not in text
    assert "\n# c" not in text


def test_a_test_looks_for_the_repository_alone(channel: Channel, tell: Tell, github: FakeGitHub):
    tell(channel, Event.TEST)
    send_due()
    assert Delivery.objects.get().state == "sent"
    assert [request.path for request in github.receiver.asked] == [REPOSITORY]


@pytest.mark.parametrize(
    ("reply", "state", "error"),
    [
        (Reply(403, {"X-RateLimit-Remaining": "0"}), "pending", "asked too much"),
        (Reply(403, {"Retry-After": "60"}), "pending", "asked too much"),
        (Reply(403), "failed", "does not let this token"),
        (Reply(401), "failed", "answers 401"),
        (Reply(502), "pending", "answers 502"),
    ],
)
def test_refusals_that_last_and_those_that_do_not(
    channel: Channel, tell: Tell, github: FakeGitHub, reply: Reply, state: str, error: str
):
    github.receiver.answer = lambda _: reply
    tell(channel, commit=COMMIT)
    send_due()
    delivery = Delivery.objects.get()
    assert delivery.state == state
    assert error in delivery.error
    assert "t0ken" not in delivery.error


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("https://github.com/Shop/API", True),
        ("https://user:pw@github.com/shop/api.git", True),
        ("git@github.com:shop/api.git", True),
        ("ssh://git@github.com/shop/api.git", True),
        ("https://github.com/shop/api-2", False),
        ("https://github.com.evil.example/shop/api", False),
        ("", False),
    ],
)
def test_addresses_of_one_repository(address: str, expected: bool, settings: Any):
    known = GitHubSettings.model_construct(
        repository="shop/api", api_url="https://api.github.com", token="x"
    )
    assert is_of(known, address) is expected
