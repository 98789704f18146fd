"""E-mail about builds that failed: who is told, what they read, and sending it until it is sent."""

from collections.abc import Sequence
from datetime import timedelta
from functools import partial

import structlog
from celery import current_app
from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.db.models.functions import Now
from django.template.loader import render_to_string
from django.utils import timezone

from accounts.models import User
from accounts.roles import Role
from builds.logview import plain_tail
from builds.models import Build
from channels.contract import DeliveryError, PermanentDeliveryError
from channels.mail import send_as
from farm.commands import reproducing_command
from farm.models import BuildRequest, FailureNotice

log = structlog.get_logger(__name__)

MAX_TRIES = 8
FIRST_PAUSE = timedelta(minutes=1)
"""After the first failed try; each later one waits twice as long, four hours in all."""

TOLD = frozenset({Build.Status.FAILED, Build.Status.LOST})


def announce(request: BuildRequest, build: Build) -> None:
    """Note that people are to be told, if there is a mail server and anybody to tell."""
    recipients = recipients_of(request) if settings.MAIL_IS_SENT and build.status in TOLD else []
    if recipients:
        FailureNotice.objects.get_or_create(request=request, defaults={"recipients": recipients})
        transaction.on_commit(partial(current_app.send_task, "farm.send_notices"))


def recipients_of(request: BuildRequest) -> list[str]:
    """Return the author's address; else the service's owners'; else the administrators'.

    An author who is no longer a member of the project is not told.
    """
    members = User.objects.filter(
        memberships__project_id=request.project_id, is_active=True
    ).exclude(email="")
    author = members.filter(pk=request.author_id or 0)
    authors = list(author.values_list("email", flat=True))
    if authors or request.source.owners:
        return authors or list(request.source.owners)
    admins = members.filter(memberships__role=Role.ADMIN)
    return sorted(set(admins.values_list("email", flat=True)))


def send_pending() -> None:
    """Send what is due, each in a transaction of its own."""
    while _send_next():
        pass


@transaction.atomic
def _send_next() -> bool:
    """Send one notice; tell whether there was one.

    ``recipients`` are those who are still without it: nobody has it twice.
    """
    due = FailureNotice.objects.filter(state=FailureNotice.State.PENDING, next_at__lte=Now())
    notice = due.select_for_update(of=("self",), skip_locked=True).order_by("next_at").first()
    if notice is None:
        return False
    notice.tries += 1
    try:
        request = _request_of(notice)
        send_as(message_of(request, notice.recipients), request.build.public_id)
    except DeliveryError as error:
        log.warning("notice_not_sent", build=notice.pk, tries=notice.tries)
        notice.recipients = list(error.left) or notice.recipients
        _postpone(notice, str(error), for_good=isinstance(error, PermanentDeliveryError))
    except Exception as error:
        log.exception("notice_not_sent", build=notice.pk, tries=notice.tries)
        _postpone(notice, f"{type(error).__name__}: {error}")
    else:
        notice.state, notice.sent_at, notice.error = FailureNotice.State.SENT, timezone.now(), ""
    notice.save()
    return True


def _postpone(notice: FailureNotice, error: str, *, for_good: bool = False) -> None:
    notice.error = error
    notice.next_at = timezone.now() + FIRST_PAUSE * 2 ** (notice.tries - 1)
    if for_good or notice.tries >= MAX_TRIES:
        notice.state = FailureNotice.State.FAILED


def _request_of(notice: FailureNotice) -> BuildRequest:
    requests = BuildRequest.objects.select_related(
        "build__service", "build__project", "source__service"
    )
    return requests.get(pk=notice.pk)


def message_of(request: BuildRequest, recipients: Sequence[str]) -> EmailMessage:
    """Return the e-mail about the build of a request."""
    build = request.build
    subject = f"[{build.project}] {build.service} {build.get_status_display().lower()}"
    subject = f"{subject} on {build.ref_name}" if build.ref_name else subject
    return EmailMessage(
        " ".join(subject.split()),
        render_to_string("farm/failure_email.txt", _context(request, build)),
        to=list(recipients),
    )


def _context(request: BuildRequest, build: Build) -> dict[str, object]:
    step = build.failure_step
    return {
        "build": build,
        "request": request,
        "url": settings.PUBLIC_URL.rstrip("/") + build.get_absolute_url(),
        "log_tail": plain_tail(build, step) if step is not None else [],
        "command": reproducing_command(request),
    }
