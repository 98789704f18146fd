"""What cannot be explained or added up is put off, and all others go on."""

from datetime import timedelta
from typing import Any

import pytest
from billiard.exceptions import SoftTimeLimitExceeded
from django.utils import timezone
from rest_framework.test import APIClient
from time_machine import TimeMachineFixture

from accounts.models import Project
from builds.models import Build
from builds.services import get_or_create_service
from cache import rollups, services
from cache.models import CacheDay, Explanation, StaleDay
from cache.services import explain_next
from cache.tasks import explain_waiting, roll_up_stale
from tests.builds.making import step
from tests.cache.test_rollups import DAY, recorded
from tests.cache.test_why import sent

pytestmark = pytest.mark.django_db


def break_for(monkeypatch: pytest.MonkeyPatch, module: Any, name: str, broken: object) -> None:
    """Let a function raise if that is its first argument."""
    works = getattr(module, name)

    def breaks(first: object, *others: object) -> object:
        if first == broken:
            raise ValueError(first)
        return works(first, *others)

    monkeypatch.setattr(module, name, breaks)


def test_a_build_that_cannot_be_explained_is_put_off_longer_each_time(
    ci: APIClient, monkeypatch: pytest.MonkeyPatch, time_machine: TimeMachineFixture
):
    broken, fine = sent(ci, hour=10), sent(ci, hour=11, instruction="RUN make all")
    break_for(monkeypatch, services, "explained", broken)
    explain_waiting()
    assert Explanation.objects.get(build=fine).state == "done"
    put_off = Explanation.objects.get(build=broken)
    for failures, minutes in enumerate([2, 4, 8, 16, 32, 64, 64], 1):
        assert (put_off.state, put_off.failures) == ("pending", failures)
        assert not explain_next(), "its time has not come"
        time_machine.move_to(put_off.not_before, tick=False)
        explain_waiting()
        put_off.refresh_from_db()
        assert put_off.not_before == timezone.now() + timedelta(minutes=minutes)
    monkeypatch.undo()
    time_machine.move_to(put_off.not_before, tick=False)
    explain_waiting()
    told = Explanation.objects.get(build=broken)
    assert (told.state, told.failures, told.not_before) == ("done", 0, None)


def test_a_worker_whose_time_is_up_says_nothing_of_the_build(
    ci: APIClient, monkeypatch: pytest.MonkeyPatch
):
    def is_ended(*_: object) -> None:
        raise SoftTimeLimitExceeded

    build = sent(ci, hour=10)
    monkeypatch.setattr(services, "explained", is_ended)
    with pytest.raises(SoftTimeLimitExceeded):
        explain_next()
    assert Explanation.objects.get(build=build).failures == 0


def test_a_day_that_cannot_be_added_up_stops_no_other(
    project: Project, monkeypatch: pytest.MonkeyPatch, time_machine: TimeMachineFixture
):
    shop, web = (get_or_create_service(project_id=project.pk, name=name) for name in ("a", "b"))
    for service in (shop, web):
        recorded(service, step(0, 0, 4), at=0)
        Build.objects.filter(service=service).update(buildkit_ref="")
    recorded(web, step(0, 0, 4), at=48)
    break_for(monkeypatch, rollups, "roll_up", shop.pk)
    roll_up_stale()
    assert set(CacheDay.objects.values_list("service", flat=True)) == {web.pk}
    assert CacheDay.objects.count() == 2, "both days of the other service"
    stale = StaleDay.objects.get()
    assert (stale.service, stale.failures) == (shop, 1)
    monkeypatch.undo()
    roll_up_stale()
    assert CacheDay.objects.count() == 2, "its time has not come"
    time_machine.move_to(stale.not_before)
    roll_up_stale()
    assert CacheDay.objects.filter(service=shop).count() == 1
    assert not StaleDay.objects.exists()


def test_references_that_cannot_be_added_up_leave_their_day_stale(
    project: Project, monkeypatch: pytest.MonkeyPatch
):
    service = get_or_create_service(project_id=project.pk, name="a")
    recorded(service, step(0, 0, 4), at=0)
    recorded(service, step(0, 0, 4), at=48)

    def breaks(project_id: int, builds: object, day: Any) -> None:
        if day == DAY:
            raise ValueError(day)

    monkeypatch.setattr(rollups, "roll_up_references", breaks)
    roll_up_stale()
    stale = StaleDay.objects.get()
    assert (stale.day, stale.failures) == (DAY, 1)
    assert CacheDay.objects.count() == 2, "what could be made is there"
