"""Handing an e-mail to the mail server, and what its refusals mean."""

import smtplib
from collections.abc import Iterable, Sequence
from email.policy import SMTP
from uuid import UUID

from django.conf import settings
from django.core.mail import EmailMessage, mailers
from django.core.mail.backends.smtp import EmailBackend

from channels import addresses
from channels.contract import DeliveryError, PermanentDeliveryError, Receipt

PERMANENT = 500
"""From here on a reply of SMTP says that it will never be (RFC 5321, 4.2.1)."""


def send_as(mail: EmailMessage, name: UUID, left: Sequence[str] = ()) -> Receipt:
    """Send an e-mail under the Message-ID of ``name``, which a second try has too.

    It goes to ``left`` alone, if others have it already.

    Raises:
        DeliveryError: the mail server did not take it, or not for everybody.
    """
    if not settings.MAIL_IS_SENT:
        raise DeliveryError("This server sends no e-mail: EMAIL_URL is not set.")
    message_id = f"<{name}@{addresses.host()}>"
    mail.extra_headers |= {"Message-ID": message_id, "Auto-Submitted": "auto-generated"}
    try:
        refused = _hand_over(mail, left or mail.recipients())
    except smtplib.SMTPRecipientsRefused as error:
        raise _refused(code for code, _ in error.recipients.values()) from None
    except (smtplib.SMTPSenderRefused, smtplib.SMTPDataError) as error:
        raise _refused([error.smtp_code]) from None
    except (smtplib.SMTPException, OSError) as error:
        # Of the server, not of this message: a wrong password is mended by whoever runs both.
        raise DeliveryError(f"The mail server: {type(error).__name__}") from None
    if refused:
        raise _refused(refused.values(), left=list(refused))
    return Receipt(message_id)


def _hand_over(mail: EmailMessage, recipients: Iterable[str]) -> dict[str, int]:
    """Give the mail server an e-mail; return those for whom it refuses it, taking it for others.

    ``mail.send`` would not tell of them.
    """
    content = mail.message(policy=SMTP).as_bytes()
    with mailers.default as server:
        assert isinstance(server, EmailBackend)  # noqa: S101  # what ``mailers`` makes
        assert server.connection is not None  # noqa: S101  # it is open
        known = {server.prep_address(address): address for address in recipients}
        sender = server.prep_address(mail.from_email)
        refused = server.connection.sendmail(sender, list(known), content)
    return {known[address]: code for address, (code, _) in refused.items()}


def _refused(codes: Iterable[int], left: Sequence[str] = ()) -> DeliveryError:
    known = sorted(set(codes))
    whom = f" for {', '.join(left)}" if left else ""
    text = f"The mail server refuses it{whom}: {', '.join(map(str, known))}"
    is_permanent = bool(known) and known[0] >= PERMANENT
    kind = PermanentDeliveryError if is_permanent else DeliveryError
    return kind(text, left=left)
