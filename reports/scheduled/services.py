"""Writes about schedules of reports and who gets them."""

from collections.abc import Collection
from functools import partial
from typing import Any

from celery import current_app
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.limits import MOST_SCHEDULES, require_room
from accounts.models import User
from accounts.typing import Actor
from audit.services import Stranger, record, record_once_a_day
from farm.cron import next_time
from reports.exceptions import NotAgainError, ScheduleGoneError, ScheduleNameTakenError
from reports.models import ReportRecipient, ReportRun, ReportSchedule
from reports.scheduled.running import note_run

TIMES = ("cron", "time_zone", "is_on")
"""What says when a report is due."""


@transaction.atomic
def save_schedule(
    *,
    schedule: ReportSchedule,
    members: Collection[User],
    addresses: Collection[str],
    changes: dict[str, Any],
    actor: Actor,
) -> ReportSchedule:
    """Save a schedule with its recipients, and when it is made next.

    A time that has come and was not seen yet stays, unless the times are others now. Who has
    unsubscribed stays so, whoever names them again.

    Raises:
        ScheduleGoneError: it was deleted meanwhile.
        ScheduleNameTakenError: there is another of its name.
        TooManyError: it is new, and the project has as many as it may.
    """
    before = _locked(schedule) if schedule.pk else None
    if before and all(getattr(before, name) == getattr(schedule, name) for name in TIMES):
        schedule.next_run_at = before.next_run_at
    else:
        schedule.next_run_at = next_time(schedule.cron, schedule.time_zone, timezone.now())
    if before is None:
        others = ReportSchedule.objects.filter(project=schedule.project)
        require_room(others, MOST_SCHEDULES, "scheduled reports")
        schedule.created_by = actor if isinstance(actor, User) else None
    _save(schedule)
    subscribed = schedule.recipients.filter(unsubscribed_at=None)
    subscribed.filter(user__isnull=False).exclude(user__in=members).delete()
    subscribed.filter(user=None).exclude(address__in=addresses).delete()
    ReportRecipient.objects.bulk_create(
        [
            *(ReportRecipient(schedule=schedule, user=user) for user in members),
            *(ReportRecipient(schedule=schedule, address=address) for address in addresses),
        ],
        ignore_conflicts=True,
    )
    _note(
        schedule,
        "report_schedule.changed",
        actor,
        changes
        | {
            "members": sorted(user.username for user in members),
            "addresses": sorted(addresses),
        },
    )
    return schedule


@transaction.atomic
def delete_schedule(*, schedule: ReportSchedule, actor: Actor) -> None:
    """Forget a schedule and its recipients; what was sent stays.

    Raises:
        ScheduleGoneError: somebody else did.
    """
    _locked(schedule)
    _note(schedule, "report_schedule.deleted", actor, {"name": schedule.name})
    schedule.delete()


@transaction.atomic
def send_now(*, schedule: ReportSchedule, actor: Actor) -> ReportRun:
    """Have a report made and sent at once; asked for twice within a minute, once."""
    minute = timezone.now().replace(second=0, microsecond=0)
    run = note_run(schedule, minute, actor.actor_name)
    _note(schedule, "report_schedule.sent", actor, {"run": str(run.public_id)})
    _wake()
    return run


@transaction.atomic
def retry_run(*, run: ReportRun, actor: Actor) -> ReportRun:
    """Have a report that was given up made again, of the same days.

    Raises:
        NotAgainError: it was not given up, or its schedule is gone.
    """
    failed = ReportRun.objects.filter(
        pk=run.pk, state=ReportRun.State.FAILED, schedule__isnull=False
    )
    if not failed.update(state=ReportRun.State.PENDING, tries=0, next_at=timezone.now()):
        raise NotAgainError
    record(actor=actor, action="report_run.retried", target=run, project=run.project)
    _wake()
    run.refresh_from_db()
    return run


@transaction.atomic
def set_subscribed(*, recipient: ReportRecipient, is_subscribed: bool) -> None:
    """Note that a recipient wants a report no more, or wants it again.

    Whoever has the e-mail may follow its link, without signing in and as often as they like: the
    trail has the first time on a day.
    """
    wanted = ReportRecipient.objects.filter(
        pk=recipient.pk, unsubscribed_at__isnull=is_subscribed is False
    )
    moment = None if is_subscribed else timezone.now()
    if not wanted.update(unsubscribed_at=moment):
        return
    action = "report_recipient.subscribed" if is_subscribed else "report_recipient.unsubscribed"
    schedule = recipient.schedule
    record_once_a_day(
        actor=Stranger(f"recipient {recipient}"),
        action=action,
        target=recipient,
        project=schedule.project,
        changes={"schedule": schedule.name},
    )


def _locked(schedule: ReportSchedule) -> ReportSchedule:
    locked = ReportSchedule.objects.select_for_update().filter(pk=schedule.pk).first()
    if locked is None:
        raise ScheduleGoneError
    return locked


def _save(schedule: ReportSchedule) -> None:
    try:
        with transaction.atomic():
            schedule.save()
    except IntegrityError as error:
        raise ScheduleNameTakenError from error


def _note(schedule: ReportSchedule, action: str, actor: Any, changes: dict[str, Any]) -> None:
    record(actor=actor, action=action, target=schedule, project=schedule.project, changes=changes)


def _wake() -> None:
    transaction.on_commit(partial(current_app.send_task, "reports.make_due"))
