"""Reports as e-mail: what arrives, read again as MIME; and what strangers named stays text."""

import csv
import email
import email.policy
import io
import re
from email.message import EmailMessage
from html.parser import HTMLParser
from typing import Any

import pytest
import time_machine

from accounts.models import Membership, Project, User
from buildinsights.csv import lines
from builds.models import Service
from channels.composing import compose
from channels.models import Delivery
from channels.sending import send_due
from reports.models import ReportRun, ReportSchedule
from reports.scheduled.drawing import png_of
from reports.scheduled.optimisation import Chart, Optimisation, Point
from reports.scheduled.pdf import as_pdf
from reports.scheduled.rendering import COLUMNS, as_html, as_rows, as_text
from reports.scheduled.running import dispatch_due, make_waiting
from tests.farm.test_notices import Inbox, inbox  # noqa: F401  # a fixture
from tests.reports.scheduled.conftest import DAY, NOW, MakeSchedule, add, added_up
from tests.reports.test_assessment import text_of

pytestmark = pytest.mark.django_db

HOSTILE = "=1+1 <script>alert(1)</script>\r\nBcc: all@example.org\u202egnp.exe"
PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def delivery(make_schedule: MakeSchedule, service: Service, settings: Any, bob: User) -> Delivery:
    """What is queued for Bob after two weeks with builds."""
    settings.PUBLIC_URL = "https://builds.example.org/"
    with time_machine.travel(NOW, tick=False):
        add(service, 10, 10, 10, 10, 10)
        add(service, 3, 20, 20, 20, 20)
        added_up()
        make_schedule(bob)
        dispatch_due()
        make_waiting()
    return Delivery.objects.get()


def parsed(message: Any) -> EmailMessage:
    found = email.message_from_bytes(message.message().as_bytes(), policy=email.policy.default)
    assert isinstance(found, EmailMessage)
    return found


def body_of(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    assert isinstance(part, EmailMessage)
    return str(part.get_content())


class Addresses(HTMLParser):
    """Collects whatever a mail client would fetch or lead to."""

    def __init__(self) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.links: list[str] = []
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            if name in {"src", "background", "srcset"}:
                self.fetched.append(value)
            if name == "href":
                self.links.append(value)


class TestMessage:
    def test_it_is_read_again_as_it_was_meant(self, delivery: Delivery):
        message = parsed(compose(delivery))
        assert message["To"] == "bob@example.com"
        assert message["Subject"].startswith("[Shop] Weekly: ")
        assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        [leave] = re.findall(
            r"<(https://builds\.example\.org/unsubscribe/\S+)>", message["List-Unsubscribe"]
        )
        plain, page = body_of(message, "plain"), body_of(message, "html")
        assert leave in plain
        assert leave in page
        assert "4 builds, 0 failed" in plain
        assert "4 builds, 0 failed" in page

    def test_pictures_are_inside_and_nothing_else_is_fetched(self, delivery: Delivery):
        message = parsed(compose(delivery))
        seen = Addresses()
        seen.feed(body_of(message, "html"))
        pictures = {
            part["Content-ID"].strip("<>"): part.get_content()
            for part in message.walk()
            if part.get_content_type() == "image/png"
        }
        assert seen.fetched == [f"cid:{name}" for name in pictures]
        assert pictures
        assert all(picture.startswith(PNG) for picture in pictures.values())
        assert "link" not in seen.tags
        assert "script" not in seen.tags
        assert all(link.startswith("https://builds.example.org/") for link in seen.links)
        assert not re.search(r"@import|url\(", body_of(message, "html"))
        assert 'alt="Median wall time by week' in body_of(message, "html")

    def test_the_pdf_is_attached_where_it_is_wanted(self, delivery: Delivery):
        assert not list(parsed(compose(delivery)).iter_attachments())
        ReportSchedule.objects.update(attaches_pdf=True)
        message = parsed(compose(delivery))
        assert message.get_content_type() == "multipart/mixed"
        [attached] = message.iter_attachments()
        assert attached.get_content_type() == "application/pdf"
        assert attached.get_filename() == "report-shop-2026-11-29.pdf"
        run = ReportRun.objects.get()
        assert run.report is not None
        assert attached.get_content() == as_pdf(run.report)
        assert "4 builds, 0 failed" in body_of(message, "plain")
        assert "4 builds, 0 failed" in body_of(message, "html")
        kinds = [part.get_content_type() for part in message.walk()]
        assert kinds[:5] == [
            "multipart/mixed",
            "multipart/alternative",
            "text/plain",
            "multipart/related",
            "text/html",
        ]

    def test_each_recipient_has_a_link_of_their_own(self, make_schedule: MakeSchedule, alice: User):
        with time_machine.travel(NOW, tick=False):
            make_schedule(alice, "boss@example.org")
            dispatch_due()
            make_waiting()
        links = {parsed(compose(row))["List-Unsubscribe"] for row in Delivery.objects.all()}
        assert len(links) == 2

    def test_a_period_with_nothing_to_say_is_one_line(
        self, make_schedule: MakeSchedule, service: Service
    ):
        with time_machine.travel(NOW, tick=False):
            make_schedule()
            dispatch_due()
            make_waiting()
        message = parsed(compose(Delivery.objects.get()))
        assert message["Subject"] == "[Shop] Weekly: nothing to tell"
        first, *others = body_of(message, "plain").partition("\n\n-- \n")
        assert first == "Shop, Weekly, 23 Nov 2026 to 29 Nov 2026: nothing to tell."
        assert others
        assert "<h2" not in body_of(message, "html")

    def test_what_was_sent_is_the_same_later(self, delivery: Delivery, service: Service):
        run = ReportRun.objects.get()
        assert run.report is not None
        before = as_html(run.report, {}), as_text(run.report), as_pdf(run.report)
        with time_machine.travel(NOW + DAY, tick=False):
            add(service, 4, 90, 90)
            added_up()
            Service.objects.update(name="renamed")
            again = ReportRun.objects.get().report
            assert again is not None
            assert (as_html(again, {}), as_text(again), as_pdf(again)) == before


class TestHostileNames:
    @pytest.fixture
    def report(
        self, make_schedule: MakeSchedule, service: Service, project: Project
    ) -> Optimisation:
        Project.objects.filter(pk=project.pk).update(name=HOSTILE)
        Service.objects.filter(pk=service.pk).update(name=HOSTILE)
        with time_machine.travel(NOW, tick=False):
            add(service, 3, 20, 20, 20, 20)
            add(
                service,
                2,
                20,
                status="failed",
                failure_message=HOSTILE,
                failure_class="command",
                failure_fingerprint="f1",
            )
            added_up()
            make_schedule(name=HOSTILE)
            dispatch_due()
            make_waiting()
        report = ReportRun.objects.get().report
        assert report is not None
        return report

    def test_they_are_text_in_the_e_mail(self, report: Optimisation):
        message = parsed(compose(Delivery.objects.get()))
        assert "Bcc" not in message.keys()  # noqa: SIM118  # headers of any case
        assert message["Subject"].startswith("[=1+1 <script>alert(1)</script> Bcc: all@")
        seen = Addresses()
        seen.feed(body_of(message, "html"))
        assert "script" not in seen.tags
        assert "&lt;script&gt;" in body_of(message, "html")
        for kind in ("plain", "html"):
            assert "\u202e" not in body_of(message, kind)
            assert "\r\nBcc" not in body_of(message, kind)

    def test_they_are_no_formula_in_the_csv(self, report: Optimisation):
        table = "".join(lines(COLUMNS, as_rows(report)))
        rows = list(csv.DictReader(io.StringIO(table)))
        named = {row["item"] for row in rows if "script" in row["item"]}
        assert named
        assert all(name.startswith("'=1+1") for name in named)

    def test_they_are_text_in_the_pdf(self, report: Optimisation):
        made = as_pdf(report)
        told = text_of(made)
        assert "<script>alert(1)</script>" in told.replace(" ", "").replace("Bcc", " ")
        assert "\u202e" not in told
        assert b"/URI" not in made
        assert b"/JavaScript" not in made


def test_the_same_chart_is_the_same_picture():
    points = tuple(Point(f"{at} wk ago", at / 10, f"{at}") for at in range(8))
    chart = Chart("Hits", "words", "ratio", points)
    first = png_of(chart)
    assert first == png_of(chart)
    assert first.startswith(PNG)


def test_a_chart_that_cannot_be_drawn_is_left_out():
    assert png_of(Chart("Hits", "words", "furlongs", (Point("now", 1, "1"),))) == b""


class TestSending:
    """With the worker that sends, to a real mail server."""

    def test_each_recipient_gets_one_e_mail(self, delivery: Delivery, inbox: Inbox):  # noqa: F811
        assert send_due() == 1
        assert send_due() == 0
        [(recipients, mail)] = inbox.messages
        assert recipients == ["bob@example.com"]
        assert mail["Message-ID"] == f"<{delivery.public_id}@builds.example.com>"
        assert mail["Auto-Submitted"] == "auto-generated"
        kinds = [part.get_content_type() for part in mail.walk()]
        assert kinds[:3] == ["multipart/alternative", "text/plain", "multipart/related"]
        assert kinds[3:5] == ["text/html", "image/png"]
        delivery.refresh_from_db()
        assert delivery.state == "sent"

    def test_who_has_left_gets_none_and_the_row_says_so(
        self,
        delivery: Delivery,
        inbox: Inbox,  # noqa: F811
        bob: User,
    ):
        Membership.objects.filter(user=bob).delete()
        send_due()
        assert inbox.messages == []
        delivery.refresh_from_db()
        assert (delivery.state, delivery.tries) == ("dropped", 1)
        assert "left the project" in delivery.error
