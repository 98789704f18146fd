"""Operations that no worker takes end after a while, and keep no others from being done."""

from datetime import timedelta
from typing import Any

import pytest
from django.db.models.functions import Now
from django.utils import timezone

from accounts.models import Project, User
from cache.models import Operation, RetentionPolicy
from cache.operations import working
from cache.operations.services import ask_for

pytestmark = pytest.mark.django_db

Kind, State = Operation.Kind, Operation.State


def confirmed(project: Project, actor: User, *, planned_hours_ago: int) -> Operation:
    """An operation that was planned so long ago, and that nobody has taken since."""
    made = ask_for(project=project, kind=Kind.EXPIRE, parameters={}, actor=actor)
    planned_at = timezone.now() - timedelta(hours=planned_hours_ago)
    requested_at = planned_at - timedelta(hours=2)
    values = {"state": State.CONFIRMED, "planned_at": planned_at, "requested_at": requested_at}
    Operation.objects.filter(pk=made.pk).update(**values)
    return made


def test_one_that_was_confirmed_late_has_a_day_from_then_on(
    project: Project, alice: User, monkeypatch: pytest.MonkeyPatch
):
    made = confirmed(project, alice, planned_hours_ago=47)
    woken: list[Operation] = []
    monkeypatch.setattr(working, "wake", woken.append)
    working.wake_waiting()
    assert woken == [made], "its plan may have been confirmed 23 hours ago"


def test_one_that_nobody_takes_ends_and_lets_retention_go_on(project: Project, alice: User):
    RetentionPolicy.objects.create(project=project, is_enforced=True)
    made = confirmed(project, alice, planned_hours_ago=49)
    working.enforce_retention()
    assert list(Operation.objects.all()) == [made], "yesterday's still waits"
    working.wake_waiting()
    made.refresh_from_db()
    assert (made.state, made.outcome) == (State.FAILED, working.NOBODY)
    working.enforce_retention()
    assert Operation.objects.filter(state=State.PLANNING).count() == 1


def test_one_that_is_taken_at_that_moment_is_not_ended(
    project: Project, alice: User, monkeypatch: pytest.MonkeyPatch
):
    for _ in range(2):
        confirmed(project, alice, planned_hours_ago=49)

    def take_the_other(**_: Any) -> None:
        left = Operation.objects.filter(state=State.CONFIRMED)
        left.update(state=State.RUNNING, started_at=Now())

    monkeypatch.setattr(working, "record", take_the_other)
    working.wake_waiting()
    assert set(Operation.objects.values_list("state", flat=True)) == {State.FAILED, State.RUNNING}
