"""Reports that come in another order than they were made in, at once, or by a wrong clock."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from threading import Barrier, Thread
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import Project, User
from accounts.roles import Scope
from security.models import FindingEvent, Presence, Scan
from security.recording import NEWER
from tests.security.test_life import built, report, scanned, states, vulnerability
from tests.security.test_reports import send

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def made(hours: float, number: int | None, *found: dict[str, Any], **more: Any) -> bytes:
    """A report that was made so many hours after noon."""
    at = (NOON + timedelta(hours=hours)).isoformat().replace("+00:00", "Z")
    return report(number, *found, CreatedAt=at, **more)


@pytest.mark.django_db
def test_a_report_that_waited_neither_opens_again_nor_ends(
    ci: APIClient, project: Project, client: Client, alice: User
):
    built(project, 1)
    scanned(ci, made(0, 1, vulnerability("CVE-1"), vulnerability("CVE-2")))
    scanned(ci, made(2, 1, vulnerability("CVE-2"), vulnerability("CVE-3")))
    late = scanned(ci, made(1, 1, vulnerability("CVE-1"), vulnerability("CVE-2")))
    assert (late.is_late, late.came, late.went) == (True, 0, 0)
    assert states() == {"CVE-1": "fixed", "CVE-2": "open", "CVE-3": "open"}
    assert FindingEvent.objects.filter(scan=late).count() == 0
    client.force_login(alice)
    assert "changed no finding" in client.get(late.get_absolute_url()).content.decode()


@pytest.mark.django_db
def test_a_newer_image_counts_whenever_it_was_scanned(ci: APIClient, project: Project):
    built(project, 1), built(project, 2)
    scanned(ci, made(2, 1, vulnerability("CVE-1")))
    newer = scanned(ci, made(1, 2, vulnerability("CVE-2")))
    assert not newer.is_late
    assert states() == {"CVE-1": "fixed", "CVE-2": "open"}


@pytest.mark.django_db
def test_of_a_report_that_waited_counts_what_nobody_looked_for_later(
    ci: APIClient, project: Project
):
    built(project, 1)
    scanned(ci, made(2, 1, vulnerability("CVE-1")))
    check = {"ID": "DS002", "Severity": "HIGH", "Status": "FAIL", "Title": "root", "Message": "x"}
    packages = {"Target": "api", "Class": "os-pkgs", "Vulnerabilities": [vulnerability("CVE-2")]}
    config = {"Target": "Dockerfile", "Class": "config", "Misconfigurations": [check]}
    late = scanned(ci, made(1, 1, Results=[packages, config]))
    assert (late.is_late, late.came, late.went) == (False, 1, 0)
    assert late.problems == [NEWER.format(kinds="vulnerability")]
    assert states() == {"CVE-1": "open", "DS002": "open"}


@pytest.mark.django_db
def test_of_clocks_that_differ_a_little_the_later_receipt_counts(ci: APIClient, project: Project):
    built(project, 1)
    first = scanned(ci, made(1, 1, vulnerability("CVE-1")))
    second = scanned(ci, made(1 - 50 / 3600, 1, vulnerability("CVE-2")))
    assert (second.is_late, second.scanned_at) == (False, first.scanned_at)
    assert states() == {"CVE-1": "fixed", "CVE-2": "open"}


def received(scan: Scan, at: datetime) -> None:
    Scan.objects.filter(pk=scan.pk).update(received_at=at)


@pytest.mark.django_db
def test_a_clock_that_was_put_back_holds_up_one_scan(ci: APIClient, project: Project):
    built(project, 1)
    now = timezone.now()
    lag = timedelta(days=3)
    right = scanned(ci, made((now - NOON) / timedelta(hours=1), 1, vulnerability("CVE-1")))
    received(right, now - timedelta(hours=2))

    def behind(name: str) -> Scan:
        hours = (timezone.now() - lag - NOON) / timedelta(hours=1)
        return scanned(ci, made(hours, 1, vulnerability(name)))

    first = behind("CVE-2")
    assert first.is_late
    assert behind("CVE-3").is_late  # at the same time: both may have waited
    received(first, now - timedelta(hours=1))
    Scan.objects.filter(pk=first.pk).update(scanned_at=now - timedelta(hours=1) - lag)
    for name in ("CVE-4", "CVE-5"):
        scan = behind(name)
        assert (scan.is_late, scan.scanned_at) == (False, scan.received_at)
    assert {name for name, state in states().items() if state == "open"} == {"CVE-5"}


@pytest.mark.django_db(transaction=True)
def test_two_reports_of_one_image_and_moment_sent_at_once_are_told_one_after_another(
    project: Project, api_of: Callable[..., APIClient]
):
    built(project, 1)
    bodies = [
        made(0, 1, vulnerability("CVE-1"), vulnerability("CVE-2")),
        made(0, 1, vulnerability("CVE-2"), vulnerability("CVE-3")),
    ]
    start = Barrier(2)
    answers: list[int] = []

    def post(sender: APIClient, body: bytes) -> None:
        start.wait(30)
        answers.append(send(sender, body).status_code)
        connection.close()

    senders = [api_of(Scope.INGEST_WRITE) for _ in bodies]
    threads = [Thread(target=post, args=pair) for pair in zip(senders, bodies, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert answers == [201, 201]
    first, last = Scan.objects.order_by("pk")
    assert not first.is_late
    assert not last.is_late
    # The one that was told last holds, and what it lacks has gone.
    came = Presence.objects.get(since=last).finding.name
    [gone] = {"CVE-1", "CVE-3"} - {came}
    assert states() == {gone: "fixed", came: "open", "CVE-2": "open"}
    assert (last.came, last.went) == (1, 1)
    told = FindingEvent.objects.filter(finding__name=gone).order_by("pk")
    assert list(told.values_list("kind", "scan")) == [("opened", first.pk), ("fixed", last.pk)]
