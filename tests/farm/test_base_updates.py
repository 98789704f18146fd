"""Updates of bases that the server tries on a real engine, from the question to the patch."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from django.db import connection

from accounts.models import User
from audit.models import AuditEvent
from bases.following import follow_next
from bases.models import BaseImage, BaseRepository, BaseUpdate, BaseUse
from bases.updating import try_update
from builds.models import Build
from farm.claims import claim
from farm.models import BuildRequest, Source
from farm.queueing import Wish
from farm.running import run
from farm.services import cancel, trigger
from tests.farm.conftest import BASE, MakeSource, git
from tests.farm.test_running import run_next, running_steps
from tests.farm.waiting import eventually

pytestmark = [
    pytest.mark.engine,
    pytest.mark.django_db(transaction=True),
]

type Try = Callable[[str], BaseUpdate]


@pytest.fixture
def source(engine: str, make_source: MakeSource, alice: User) -> Source:
    """A service that stands on a base, as its first build has told."""
    source = make_source(retries=0)
    trigger(sources=[source], wish=Wish(), actor=alice)
    assert run_next().status == Build.Status.SUCCEEDED
    assert follow_next()
    return source


@pytest.fixture
def tried(source: Source, alice: User) -> Try:
    """Ask for an update of the service's base."""

    def ask(to: str) -> BaseUpdate:
        image = BaseImage.objects.told().standing().get()
        return try_update(image=image, service=source.service, to=to, actor=alice)

    return ask


def pinned() -> str:
    """Return the base with the digest that the first build had."""
    return f"{BASE}@{BaseImage.objects.standing().get().digest}"


def told(update: BaseUpdate) -> BaseUpdate:
    """Return it as it is now."""
    return BaseUpdate.objects.told().get(pk=update.pk)


def changed_build(update: BaseUpdate) -> Build:
    """Return the build with the change."""
    assert update.changed_build is not None
    return Build.objects.get(public_id=update.changed_build)


def test_a_base_is_tried_and_leaves_a_patch(tried: Try, repository: Path, tmp_path: Path):
    update = tried(pinned())
    assert told(update).state == "queued"
    before = run_next()
    done = told(update)
    assert (done.state, done.verdict, done.note) == ("done", "same", ""), done.request.said
    assert "layers: 3 before, 3 after" in done.reasons
    assert "verdict: same" in done.request.said
    patch = tmp_path / "base.patch"
    patch.write_text(done.patch)
    git(repository, "apply", str(patch))
    assert (repository / "Dockerfile").read_text().startswith(f"FROM {pinned()}\n")

    head = git(repository, "rev-parse", "HEAD")
    assert (before.pk, before.status, before.revision) == (update.pk, "succeeded", head)
    assert before.ref_name == "buildinsights-update-base/api/before"
    after = changed_build(done)
    assert (after.status, after.revision, after.author) == ("succeeded", "", "")
    assert after.ref_name == "buildinsights-update-base/api/after"
    assert {before.trigger, after.trigger} == {"base-update"}
    assert Build.objects.count() == 3
    event = AuditEvent.objects.get(action="base.update_tried")
    assert (event.actor_name, event.changes["to"]) == ("alice", pinned())


def test_neither_build_is_one_of_the_branch(tried: Try):
    first = BaseUse.objects.standing().get().build_id
    tried(pinned())
    run_next()
    while follow_next():
        pass
    assert BaseUse.objects.standing().get().build_id == first
    assert BaseUse.objects.count() == 3


def test_a_change_that_does_not_build_says_why(tried: Try, alice: User):
    BaseRepository.objects.update(tags=["1", "77"])
    update = tried(f"{BASE.rpartition(':')[0]}:77")
    before = run_next()
    failed = told(update)
    assert (failed.state, failed.verdict, failed.patch) == ("failed", "", "")
    assert "busybox:77" in failed.request.said
    assert before.status == "succeeded", "that of the commit as it is"
    assert changed_build(failed).status == "failed"


def test_a_branch_that_has_moved_on_is_not_guessed_at(tried: Try, repository: Path):
    (repository / "Dockerfile").write_text("FROM localhost:5000/library/busybox:1-amd64\n")
    git(repository, "commit", "--all", "--quiet", "--message=another base")
    update = tried(pinned())
    build = run_next()
    assert told(update).state == "failed"
    assert build.status == "failed"
    assert "it stands on localhost:5000/library/busybox:1-amd64" in build.failure_message


def test_a_canceled_one_ends_at_once_and_leaves_nothing(
    tried: Try, repository: Path, alice: User, tmp_path: Path
):
    (repository / "Dockerfile").write_text(f"FROM {BASE}\nRUN sleep 600\n")
    git(repository, "commit", "--all", "--quiet", "--message=hang")
    update = tried(pinned())
    request = claim("test:1")
    assert request is not None
    worker = threading.Thread(target=_run_in_thread, args=[request])
    worker.start()
    try:
        assert eventually(lambda: "sleep 600" in running_steps(request), 60)
        cancel(build=request.build, actor=alice)
    finally:
        worker.join(timeout=60)
    canceled = told(update)
    assert (canceled.state, canceled.patch) == ("canceled", "")
    assert canceled.request.build.failure_message == "Canceled by alice."
    assert not list((tmp_path / "work").glob(f"{canceled.public_id}-*"))


def _run_in_thread(request: BuildRequest) -> None:
    try:
        run(request)
    finally:
        connection.close()
