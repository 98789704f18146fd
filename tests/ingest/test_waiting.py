"""What came before the build of its image is of that build as soon as the build is there."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import Project
from builds.models import Build
from builds.signals import build_recorded
from ingest.digest import digest_payload
from ingest.models import IngestPayload
from inspections.models import Inspection
from inspections.services import AWAITING
from sboms.models import Sbom
from security.awaiting import ASKED_FOR
from security.models import Scan
from tests.ingest.sending import progress, send
from tests.inspections.making import check, looked, taken
from tests.sboms.bills import cyclonedx, sent
from tests.security.making import digest, report, scanned, vulnerability

pytestmark = pytest.mark.django_db
OLD = "pkg:npm/left-pad@1.0.0"
Committing = Callable[..., Any]


@pytest.fixture(autouse=True)
def _new_months(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget partitions that a test committed in name only."""
    monkeypatch.setattr("builds.partitions._known", set())


def build_of(ci: APIClient, number: int) -> Build:
    """Send a build that made image ``number``."""
    metadata = json.dumps({"containerimage.digest": digest(number)}).encode()
    answer = send(ci, progress=progress(), metadata=metadata)
    assert answer.status_code == 201, answer.content
    return Build.objects.get(images__digest=digest(number))


def test_a_build_takes_what_waited_for_it_and_nothing_else(
    ci: APIClient, django_capture_on_commit_callbacks: Committing
):
    for number in (1, 2):
        scanned(ci, report(number, vulnerability(f"CVE-{number}")), service="shop")
        sent(ci, cyclonedx(number, OLD))
        taken(ci, looked(number, check("user"), service="shop"))
    with django_capture_on_commit_callbacks(execute=True):
        build = build_of(ci, 1)
    look, other_look = Inspection.objects.order_by("pk")
    assert (look.build, look.image.digest, other_look.build) == (build, digest(1), None)
    bill, other_bill = Sbom.objects.order_by("pk")
    assert (bill.build, bill.in_use is not None, other_bill.build) == (build, True, None)
    first, second = Scan.objects.order_by("pk")
    assert first.payload_link.payload.state == IngestPayload.State.RECEIVED
    assert second.payload_link.payload.state == IngestPayload.State.DONE
    digest_payload(first.payload_link.payload_id)
    first.refresh_from_db()
    assert (first.build, second.build) == (build, None)


def test_a_build_of_another_project_takes_nothing(
    ci: APIClient, carol: Any, django_capture_on_commit_callbacks: Committing
):
    taken(ci, looked(1, check("user"), service="shop"))
    inspection = Inspection.objects.get()
    inspection.project = Project.objects.get(name="Elsewhere")
    inspection.save()
    with django_capture_on_commit_callbacks(execute=True):
        build_of(ci, 1)
    inspection.refresh_from_db()
    assert inspection.build is None


def test_much_that_waits_for_ever_is_in_nobodys_way(ci: APIClient, monkeypatch: Any):
    monkeypatch.setattr("security.awaiting.ASKED_AT_ONCE", 2)
    for number in range(1, 6):
        taken(ci, looked(number, check("user"), service="shop"))
    build_of(ci, 5)
    assert AWAITING.place_known() == 1
    assert Inspection.objects.get(build__isnull=False) == Inspection.objects.latest("pk")


def test_what_has_waited_long_is_not_asked_about_and_placed_all_the_same(
    ci: APIClient, django_capture_on_commit_callbacks: Committing
):
    for number in (1, 2):
        taken(ci, looked(number, check("user"), service="shop"))
    old, _ = Inspection.objects.order_by("pk")
    Inspection.objects.filter(pk=old.pk).update(received_at=timezone.now() - ASKED_FOR)
    build = build_of(ci, 1)
    build_of(ci, 2)
    assert AWAITING.place_known() == 1, "of one it is asked"
    with django_capture_on_commit_callbacks(execute=True):
        build_recorded.send(sender=Build, build=build, listed_before=None)
    old.refresh_from_db()
    assert old.build is not None
