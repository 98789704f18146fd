"""Addresses that e-mails lead to: of this server as people reach it."""

from uuid import UUID

from django.core.signing import BadSignature, Signer
from django.urls import reverse

from channels import addresses
from reports.models import ReportRecipient

SIGNER_SALT = "reports.unsubscribe"


def absolute(path: str) -> str:
    """Return a path of this site as a whole address; of no path none."""
    return addresses.absolute(path) if path.startswith("/") else ""


def token_of(recipient: ReportRecipient) -> str:
    """Return what proves that somebody has an e-mail to this recipient; it does not expire."""
    return Signer(salt=SIGNER_SALT).sign(recipient.public_id.hex)


def recipient_of(token: str) -> ReportRecipient | None:
    """Return whom a token is of; ``None`` if nobody made it, or if they are gone."""
    try:
        public_id = UUID(Signer(salt=SIGNER_SALT).unsign(token))
    except (BadSignature, ValueError):
        return None
    known = ReportRecipient.objects.select_related("schedule__project", "user")
    return known.filter(public_id=public_id).first()


def unsubscribe_url(recipient: ReportRecipient) -> str:
    """Return the address of the page that ends the e-mails, and to which clients post."""
    return absolute(reverse("unsubscribe", args=[token_of(recipient)]))
