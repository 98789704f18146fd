"""Workers and people that meet in the queue: each on a connection of its own."""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from queue import Queue

import pytest
from django.db import connection, transaction

from accounts.models import User
from builds.models import Build
from farm.claims import claim
from farm.endings import finish
from farm.exceptions import NotCancelableError
from farm.models import Builder, BuildRequest, Source
from farm.queueing import Wish, retry
from farm.services import cancel, trigger
from tests.farm.conftest import MakeSource

pytestmark = pytest.mark.django_db(transaction=True)

PATIENCE_SECONDS = 30


def begun[T](work: Callable[[], T]) -> Future[T]:
    """Do the work on another connection; return when it waits for a lock there, or has ended."""
    pids: Queue[int] = Queue()

    def on_its_own() -> T:
        try:
            pids.put(_ask("SELECT pg_backend_pid()"))
            return work()
        finally:
            connection.close()

    pool = ThreadPoolExecutor(1)
    future = pool.submit(on_its_own)
    pool.shutdown(wait=False)
    pid, deadline = pids.get(timeout=PATIENCE_SECONDS), time.monotonic() + PATIENCE_SECONDS
    waits = "SELECT EXISTS (SELECT FROM pg_locks WHERE pid = %s AND NOT granted)"
    while not future.done() and not _ask(waits, pid):
        assert time.monotonic() < deadline, "it neither waits nor ends"
        time.sleep(0.01)
    return future


def _ask(statement: str, *values: object) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchone()[0]


def asked(source: Source, actor: User, ref_name: str = "") -> BuildRequest:
    [request] = trigger(sources=[source], wish=Wish(ref_name=ref_name), actor=actor)
    return request


def states(*requests: BuildRequest) -> list[tuple[str, str]]:
    """Return where each request and its build stand."""
    found = [BuildRequest.objects.select_related("build").get(pk=item.pk) for item in requests]
    return [(request.state, request.build.status) for request in found]


def test_what_is_being_canceled_is_not_claimed_but_the_next_one(
    make_source: MakeSource, alice: User
):
    source = make_source()
    first, second = asked(source, alice, "one"), asked(source, alice, "two")
    with transaction.atomic():
        cancel(build=first.build, actor=alice)
        claimed = begun(lambda: claim("test:1"))
    assert claimed.result(PATIENCE_SECONDS) == second
    assert states(first, second) == [("ended", "canceled"), ("running", "running")]


def test_what_is_being_claimed_is_not_superseded(make_source: MakeSource, alice: User):
    source = make_source()
    old = asked(source, alice)
    wish = Wish(ref_name=source.ref_name, revision="a" * 40)
    with transaction.atomic():
        claim("test:1")
        push = begun(lambda: trigger(sources=[source], wish=wish, actor=alice, supersede=True))
    [new] = push.result(PATIENCE_SECONDS)
    assert states(old, new) == [("running", "running"), ("ready", "queued")]


def test_what_is_being_claimed_is_no_answer_to_an_equal_wish(make_source: MakeSource, alice: User):
    source = make_source()
    old = asked(source, alice)
    with transaction.atomic():
        claim("test:1")
        again = begun(lambda: asked(source, alice))
    assert again.result(PATIENCE_SECONDS) != old, "it may have missed the newest commit"


def test_two_that_end_at_once_release_what_needs_both(make_source: MakeSource, alice: User):
    sources = [make_source(name) for name in ("a", "b", "c")]
    sources[2].needs.set(sources[:2])
    Builder.objects.update(slots=2)
    a, b, c = trigger(sources=sources, wish=Wish(), actor=alice)
    assert {claim("test:1"), claim("test:2")} == {a, b}
    with transaction.atomic():
        finish(a, Build.Status.SUCCEEDED)
        other = begun(lambda: finish(b, Build.Status.SUCCEEDED))
    other.result(PATIENCE_SECONDS)
    assert states(c) == [("ready", "queued")]


def test_a_canceled_build_does_not_come_back_when_what_it_needs_ends(
    make_source: MakeSource, alice: User
):
    base, api = make_source("base"), make_source("api")
    api.needs.set([base])
    dependent, needed = trigger(sources=[api, base], wish=Wish(), actor=alice)
    claim("test:1")
    with transaction.atomic():
        cancel(build=dependent.build, actor=alice)
        other = begun(lambda: finish(needed, Build.Status.SUCCEEDED))
    other.result(PATIENCE_SECONDS)
    assert states(dependent) == [("ended", "canceled")]


def test_a_push_and_a_cancel_of_the_same_build_do_not_block_each_other(
    make_source: MakeSource, alice: User
):
    source, other = make_source("api"), make_source("web")
    old = asked(source, alice)
    with transaction.atomic():
        asked(other, alice)
        canceled = begun(lambda: cancel(build=old.build, actor=alice))
        wish = Wish(ref_name=source.ref_name, revision="a" * 40)
        trigger(sources=[source], wish=wish, actor=alice, supersede=True)
    with pytest.raises(NotCancelableError):
        canceled.result(PATIENCE_SECONDS)
    assert states(old) == [("ended", "canceled")]


def test_slots_are_kept_when_all_workers_come_at_once(make_source: MakeSource, alice: User):
    sources = [make_source(f"s{number}") for number in range(6)]
    Builder.objects.update(slots=3)
    trigger(sources=sources, wish=Wish(), actor=alice)
    workers = [begun(lambda: claim("test:1")) for _ in range(6)]
    claimed = [found for worker in workers if (found := worker.result(PATIENCE_SECONDS))]
    assert len({request.pk for request in claimed}) == len(claimed) == 3


def test_retries_that_come_at_once_are_one(make_source: MakeSource, alice: User):
    old = asked(make_source(), alice)
    cancel(build=old.build, actor=alice)
    people = [begun(lambda: retry(build=old.build, actor=alice).pk) for _ in range(4)]
    assert len({person.result(PATIENCE_SECONDS) for person in people}) == 1
