"""Schedules: kept, and run when they come due."""

from datetime import datetime

import structlog
from django.db import transaction
from django.utils import timezone

from audit.services import ActorLike, record
from buildinsights.exceptions import DomainError
from farm.actors import Clock
from farm.cron import next_time
from farm.forms import ScheduleForm
from farm.models import Schedule
from farm.queueing import Wish
from farm.services import trigger

log = structlog.get_logger(__name__)


@transaction.atomic
def save_schedule(*, form: ScheduleForm, actor: ActorLike) -> Schedule:
    """Save what a form says, and when it runs next."""
    schedule: Schedule = form.save(commit=False)
    schedule.next_at = _next(schedule)
    schedule.save()
    form.save_m2m()
    changes = {name: str(form.cleaned_data[name]) for name in form.changed_data}
    record(
        actor=actor,
        action="schedule.changed",
        target=schedule,
        project=schedule.project,
        changes=changes,
    )
    return schedule


@transaction.atomic
def delete_schedule(*, schedule: Schedule, actor: ActorLike) -> None:
    """Forget a schedule; what it has queued goes on."""
    record(
        actor=actor,
        action="schedule.deleted",
        target=schedule,
        project=schedule.project,
        changes={"name": schedule.name, "cron": schedule.cron},
    )
    schedule.delete()


def run_due() -> None:
    """Queue the builds of each schedule whose time has come; once, however often it was missed."""
    for schedule in Schedule.objects.due():
        _run(schedule.pk)


@transaction.atomic
def _run(pk: int) -> None:
    """Run one schedule unless another worker has it."""
    due = Schedule.objects.due().select_for_update(of=("self",), skip_locked=True)
    schedule = due.select_related("project").filter(pk=pk).first()
    if schedule is None:
        return
    schedule.last_at, schedule.next_at = timezone.now(), _next(schedule)
    schedule.error = _queue(schedule)
    schedule.save(update_fields=["last_at", "next_at", "error"])


def _queue(schedule: Schedule) -> str:
    """Queue the builds; return why not."""
    sources = schedule.sources.select_related("service__project", "builder")
    wish = Wish(ref_name=schedule.ref_name, no_cache=schedule.no_cache, trigger="schedule")
    try:
        trigger(sources=list(sources.prefetch_related("needs")), wish=wish, actor=Clock(schedule))
    except DomainError as error:
        log.warning("schedule_refused", schedule=schedule.name, reason=str(error))
        return str(error)
    return ""


def _next(schedule: Schedule) -> datetime | None:
    return next_time(schedule.cron, schedule.time_zone, timezone.now())
