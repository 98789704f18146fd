"""Decoded builds become rows, the same rows however often."""

from datetime import UTC, datetime

import pytest
from django.db import connection

from accounts.models import Project
from buildkit.model import (
    BuildStatus,
    BuildWarning,
    Failure,
    Image,
    Layer,
    Material,
    ResourceSample,
    SourceFile,
    SourceRange,
    StepState,
)
from builds.baselines import WINDOW, History, load_histories, save_changes
from builds.masking import MASK
from builds.models import Build, Service, SourceText, Step, StepBaseline, StepLog
from builds.services import BuildContext, get_or_create_service, record_build
from tests.builds.making import SECOND, START, build, cached, printed, step

pytestmark = pytest.mark.django_db
NOTHING = BuildContext()


@pytest.fixture
def service(project: Project) -> Service:
    return get_or_create_service(project_id=project.pk, name="Web Shop")


def rich():
    """A failed build with something of everything."""
    return build(
        step(0, 0, 2, log=(printed("one\n", 1),)),
        step(1, 2, 5, state=StepState.FAILED, error="exit code: 1"),
        status=BuildStatus.FAILED,
        failure=Failure("exit code: 1", 2, f"sha256:{1:064x}", "Dockerfile", (SourceRange(3, 4),)),
        warnings=(
            BuildWarning("", 1, "JSONArgs", ("more",), "", "Dockerfile", (SourceRange(2, 2),)),
        ),
        sources=(SourceFile("Dockerfile", "FROM x\nRUN y\n"),),
        materials=(Material("pkg:docker/x@1", "sha256:aa"),),
        images=(
            Image("sha256:index", "", "application/vnd.oci.image.index.v1+json"),
            Image("sha256:image", "linux/amd64", "", ("shop:1",), 30, "", (Layer("sha256:l", 30),)),
        ),
        resources=(ResourceSample(START + SECOND, cpu_ratio=0.5),),
        build_args={"NPM_TOKEN": "hush", "VERSION": "1"},
    )


def test_everything_is_written(service: Service):
    made = record_build(service=service, decoded=rich(), context=BuildContext(variant="prod"))
    made.refresh_from_db()
    assert (made.status, made.variant, made.wall_seconds) == ("failed", "prod", 5.0)
    assert (made.failure_class, made.failure_step, made.failure_lines) == ("command", 1, [[3, 4]])
    assert (made.image_digest, made.image_bytes) == ("sha256:index", 30)
    assert made.build_args == {"NPM_TOKEN": "••••••", "VERSION": "1"}
    first, second = Step.objects.of(made)
    assert (first.intervals, second.inputs, second.error) == ([[0.0, 2.0]], [0], "exit code: 1")
    assert StepLog.objects.get().offsets_ms == [1000]
    assert made.warnings.get().lines == [[2, 2]]
    assert made.sources.get().source_text.text == "FROM x\nRUN y\n"
    assert made.materials.get().digest == "sha256:aa"
    assert made.resources.cpu_ratio == [0.5]
    assert [image.digest for image in made.images.order_by("pk")] == [
        "sha256:index",
        "sha256:image",
    ]


def test_recording_again_changes_nothing(service: Service):
    made = record_build(service=service, decoded=rich(), context=NOTHING)
    again = record_build(service=service, decoded=rich(), context=NOTHING, build=made)
    assert again.pk == made.pk
    assert Step.objects.of(made).count() == 2
    assert (StepLog.objects.count(), SourceText.objects.count()) == (1, 1)
    assert StepBaseline.objects.get(identity="identity-0").runs == [[START / SECOND, made.pk, 2.0]]


def test_what_earlier_builds_took_weighs_later_ones(service: Service):
    hour = 3600 * SECOND
    for number, seconds in enumerate((4, 6, 20)):
        decoded = build(step(0, 0, seconds), ref=f"r{number}", started=START + number * hour)
        record_build(service=service, decoded=decoded, context=NOTHING)
    decoded = build(cached(0), step(1, 0, 2), ref="last", started=START + 9 * hour)
    made = record_build(service=service, decoded=decoded, context=NOTHING)
    # median of 4, 6 and 20 is 6; 6 ÷ (6 + 2)
    assert (made.time_saved_seconds, made.hit_ratio_time, made.cache_state) == (
        6.0,
        0.75,
        "partial",
    )
    assert Step.objects.of(made).first().baseline_seconds == 6.0


def test_what_a_later_piece_leaves_open_stays(service: Service):
    context = BuildContext(ref_name="main", revision="abc")
    made = record_build(service=service, decoded=build(step(0, 0, 1)), context=context)
    later = BuildContext(environment="staging")
    again = record_build(
        service=service,
        decoded=build(step(0, 0, 1), revision="recorded"),
        context=later,
        build=made,
    )
    assert (again.ref_name, again.revision, again.environment) == ("main", "abc", "staging")


def test_an_ended_build_does_not_run_again(service: Service):
    cut = build(step(0, 0, 1), status=BuildStatus.RUNNING, completed_ns=None)
    made = record_build(service=service, decoded=cut, context=NOTHING)
    assert (made.status, made.completed_at) == ("running", None)
    ending = {
        "status": "failed",
        "completed_at": datetime(2026, 1, 5, 9, tzinfo=UTC),
        "failure_class": "timeout",
        "failure_fingerprint": "f",
        "failure_evidence": "3600 s",
        "failure_message": "It lasted too long.",
    }
    Build.objects.filter(pk=made.pk).update(**ending)
    record_build(service=service, decoded=cut, context=NOTHING, build=made)
    assert Build.objects.filter(pk=made.pk).values(*ending).get() == ending
    record_build(service=service, decoded=build(step(0, 0, 1)), context=NOTHING, build=made)
    found = Build.objects.get(pk=made.pk)
    assert (found.status, found.failure_class) == ("succeeded", ""), "its record tells the end"
    assert found.completed_at == datetime(2026, 1, 5, 8, 0, 1, tzinfo=UTC)


def test_steps_lie_in_the_partition_of_their_month(service: Service):
    made = record_build(service=service, decoded=build(step(0, 0, 1)), context=NOTHING)
    with connection.cursor() as cursor:
        cursor.execute("SELECT tableoid::regclass::text FROM builds_step")
        assert cursor.fetchall() == [("builds_step_2026_01",)]
    made.delete()
    assert not Step.objects.exists()


def test_a_service_is_found_by_its_slug(service: Service, project: Project):
    assert get_or_create_service(project_id=project.pk, name="web-shop ") == service
    assert (service.name, service.slug) == ("Web Shop", "web-shop")


def test_deleting_the_project_takes_everything_along(service: Service, project: Project):
    record_build(service=service, decoded=rich(), context=NOTHING)
    project.delete()
    assert not Build.objects.exists()
    assert not StepBaseline.objects.exists()


def test_histories_are_stored_as_they_were_worked_out(service: Service):
    """In order, late, again, taken back, and more than are kept: the row equals the history."""
    known: dict[str, History] = {}
    runs = [(number % 25 * 10.0, number % 27, float(number)) for number in range(60)]
    changes = [*runs, (10.0, 1, None), (900.0, 90, 1.5), (901.0, 91, 2.5)]
    for started, build_id, seconds in changes:
        history = known.get("a", History()).with_run(started, build_id, seconds)
        save_changes(service.pk, known, {"a": history})
        known = load_histories(service.pk, ["a", "unknown"])
        assert known == {"a": history}
    assert len(known["a"].runs) == WINDOW


@pytest.mark.parametrize("started", ["1999-01-01", "2026-01-07"])
def test_a_wrong_clock_moves_no_build_and_makes_no_partition(service: Service, started: str):
    received = datetime(2026, 1, 5, tzinfo=UTC)
    began = datetime.fromisoformat(started).replace(tzinfo=UTC)
    decoded = build(step(0, 0, 1), started=round(began.timestamp()) * SECOND)
    made = record_build(service=service, decoded=decoded, context=NOTHING, received_at=received)
    assert (made.started_at, made.listed_at) == (began, received)
    assert f"{made.steps_month:%Y-%m}" == "2026-01"


def test_what_looks_like_a_secret_is_masked_wherever_it_is_kept(service: Service):
    decoded = build(
        step(0, 0, 1),
        labels={"org.example.token": "hunter22", "plain": "x"},
        materials=(Material("https://me:hunter22@example.com/x.git", "sha1:aa"),),
        sources=(SourceFile("Dockerfile", "FROM x\nARG NPM_TOKEN=hunter22\n"),),
        repository_url="https://me:hunter22@example.com/x.git",
    )
    made = record_build(service=service, decoded=decoded, context=NOTHING)
    kept = [
        made.labels["org.example.token"],
        made.materials.get().uri,
        made.sources.get().source_text.text,
        made.repository_url,
    ]
    assert made.labels["plain"] == "x"
    assert [text for text in kept if "hunter22" in text or MASK not in text] == []
