"""Builds that come in another order than they ran are explained as if they had come in theirs."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from builds.models import Build
from cache.explaining import comparable
from cache.models import Explanation, StepReason
from cache.services import ask_for, explain_next
from cache.tasks import explain_waiting
from ingest.models import IngestPayload
from tests.cache.test_why import sent

pytestmark = pytest.mark.django_db

EDITED = "RUN make all"


def against(build: Build) -> Any:
    return Explanation.objects.get(build=build).against


def causes(build: Build) -> list[str]:
    return list(StepReason.objects.filter(build=build).values_list("cause", flat=True))


def test_a_late_build_is_what_the_next_ones_are_explained_against(ci: APIClient):
    failed, second, third = (sent(ci, hour=hour, instruction=EDITED) for hour in (11, 12, 13))
    Build.objects.filter(pk=failed.pk).update(status=Build.Status.FAILED)
    explain_waiting()
    assert causes(second) == ["first"]
    first = sent(ci, hour=10)
    explain_waiting()
    assert (against(failed), against(second), against(third)) == (first, first, second)
    assert causes(second) == causes(failed) == ["instruction"]


def test_a_late_build_of_the_same_builder_takes_the_place_of_another_ones(ci: APIClient):
    other, build, later = (sent(ci, hour=hour) for hour in (10, 12, 13))
    Build.objects.filter(pk=other.pk).update(builder="two")
    Build.objects.filter(pk__in=[build.pk, later.pk]).update(builder="one")
    explain_waiting()
    assert (against(build), against(later)) == (other, build)
    late = sent(ci, hour=9)
    Build.objects.filter(pk=late.pk).update(builder="one")
    explain_waiting()
    assert (against(build), against(later)) == (late, build)


def test_builds_by_turns_on_two_builders_wait_no_more_once_explained(ci: APIClient):
    builds = [sent(ci, hour=hour) for hour in range(1, 9)]
    for number, build in enumerate(builds):
        Build.objects.filter(pk=build.pk).update(builder=f"builder-{number % 2}")
    explain_waiting()
    Explanation.objects.filter(build=builds[2]).update(state="pending")
    assert explain_next()
    assert not Explanation.objects.pending().exists()
    for build in Build.objects.all():
        assert against(build) == comparable(build).first()


def test_what_was_found_before_its_records_were_purged_is_kept(ci: APIClient):
    second = sent(ci, hour=11)
    explain_waiting()
    IngestPayload.objects.all().delete()
    sent(ci, hour=10)
    explain_waiting()
    told = Explanation.objects.get(build=second)
    assert (told.state, told.against, causes(second)) == ("done", None, ["first"])


def test_a_build_that_moved_or_failed_after_all_is_held_against_no_more(ci: APIClient):
    first, second, third = (sent(ci, hour=hour) for hour in (10, 11, 12))
    explain_waiting()
    assert (against(second), against(third)) == (first, second)
    before = second.listed_at
    second.status = Build.Status.FAILED
    second.save()
    ask_for(build=second, listed_before=before)
    explain_waiting()
    assert (against(second), against(third)) == (first, first)
