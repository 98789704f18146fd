"""Staircases of sizes: a row where a size changes, and the same rows whatever the order."""

from collections.abc import Mapping
from threading import Event, Thread
from typing import Any

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from time_machine import TimeMachineFixture

from accounts.models import Project
from builds.models import Build, Service
from builds.services import delete_build, get_or_create_service
from sizes import following
from sizes.following import follow_next
from sizes.models import InstructionSize, SizedImage, Waiting
from sizes.tasks import follow_waiting
from tests.sizes.making import FIRST, imaged

pytestmark = pytest.mark.django_db


@pytest.fixture
def service(project: Project) -> Service:
    return get_or_create_service(project_id=project.pk, name="web")


def follow() -> None:
    while follow_next():
        pass


def rows(service: Service) -> list[tuple[Any, ...]]:
    """The staircases without keys of builds, which come in any order."""
    found = InstructionSize.objects.filter(service=service).order_by("instruction", "number", "at")
    return [
        (
            row.instruction,
            (row.at - FIRST).days,
            row.before_bytes,
            row.after_bytes,
            row.builds,
            row.until and (row.until - FIRST).days,
        )
        for row in found
    ]


def test_a_row_is_kept_only_where_a_size_changes(service: Service):
    for day, app in enumerate([10, 10, 30, 30, 30, 20]):
        imaged(service, day, {"FROM node": 100, "COPY . .": app})
    follow()
    assert rows(service) == [
        ("COPY . .", 0, None, 10, 2, 2),
        ("COPY . .", 2, 10, 30, 3, 5),
        ("COPY . .", 5, 30, 20, None, None),
        ("FROM node", 0, None, 100, None, None),
    ]
    assert [row.size_bytes for row in SizedImage.objects.order_by("number")] == [
        110,
        110,
        130,
        130,
        130,
        120,
    ]
    assert not Waiting.objects.exists()


def test_an_instruction_may_go_and_come_back(service: Service):
    imaged(service, 0, {"FROM node": 100, "RUN a": 5})
    imaged(service, 1, {"FROM node": 100})
    imaged(service, 2, {"FROM node": 100, "RUN a": 7})
    follow()
    assert rows(service)[1:] == [
        ("RUN a", 0, None, 5, 1, 1),
        ("RUN a", 1, 5, None, None, 1),
        ("RUN a", 2, None, 7, None, None),
    ]


def test_a_late_build_is_put_in_its_place(service: Service):
    imaged(service, 0, {"RUN a": 5})
    imaged(service, 4, {"RUN a": 9})
    follow()
    imaged(service, 2, {"RUN a": 9})
    follow()
    assert rows(service) == [("RUN a", 0, None, 5, 1, 2), ("RUN a", 2, 5, 9, None, None)]


def test_a_deleted_build_counts_no_more(service: Service):
    imaged(service, 0, {"RUN a": 5})
    grown = imaged(service, 1, {"RUN a": 9})
    imaged(service, 2, {"RUN a": 5})
    follow()
    assert len(rows(service)) == 3
    delete_build(grown)
    follow()
    assert rows(service) == [("RUN a", 0, None, 5, None, None)]
    assert [row.number for row in SizedImage.objects.order_by("at")] == [1, 2]


def test_groups_have_staircases_of_their_own(service: Service):
    imaged(service, 0, {"RUN a": 5}, variant="prod")
    imaged(service, 1, {"RUN a": 9}, variant="dev")
    imaged(service, 2, {"RUN a": 5}, variant="prod")
    follow()
    assert rows(service) == [("RUN a", 0, None, 5, None, None), ("RUN a", 1, None, 9, None, None)]


def test_a_build_with_an_unknown_size_tells_nothing(service: Service):
    imaged(service, 0, {"RUN a": 5})
    imaged(service, 1, {"RUN a": None})
    imaged(service, 2, {"RUN a": 5})
    follow()
    assert rows(service) == [("RUN a", 0, None, 5, None, None)]


def test_failed_builds_do_not_count(service: Service):
    imaged(service, 0, {"RUN a": 5})
    imaged(service, 1, {"RUN a": 9}, status=Build.Status.FAILED)
    follow()
    assert rows(service) == [("RUN a", 0, None, 5, None, None)]


def test_a_service_that_cannot_be_followed_stops_no_other(
    service: Service,
    project: Project,
    monkeypatch: pytest.MonkeyPatch,
    time_machine: TimeMachineFixture,
):
    other = get_or_create_service(project_id=project.pk, name="api")
    imaged(service, 0, {"RUN a": 5})
    imaged(other, 1, {"RUN a": 5})
    works = following._seen

    def breaks(builds: list[Build]) -> object:
        if builds[0].service_id == service.pk:
            raise ValueError(builds)
        return works(builds)

    monkeypatch.setattr(following, "_seen", breaks)
    follow_waiting()
    assert (len(rows(service)), len(rows(other))) == (0, 1)
    waiting = Waiting.objects.get()
    assert (waiting.service, waiting.failures) == (service, 1)
    monkeypatch.undo()
    assert not follow_next(), "its time has not come"
    time_machine.move_to(waiting.not_before)
    follow()
    assert len(rows(service)) == 1
    assert not Waiting.objects.exists()


type Images = list[tuple[int, Mapping[str, int]]]
IMAGES = st.lists(
    st.dictionaries(st.sampled_from(["RUN a", "RUN b"]), st.integers(1, 2), min_size=1),
    min_size=1,
    max_size=6,
)


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(images=IMAGES, order=st.randoms(use_true_random=False), pause=st.integers(1, 3))
def test_the_order_of_arrival_does_not_matter(
    service: Service, images: list[dict[str, int]], order: Any, pause: int
):
    Build.objects.filter(service=service).delete()
    for day, sizes in enumerate(images):
        imaged(service, day, sizes)
    follow()
    in_order = rows(service)
    Build.objects.filter(service=service).delete()
    arriving = list(enumerate(images))
    order.shuffle(arriving)
    for count, (day, sizes) in enumerate(arriving, 1):
        imaged(service, day, sizes)
        if count % pause == 0:
            follow()
    follow()
    assert rows(service) == in_order


def test_many_builds_are_followed_in_pieces(service: Service, monkeypatch: pytest.MonkeyPatch):
    for day, size in enumerate([1, 1, 2, 2, 2, 3, 3]):
        imaged(service, day, {"RUN a": size})
    follow()
    whole = rows(service)
    monkeypatch.setattr("sizes.following.AT_ONCE", 2)
    imaged(service, 0, {"RUN a": 1}, at=FIRST)
    follow()
    assert [(row[1], row[3]) for row in rows(service)] == [(row[1], row[3]) for row in whole]
    assert SizedImage.objects.count() == 8


def test_following_one_more_build_costs_the_same_after_many(
    service: Service, django_assert_max_num_queries: Any
):
    for day in range(30):
        imaged(service, day, {"RUN a": day + 1, "RUN b": 5})
    follow()
    imaged(service, 31, {"RUN a": 40, "RUN b": 5})
    with django_assert_max_num_queries(21):
        assert follow_next()
    newest = SizedImage.objects.order_by("-number").first()
    assert newest is not None
    assert newest.number == 31


@pytest.mark.parametrize("at_once", [200, 1])
def test_a_layer_that_a_build_does_not_name_is_the_one_of_the_build_before(
    service: Service, monkeypatch: pytest.MonkeyPatch, at_once: int
):
    monkeypatch.setattr("sizes.following.AT_ONCE", at_once)
    for day in range(3):
        build = imaged(service, day, {"FROM node": 100, "RUN a": 5}, names=[str(day)])
        if day == 1:
            build.images.get().layers.filter(position=1).update(created_by="")
    follow()
    assert rows(service) == [
        ("FROM node", 0, None, 100, None, None),
        ("RUN a", 0, None, 5, None, None),
    ]


@pytest.mark.django_db(transaction=True)
def test_a_service_that_another_worker_is_at_is_left_to_it(service: Service):
    imaged(service, 0, {"RUN a": 5})
    is_held, may_go = Event(), Event()

    def other() -> None:
        with transaction.atomic():
            Waiting.objects.select_for_update().get()
            is_held.set()
            may_go.wait(20)
        connection.close()

    worker = Thread(target=other)
    worker.start()
    assert is_held.wait(20)
    assert not follow_next()
    may_go.set()
    worker.join()
    assert follow_next()
    assert SizedImage.objects.count() == 1
