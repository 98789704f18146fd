"""Builds that are made for their caches alone push no image; all others do as their source says."""

from pathlib import Path

import pytest

from accounts.models import User
from buildkit.failure_classes import FailureClass
from builds.models import Build
from farm.claims import claim
from farm.commands import build_command
from farm.endings import finish
from farm.models import BuildRequest
from farm.queueing import Wish, retry
from farm.services import trigger
from tests.farm.conftest import MakeSource

pytestmark = pytest.mark.django_db


def pushes(request: BuildRequest, folder: Path) -> bool:
    return "--push" in build_command(request, folder)


@pytest.mark.parametrize("first", ["warm", "api"])
def test_what_is_to_be_pushed_is_not_answered_by_what_is_not(
    first: str, make_source: MakeSource, alice: User, tmp_path: Path
):
    source = make_source(push=True)
    asked = {}
    for name in (first, {"warm": "api", "api": "warm"}[first]):
        [asked[name]] = trigger(sources=[source], wish=Wish(trigger=name), actor=alice)
    assert not pushes(asked["warm"], tmp_path)
    assert pushes(asked["api"], tmp_path)
    for name, request in asked.items():
        again = trigger(sources=[source], wish=Wish(trigger=name), actor=alice)
        assert again == [request], "an equal one is the same one"
    nightly = trigger(sources=[source], wish=Wish(trigger="schedule"), actor=alice)
    assert nightly == [asked["api"]], "why it is asked for makes no other build"


@pytest.mark.parametrize(
    ("first", "expected", "is_pushed"),
    [("warm", "warm", False), ("rebuild", "rebuild", False), ("api", "retry", True)],
)
def test_every_further_attempt_is_pushed_as_the_first_one(
    first: str,
    expected: str,
    make_source: MakeSource,
    alice: User,
    tmp_path: Path,
    *,
    is_pushed: bool,
):
    source = make_source(push=True, retries=1)
    [request] = trigger(sources=[source], wish=Wish(trigger=first), actor=alice)
    assert claim("test:1") == request
    finish(request, Build.Status.FAILED, FailureClass.RATE_LIMIT, "429")
    by_itself = BuildRequest.objects.get(retry_of=request)
    assert (by_itself.build.trigger, pushes(by_itself, tmp_path)) == (expected, is_pushed)
    finish(by_itself, Build.Status.FAILED, FailureClass.COMMAND, "exit code: 1")
    by_hand = retry(build=by_itself.build, actor=alice)
    assert (by_hand.build.trigger, pushes(by_hand, tmp_path)) == (expected, is_pushed)
