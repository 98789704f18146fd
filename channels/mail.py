"""Handing an e-mail to the mail server, and what its refusals mean."""

import smtplib
from collections.abc import Iterable
from uuid import UUID

from django.conf import settings
from django.core.mail import EmailMessage

from channels import addresses
from channels.contract import DeliveryError, PermanentDeliveryError, Receipt

PERMANENT = 500
"""From here on a reply of SMTP says that it will never be (RFC 5321, 4.2.1)."""


def send_as(mail: EmailMessage, name: UUID) -> Receipt:
    """Send an e-mail under the Message-ID of ``name``, which a second try has too.

    Raises:
        DeliveryError: the mail server did not take it.
    """
    if not settings.MAIL_IS_SENT:
        raise DeliveryError("This server sends no e-mail: EMAIL_URL is not set.")
    message_id = f"<{name}@{addresses.host()}>"
    mail.extra_headers |= {"Message-ID": message_id, "Auto-Submitted": "auto-generated"}
    try:
        mail.send()
    except smtplib.SMTPRecipientsRefused as error:
        raise _refused(code for code, _ in error.recipients.values()) from None
    except (smtplib.SMTPSenderRefused, smtplib.SMTPDataError) as error:
        raise _refused([error.smtp_code]) from None
    except (smtplib.SMTPException, OSError) as error:
        # Of the server, not of this message: a wrong password is mended by whoever runs both.
        raise DeliveryError(f"The mail server: {type(error).__name__}") from None
    return Receipt(message_id)


def _refused(codes: Iterable[int]) -> DeliveryError:
    known = sorted(set(codes))
    text = f"The mail server refuses it: {', '.join(map(str, known))}"
    is_permanent = bool(known) and known[0] >= PERMANENT
    return PermanentDeliveryError(text) if is_permanent else DeliveryError(text)
