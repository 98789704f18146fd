"""A waiver that is approved while a scan is being recorded covers what the scan brings."""

from datetime import timedelta
from threading import Event, Thread
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import Project, User
from security import recording
from security.models import Finding, Waiver
from security.waiver_form import drafted
from security.waivers import approve_waiver, ask_for_waiver
from tests.security.making import report, scanned, vulnerability

PATIENCE_SECONDS = 30


def waits_for_a_lock() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
        return bool(cursor.fetchone()[0])


@pytest.mark.django_db(transaction=True)
def test_an_approval_waits_for_the_scan_that_is_being_recorded(
    ci: APIClient, project: Project, alice: User, dave: User, monkeypatch: pytest.MonkeyPatch
):
    scanned(ci, report(None, vulnerability("CVE-1")), service="api")
    asked = ask_for_waiver(
        waiver=drafted(Finding.objects.select_related("service").get(), Waiver.Scope.PROJECT),
        kind=Waiver.Kind.ACCEPTED,
        reason="Not reachable.",
        expires_at=timezone.now() + timedelta(days=9),
        actor=alice,
    )
    at_work, may_end = Event(), Event()
    settle = recording.changing

    class Slow:
        """Settles, and then takes its time until the transaction ends."""

        def __init__(self, *arguments: Any) -> None:
            self.inner = settle(*arguments)

        def __enter__(self) -> Any:
            return self.inner.__enter__()

        def __exit__(self, *details: Any) -> None:
            self.inner.__exit__(*details)
            at_work.set()
            may_end.wait(PATIENCE_SECONDS)

    monkeypatch.setattr(recording, "changing", Slow)
    body = report(None, vulnerability("CVE-1", "curl"), vulnerability("CVE-1"))

    def scan() -> None:
        scanned(ci, body, service="api")
        connection.close()

    def approve() -> None:
        approve_waiver(waiver=asked, actor=dave)
        connection.close()

    scanning, approving = Thread(target=scan), Thread(target=approve)
    scanning.start()
    assert at_work.wait(PATIENCE_SECONDS)
    approving.start()
    while approving.is_alive() and not waits_for_a_lock():
        approving.join(0.05)
    assert approving.is_alive()
    may_end.set()
    for thread in (scanning, approving):
        thread.join(PATIENCE_SECONDS)
    assert list(Finding.objects.values_list("state", flat=True)) == ["waived", "waived"]
