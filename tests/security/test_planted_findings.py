"""Planted findings are told as they were planted, over builds of a real engine.

The reports are made up of the recorded images' digests and layers; demo/README.md says how.
"""

import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.core.management import call_command
from django.utils import timezone

from accounts.models import User
from accounts.services import create_project
from builds.models import Build
from ingest.demo import KNOWN_CAUSES, ingest_samples, load_planted
from policies.models import Verdict
from security.models import Finding, FindingDay, FindingEvent, Scan
from tests.conftest import ROOT

pytestmark = pytest.mark.django_db

BASE = "localhost:5000/planted/busybox:1"


@dataclass(frozen=True, slots=True)
class Told:
    """A finding as it is to be told; builds by their number in the service, from 0."""

    name: str
    service: str
    came_with: int
    fixed_by: int | None = None
    is_from_base: bool = False
    instruction: str = ""


COPIES = "COPY --from="
EXPECTED = {
    *(Told("CVE-0000-0001", name, 0, None, True, "FROM") for name in ("codec", "ledger", "maps")),
    Told("CVE-0000-0001", "mailer", 0, None, True, "FROM"),
    Told("CVE-0000-0001", "photos", 0, 26, True, "FROM"),
    Told("CVE-0000-0001", "quiet", 0, 28, True, "FROM"),
    Told("CVE-0000-0002", "photos", 26, None, True, "FROM"),
    Told("CVE-0000-0003", "mailer", 26, None, False, f"{COPIES}build /opt/toolchain"),
    Told("CVE-0000-0004", "codec", 0, 30, False, f"{COPIES}packages /app/lib"),
    *(
        Told("CVE-0000-0004", name, 0, None, False, f"{COPIES}packages /app/lib")
        for name in ("maps", "mailer", "photos", "quiet")
    ),
    *(
        Told("CVE-0000-0005", name, 0, None, False, f"{COPIES}packages /app/lib")
        for name in ("codec", "ledger", "maps", "mailer", "photos")
    ),
    Told("CVE-0000-0005", "quiet", 0, 15, False, f"{COPIES}packages /app/lib"),
    Told("CVE-0000-0006", "ledger", 24, None, False, f"{COPIES}build /app/out"),
}


def numbers() -> dict[int, int]:
    """Return the number of each build in its service, by its key."""
    found: dict[int, int] = {}
    counted: dict[int, int] = {}
    for pk, service in Build.objects.order_by("listed_at").values_list("pk", "service"):
        found[pk] = counted[service] = counted.get(service, -1) + 1
    return found


def told(finding: Finding, number: dict[int, int]) -> Told:
    words = " ".join(finding.instruction.partition("] ")[2].split()[:3])
    assert finding.introduced_by_id is not None
    return Told(
        name=finding.name,
        service=finding.service.slug,
        came_with=number[finding.introduced_by_id],
        fixed_by=number[finding.fixed_by_id] if finding.fixed_by_id else None,
        is_from_base=bool(finding.is_from_base),
        instruction="FROM" if finding.is_from_base else words,
    )


def test_each_is_told_with_its_cause_and_its_end_and_counts_in_verdicts(alice: User):
    User.objects.filter(pk=alice.pk).update(is_superuser=True)
    project = create_project(name=KNOWN_CAUSES, owner=alice)
    samples = load_planted(timezone.now())
    states = {payload.state for payload in ingest_samples(samples, project=project, actor=alice)}
    assert states == {"done"}
    number = numbers()
    each_came_and_went_as_planted(number)
    what_came_back_is_reopened_at_the_time_of_its_scan(number)
    call_command("judge_demo")
    call_command("judge_demo")
    who_took_the_base_published_anew_passes()


def each_came_and_went_as_planted(number: dict[int, int]) -> None:
    findings = list(Finding.objects.select_related("service"))
    assert {told(finding, number) for finding in findings} == EXPECTED
    assert len(findings) == len(EXPECTED)
    states = {(finding.state, finding.fixed_by_id is None) for finding in findings}
    assert states == {("open", True), ("fixed", False)}
    assert all(finding.title.startswith("Planted: ") for finding in findings)
    assert {finding.base for finding in findings if finding.is_from_base} == {BASE}
    assert not Scan.objects.filter(build=None).exists(), "each report is of a recorded image"
    assert not Scan.objects.filter(is_late=True).exists()


def what_came_back_is_reopened_at_the_time_of_its_scan(number: dict[int, int]) -> None:
    [back] = Finding.objects.filter(times_reopened__gt=0)
    events = FindingEvent.objects.filter(finding=back).order_by("at").select_related("build")
    assert [(event.kind, number[event.build_id]) for event in events if event.build_id] == [
        ("opened", 5),
        ("fixed", 12),
        ("reopened", 24),
    ]
    assert all(event.build and event.build.listed_at < event.at for event in events)
    assert FindingDay.objects.values("day").distinct().count() > 5, "told over days, not at once"


def who_took_the_base_published_anew_passes() -> None:
    verdicts = Verdict.objects.order_by("outcome", "build__service__slug")
    assert list(verdicts.values_list("outcome", "build__service__slug")) == [
        *(("fail", name) for name in ("codec", "ledger", "mailer", "maps")),
        *(("pass", name) for name in ("photos", "quiet")),
        *(("unknown", name) for name in ("fonts", "tiles")),
    ]


def test_the_reports_are_those_of_their_generator(tmp_path: Path):
    made = tmp_path / "reports.zip"
    command = [sys.executable, "demo/report_planted.py", "--out", str(made)]
    subprocess.run(command, cwd=ROOT, check=True, timeout=120)
    with (
        zipfile.ZipFile(made) as now,
        zipfile.ZipFile(ROOT / "demo" / "planted" / "reports.zip") as kept,
    ):
        assert now.namelist() == kept.namelist()
        assert all(now.read(name) == kept.read(name) for name in now.namelist())
