"""Makes reports when they are due: each due time once, and after a pause only the latest of them.

Whoever moves ``next_run_at`` on makes the run; whoever locks a run makes its report. A run and its
deliveries come in one transaction, so that a report is there and sent, or neither.
"""

from datetime import UTC, date, datetime, timedelta

import structlog
from django.db import transaction
from django.utils import timezone

from channels.services import queue_mail
from farm.cron import next_time
from reports.models import ReportRun, ReportSchedule
from reports.scheduled.making import optimisation_of
from reports.scheduled.optimisation import Optimisation
from reports.scheduled.scope import Scope

log = structlog.get_logger(__name__)

COMPOSER = "report"
MOST_TRIES = 5
FIRST_PAUSE = timedelta(minutes=2)
"""After the first failed try; each later one waits twice as long, half an hour in all."""

DAY = timedelta(days=1)


def dispatch_due() -> None:
    """Note a run for each schedule whose time has come."""
    now = timezone.now()
    for schedule in ReportSchedule.objects.due(now):
        _dispatch(schedule, now)


@transaction.atomic
def _dispatch(schedule: ReportSchedule, now: datetime) -> None:
    """Move a schedule on and note its run, unless somebody else did or changed it meanwhile."""
    due = schedule.next_run_at
    same = ReportSchedule.objects.filter(pk=schedule.pk, is_on=True, next_run_at=due)
    following = next_time(schedule.cron, schedule.time_zone, now)
    if due is None or not same.update(next_run_at=following):
        return
    note_run(schedule, latest_due(schedule, due, now))


def latest_due(schedule: ReportSchedule, due: datetime, now: datetime) -> datetime:
    """Return the last time up to now at which it was due: those missed before it are left out."""
    later = next_time(schedule.cron, schedule.time_zone, due)
    while later is not None and later <= now:
        due, later = later, next_time(schedule.cron, schedule.time_zone, later)
    return due


def note_run(schedule: ReportSchedule, due_at: datetime, asked_by: str = "") -> ReportRun:
    """Return the run of a due time; the one that is there if there is one."""
    first, last = days_before(due_at, schedule.days)
    run, _ = ReportRun.objects.get_or_create(
        schedule=schedule,
        due_at=due_at,
        defaults={
            "project_id": schedule.project_id,
            "name": schedule.name,
            "first": first,
            "last": last,
            "asked_by": asked_by,
        },
    )
    return run


def days_before(moment: datetime, days: int) -> tuple[date, date]:
    """Return the first and the last of so many whole days, in UTC, that ended by a moment."""
    last = moment.astimezone(UTC).date() - DAY
    return last - (days - 1) * DAY, last


def make_waiting() -> None:
    """Make all reports that wait."""
    while make_next():
        pass


def make_next() -> bool:
    """Make one report that no other worker has; tell whether there was one."""
    with transaction.atomic():
        waiting = ReportRun.objects.waiting(timezone.now()).select_related("project", "schedule")
        run = waiting.select_for_update(of=("self",), skip_locked=True).first()
        if run is None:
            return False
        run.tries += 1
        run.started_at = timezone.now()
        try:
            with transaction.atomic():
                _make(run)
        except Exception as error:
            log.exception("report_not_made", run=str(run.public_id), tries=run.tries)
            _postpone(run, f"{type(error).__name__}: {error}")
        run.ended_at = timezone.now()
        run.save()
    return True


def _make(run: ReportRun) -> None:
    """Make the report, and let everybody have it who still may."""
    schedule = run.schedule
    if schedule is None:
        run.state, run.error = ReportRun.State.FAILED, "Its schedule was deleted before."
        return
    run.data = report_of(schedule, run).as_document()
    run.state, run.error = ReportRun.State.MADE, ""
    receiving = schedule.recipients.receiving().order_by("-pk")
    people = {person.email.lower(): person for person in receiving}  # one e-mail a mailbox
    run.recipients = len(people)
    for person in people.values():
        queue_mail(
            project=run.project,
            composer=COMPOSER,
            recipients=[person.email],
            key=run.key,
            facts={"run": str(run.public_id), "recipient": str(person.public_id)},
        )


def report_of(schedule: ReportSchedule, run: ReportRun) -> Optimisation:
    """Return the report of a schedule for the days of a run, as things are now."""
    scope = Scope.of(
        schedule.project,
        slugs=schedule.services,
        labels=schedule.labels,
        environment=schedule.environment,
        branch_class=schedule.branch_class,
        first=run.first,
        last=run.last,
    )
    return optimisation_of(schedule.name, scope, schedule.sections)


def preview_of(schedule: ReportSchedule) -> Optimisation:
    """Return the report that a schedule, saved or not, would send now."""
    first, last = days_before(timezone.now(), schedule.days)
    return report_of(schedule, ReportRun(first=first, last=last))


def _postpone(run: ReportRun, error: str) -> None:
    run.data, run.recipients = None, 0
    run.state = ReportRun.State.FAILED if run.tries >= MOST_TRIES else ReportRun.State.PENDING
    run.error = error[:1000]
    run.next_at = timezone.now() + FIRST_PAUSE * 2 ** (run.tries - 1)
