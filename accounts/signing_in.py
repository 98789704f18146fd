"""Who signs in and out, and who tries to, in the trail of the server."""

from typing import Any

import structlog
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.dispatch import receiver

from accounts.models import User
from audit.services import Stranger, record_once_a_day, record_soon

log = structlog.get_logger(__name__)

SHOWN = 3
"""Letters of an unknown name that are kept: people type passwords where the name belongs."""


@receiver(user_logged_in)
def note_login(sender: Any, user: User, **kwargs: Any) -> None:
    """Note that somebody has signed in."""
    record_soon(actor=user, action="login.succeeded", target=user)


@receiver(user_logged_out)
def note_logout(sender: Any, user: User | None, **kwargs: Any) -> None:
    """Note that somebody has signed out; nobody does who had not signed in."""
    if user is not None:
        record_soon(actor=user, action="login.ended", target=user)


@receiver(user_login_failed)
def note_failure(sender: Any, credentials: dict[str, Any], **kwargs: Any) -> None:
    """Note the first refusal of an address on a day, by the name tried if there is such a person.

    All names that nobody has are one: anybody can make up as many as they like. The log has each.
    """
    tried = str(credentials.get(User.USERNAME_FIELD) or "").replace("\0", "")[:150]
    user = User.objects.filter(username=tried).first()
    name = tried if user else f"{tried[:SHOWN]}…"
    target = user or User(username=name)
    log.warning("login_failed", username=name)
    record_once_a_day(actor=Stranger(name), action="login.failed", target=target)
