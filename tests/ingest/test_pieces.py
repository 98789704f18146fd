"""A build that arrives in pieces is one build, whatever the order."""

from itertools import permutations
from threading import Thread

import pytest
from django.db import connection
from rest_framework.test import APIClient

from builds.models import Build, Step, StepBaseline
from ingest.digest import digest_payload
from ingest.models import IngestPayload
from tests.ingest.sending import corpus, progress, send

RUN = {"pipeline_run_id": "17"}
PIECES = ("record", "progress", "metadata")
COMPARED = (
    "buildkit_ref",
    "status",
    "target",
    "platforms",
    "wall_seconds",
    "critical_path_seconds",
    "steps_total",
    "cacheable_steps",
    "image_digest",
    "has_provenance",
)


@pytest.mark.django_db
@pytest.mark.parametrize("order", list(permutations(PIECES)))
def test_any_order_gives_the_same_build(ci: APIClient, order: tuple[str, ...]):
    for name in order:
        answer = send(ci, fields=RUN, **{name: corpus("plain", name)})
        assert answer.status_code == 201, answer.content
    build = Build.objects.get()
    pieces = [getattr(build, name) for name in COMPARED]
    steps = list(Step.objects.of(build).values_list("vertex_digest", "state", "busy_seconds"))
    assert build.payloads.count() == 3
    build.delete()
    StepBaseline.objects.all().delete()
    IngestPayload.objects.all().delete()
    together = {name: corpus("plain", name) for name in PIECES}
    assert send(ci, fields=RUN, **together).status_code == 201
    whole = Build.objects.get()
    assert [getattr(whole, name) for name in COMPARED] == pieces
    found = Step.objects.of(whole).values_list("vertex_digest", "state", "busy_seconds")
    assert list(found) == steps


@pytest.mark.django_db
def test_the_same_ref_meets_without_a_pipeline_run(ci: APIClient):
    send(ci, record=corpus("plain", "record"))
    send(ci, record=corpus("plain", "record"), fields={"variant": "dev"})
    build = Build.objects.get()
    assert build.variant == "dev"
    assert Step.objects.of(build).count() == build.steps_total


@pytest.mark.django_db
def test_other_runs_and_other_services_are_other_builds(ci: APIClient):
    send(ci, progress=progress(), fields={"pipeline_run_id": "1"})
    send(ci, progress=progress(), fields={"pipeline_run_id": "2"})
    send(ci, progress=progress(), fields={"pipeline_run_id": "1", "service": "other"})
    assert Build.objects.count() == 3


@pytest.mark.django_db
def test_pieces_without_anything_in_common_meet_when_a_third_names_both(ci: APIClient):
    send(ci, progress=corpus("plain", "progress"), fields=RUN)
    send(ci, metadata=corpus("plain", "metadata"))
    assert Build.objects.count() == 2
    send(ci, record=corpus("plain", "record"), fields=RUN)
    build = Build.objects.get()
    assert build.payloads.count() == 3
    runs = [run for row in StepBaseline.objects.all() for run in row.runs]
    assert runs
    assert {build_id for _, build_id, _ in runs} == {build.pk}


@pytest.mark.django_db
def test_a_piece_that_two_builds_could_claim_stays_by_itself(ci: APIClient):
    send(ci, record=corpus("bake", "record"), fields=RUN)
    send(ci, progress=progress(), fields=RUN)
    assert Build.objects.count() == 3
    send(ci, record=corpus("bake", "record"), fields=RUN | {"variant": "dev"})
    assert Build.objects.count() == 3


@pytest.mark.django_db
@pytest.mark.parametrize("field", ["variant", "environment"])
def test_jobs_of_a_matrix_are_builds_of_their_own(ci: APIClient, field: str):
    for value, seconds in (("dev", 2), ("prod", 7)):
        send(ci, progress=progress(seconds=seconds), fields=RUN | {field: value})
    send(ci, metadata=corpus("plain", "metadata"), fields=RUN | {field: "prod"})
    found = Build.objects.order_by("pk").values_list(field, "wall_seconds", "buildkit_ref")
    dev, prod = found
    assert dev == ("dev", 2.0, "")
    assert prod[:2] == ("prod", 7.0)
    assert prod[2], "its metadata has met it"


@pytest.mark.django_db
@pytest.mark.parametrize("saying", PIECES)
def test_pieces_meet_if_only_one_says_the_variant(ci: APIClient, saying: str):
    for name in PIECES:
        said = {"variant": "dev", "environment": "staging"} if name == saying else {}
        send(ci, fields=RUN | said, **{name: corpus("plain", name)})
    build = Build.objects.get()
    assert (build.payloads.count(), build.variant, build.environment) == (3, "dev", "staging")


@pytest.mark.django_db
def test_a_build_does_not_take_in_what_says_another_variant_than_it(ci: APIClient):
    send(ci, metadata=corpus("plain", "metadata"), fields=RUN | {"variant": "dev"})
    send(ci, progress=progress(), fields=RUN | {"variant": "prod"})
    send(ci, record=corpus("plain", "record"), fields=RUN)
    assert list(Build.objects.order_by("pk").values_list("variant", flat=True)) == ["dev", "prod"]


@pytest.mark.django_db
def test_the_field_that_was_received_last_wins_whatever_is_digested_last(ci: APIClient):
    for trigger in ("push", "manual"):
        send(ci, sync=False, progress=progress(), fields=RUN | {"trigger": trigger})
    older, newer = IngestPayload.objects.order_by("pk").values_list("pk", flat=True)
    digest_payload(newer)
    digest_payload(older)
    assert Build.objects.get().trigger == "manual"


@pytest.mark.django_db
def test_a_bundle_makes_one_build_for_each_record(ci: APIClient):
    receipt = send(ci, record=corpus("bake", "record")).json()
    assert len(receipt["builds"]) == 2
    assert Build.objects.values("buildkit_ref").distinct().count() == 2


@pytest.mark.django_db(transaction=True)
def test_two_workers_with_two_pieces_make_one_build(ci: APIClient):
    for name in ("record", "progress"):
        send(ci, sync=False, fields=RUN, **{name: corpus("plain", name)})

    def work(key: int) -> None:
        digest_payload(key)
        connection.close()

    keys = list(IngestPayload.objects.values_list("pk", flat=True))
    threads = [Thread(target=work, args=[key]) for key in keys]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert list(IngestPayload.objects.values_list("state", flat=True)) == ["done", "done"]
    build = Build.objects.get()
    assert Step.objects.of(build).count() == build.steps_total
