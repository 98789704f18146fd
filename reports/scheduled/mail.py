"""A report as e-mail: HTML and plain text of the same, charts inside, nothing fetched from outside.

Each recipient has an e-mail of its own, with a link that ends them (RFC 8058).
"""

import email.policy
from collections.abc import Mapping
from email.message import EmailMessage
from typing import Any

from django.core.mail import EmailMultiAlternatives

from channels.kinds.contract import NothingToTellError
from channels.models import Delivery
from reports.models import ReportRecipient, ReportRun
from reports.scheduled.drawing import png_of
from reports.scheduled.links import absolute, unsubscribe_url
from reports.scheduled.optimisation import Optimisation
from reports.scheduled.pdf import as_pdf
from reports.scheduled.rendering import as_html, as_text


class ReportMail(EmailMultiAlternatives):
    """An e-mail whose HTML has ``pictures``: PNG by the name that the HTML calls it."""

    pictures: Mapping[str, bytes] = {}

    def message(self, *, policy: Any = email.policy.default) -> EmailMessage:
        """Return it with the pictures beside the HTML, as multipart/related."""
        made = super().message(policy=policy)
        assert isinstance(made, EmailMessage)  # noqa: S101  # what Django makes of this policy
        page = made.get_body(("html",))
        for name, picture in self.pictures.items():
            assert isinstance(page, EmailMessage)  # noqa: S101  # it is attached below
            page.add_related(
                picture,
                "image",
                "png",
                cid=f"<{name}>",
                disposition="inline",
                filename=f"{name}.png",
            )
        return made


def compose(delivery: Delivery) -> ReportMail:
    """Return the e-mail of one recipient.

    Raises:
        NothingToTellError: they have unsubscribed or left, or the report is gone.
    """
    facts = delivery.message
    run = ReportRun.objects.filter(public_id=facts["run"]).select_related("project").first()
    if run is None or run.report is None:
        raise NothingToTellError("The report is no longer there.")
    people = ReportRecipient.objects.receiving().select_related("schedule__project", "user")
    person = people.filter(public_id=facts["recipient"]).first()
    if person is None:
        raise NothingToTellError("They have unsubscribed, or left the project.")
    return mail_of(run, run.report, person, list(delivery.recipients))


def mail_of(
    run: ReportRun, report: Optimisation, person: ReportRecipient, to: list[str]
) -> ReportMail:
    """Return the e-mail of a report to a recipient."""
    leave = unsubscribe_url(person)
    links = {"page": absolute(run.get_absolute_url()), "unsubscribe": leave}
    made = ReportMail(
        report.subject,
        as_text(report, links),
        to=to,
        headers={
            "List-Unsubscribe": f"<{leave}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        },
    )
    pictures = pictures_of(report)
    made.pictures = pictures
    sources = {name: f"cid:{name}" for name in pictures}
    made.attach_alternative(as_html(report, sources, links), "text/html")
    if person.schedule.attaches_pdf:
        made.attach(f"{run.file_name}.pdf", as_pdf(report), "application/pdf")
    return made


def pictures_of(report: Optimisation) -> dict[str, bytes]:
    """Return the charts of a report by the keys of their parts."""
    drawn: dict[str, Any] = {
        section.key: png_of(section.chart) for section in report.sections if section.chart
    }
    return {name: picture for name, picture in drawn.items() if picture}
