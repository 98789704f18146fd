"""What a newer commit replaces in the queue, and what it leaves there."""

from typing import Any

import pytest

from accounts.models import User
from builds.models import Build
from farm.claims import claim
from farm.endings import finish
from farm.models import Builder, BuildRequest
from farm.queueing import Wish
from farm.services import trigger
from tests.farm.conftest import MakeSource

pytestmark = pytest.mark.django_db

NEWER = Wish(revision="b" * 40, trigger="push")


def status_of(request: BuildRequest) -> str:
    return Build.objects.get(pk=request.pk).status


def test_what_waits_for_a_build_waits_for_the_one_in_its_place(
    make_source: MakeSource, alice: User
):
    base, api = make_source("base"), make_source("api")
    api.needs.set([base])
    dependent, old = trigger(sources=[api, base], wish=Wish(trigger="schedule"), actor=alice)
    Builder.objects.update(slots=2)
    [new] = trigger(sources=[base], wish=NEWER, actor=alice, supersede=True)
    assert (status_of(old), status_of(dependent)) == ("canceled", "queued")
    assert claim("test:1") == new
    assert claim("test:2") is None, "the other one waits"
    finish(new, Build.Status.SUCCEEDED)
    assert claim("test:1") == dependent


def test_a_push_to_both_replaces_both(make_source: MakeSource, alice: User):
    base, api = make_source("base"), make_source("api")
    api.needs.set([base])
    older = trigger(sources=[api, base], wish=Wish(trigger="schedule"), actor=alice)
    dependent, new = trigger(sources=[api, base], wish=NEWER, actor=alice, supersede=True)
    assert [status_of(request) for request in older] == ["canceled", "canceled"]
    assert claim("test:1") == new
    finish(new, Build.Status.SUCCEEDED)
    assert claim("test:1") == dependent


@pytest.mark.parametrize(
    "other",
    [
        {"no_cache": True},
        {"no_cache_from": "deps"},
        {"verbose_cache": True},
        {"variant": "debug"},
        {"environment": "production"},
        {"platforms": ("linux/arm64",)},
        {"base_to": "debian:13"},
        {"trigger": "warm"},
    ],
)
def test_what_asks_for_something_else_stays(
    other: dict[str, Any], make_source: MakeSource, alice: User
):
    source = make_source()
    [plain] = trigger(sources=[source], wish=Wish(revision="a" * 40, priority=3), actor=alice)
    [special] = trigger(sources=[source], wish=Wish(**other), actor=alice)
    trigger(sources=[source], wish=NEWER, actor=alice, supersede=True)
    assert (status_of(plain), status_of(special)) == ("canceled", "queued")
