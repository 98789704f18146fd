"""The first page of security: what changed, what waits for a person, and how services stand.

The number of queries does not grow with the number of findings, images or services.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.db.models import Count, Q, Sum
from django.urls import reverse
from django.utils import timezone

from accounts.models import Project
from bases.models import BaseImage, BaseUse
from builds.models import Service
from policies.models import Verdict
from policies.pages import BADGES as OUTCOMES
from reports.finding_changes import Moved, changes_of
from reports.newest_images import NewestImage, newest_images
from reports.security_waiting import waiting_of
from security.models import Finding, FindingDay, Severity
from security.severities import badge_of, word_of

PERIODS = ((7, "7 days"), (30, "30 days"), (90, "90 days"))
DEFAULT_DAYS = 7
MOST_SERVICES = 100


class PeriodForm(forms.Form):
    """Over which days; what is no choice is not applied."""

    days = forms.TypedChoiceField(required=False, label="Period", choices=PERIODS, coerce=int)

    def __init__(self, query: Mapping[str, Any]) -> None:
        super().__init__({"days": str(DEFAULT_DAYS), **query})
        self.full_clean()

    @property
    def chosen(self) -> int:
        """The number of days."""
        return self.cleaned_data.get("days") or DEFAULT_DAYS


@dataclass(slots=True)
class Standing:
    """How one service stands now."""

    service: Service
    open: dict[int, int] = field(default_factory=dict)
    overdue: int = 0
    change: int = 0
    """Of what is open, in the period."""
    images: list[NewestImage] = field(default_factory=list)
    bases: list[BaseImage] = field(default_factory=list)

    @property
    def order(self) -> tuple[Any, ...]:
        """By which services are listed, the worst first."""
        severe = [-self.open.get(level, 0) for level in (Severity.CRITICAL, Severity.HIGH)]
        return (*severe, -self.overdue, -sum(self.open.values()), self.service.name)


def security_overview_page(project: Project, query: Mapping[str, Any]) -> dict[str, Any]:
    """Return the context."""
    form = PeriodForm(query)
    days = form.chosen
    first = timezone.now().date() - timedelta(days=days - 1)
    images = newest_images(project)
    rows = standing_of(project, images, first)
    changes = changes_of(project, first)
    return {
        "days": days,
        "form": form,
        "changes": changes,
        "moved": [_moved_line(project, row) for row in changes.moved if _is_told(row)],
        "bringers": [
            *(("service", item) for item in changes.services),
            *(("build", item) for item in changes.builds),
            *(("origin", item) for item in changes.origins),
        ],
        "waiting": waiting_of(project, images),
        "rows": [service_line(project, row) for row in rows[:MOST_SERVICES]],
        "left_off": max(0, len(rows) - MOST_SERVICES),
        "starts": starts_of(images) if images else [],
        "has_images": bool(images),
        "assessment": reverse("reports:assessment", args=[project.slug]),
    }


def standing_of(project: Project, images: Sequence[NewestImage], first: date) -> list[Standing]:
    """Return how services stand that have an image or a finding, the worst first."""
    services = Service.objects.filter(project=project).select_related("project")
    rows = {service.pk: Standing(service) for service in services}
    findings = Finding.objects.filter(project=project).open().order_by()
    late = Count("pk", filter=Q(due_at__lte=timezone.now()))
    counted = findings.values_list("service", "severity").annotate(all=Count("pk"), late=late)
    for service, severity, count, overdue in counted:
        rows[service].open[severity] = count
        rows[service].overdue += overdue
    later = FindingDay.objects.filter(project=project, environment="", day__gte=first)
    for service, change in later.order_by().values_list("service").annotate(Sum("opened")):
        rows[service].change = change
    for image in images:
        rows[image.service.pk].images.append(image)
    for service, base in _bases(project):
        rows[service].bases.append(base)
    told = [row for row in rows.values() if row.images or row.open or row.change]
    return sorted(told, key=lambda row: row.order)


def _bases(project: Project) -> list[tuple[int, BaseImage]]:
    uses = BaseUse.objects.filter(service__project=project).standing().final()
    related = uses.select_related("image__project", "image__repository").order_by("pk")
    return [(use.service_id, use.image) for use in related]


def _is_told(row: Moved) -> bool:
    """Severities that matter are told even if nothing has them."""
    there = row.open or row.came or row.back or row.went or row.change
    return bool(there) or row.severity >= Severity.MEDIUM


def _moved_line(project: Project, row: Moved) -> dict[str, Any]:
    query = urlencode({"state": "open", "severity": row.severity.label})
    return {
        "moved": row,
        "label": word_of(row.severity),
        "badge": badge_of(row.severity),
        "href": f"{reverse('security:findings', args=[project.slug])}?{query}",
        **change_of(row.change),
    }


def change_of(change: int) -> dict[str, str]:
    """Return a change of what is open, in words, and whether that is good."""
    verdict = "worse" if change > 0 else "better" if change < 0 else "same"
    return {"change": f"{change:+d}" if change else "0", "verdict": verdict}


def service_line(project: Project, row: Standing) -> dict[str, Any]:
    """Return what a line about a service shows; what is not known is ``None``."""
    listed = reverse("security:findings", args=[project.slug])
    own = f"{listed}?service={row.service.slug}"
    base = min(row.bases, key=_made_at, default=None)
    return {
        "service": row.service,
        "href": f"{own}&state=open",
        "overdue_href": f"{own}&due=overdue",
        "critical": row.open.get(Severity.CRITICAL, 0),
        "high": row.open.get(Severity.HIGH, 0),
        "open": sum(row.open.values()),
        "overdue": row.overdue,
        **change_of(row.change),
        "base": base,
        **_of_images(row.images),
    }


def _made_at(base: BaseImage) -> datetime:
    """When a base was made; one of which that is not known is the last that is taken."""
    return base.created_at or timezone.now()


WORST = (Verdict.Outcome.FAIL, Verdict.Outcome.UNKNOWN, Verdict.Outcome.PASS)


def _of_images(images: Sequence[NewestImage]) -> dict[str, Any]:
    """Return the worst of what is known of a service's newest images."""
    verdicts = sorted(
        (image.verdict for image in images if image.verdict),
        key=lambda verdict: WORST.index(Verdict.Outcome(verdict.outcome)),
    )
    scans = [image.scan for image in images]
    known = [scan for scan in scans if scan]
    is_scanned = bool(known) and len(known) == len(scans)
    signed = [image.verification for image in images if image.verification]
    looked = [image for image in images if image.inspection]
    return {
        "image": images[0] if images else None,
        "gate": verdicts[0] if verdicts else None,
        "gate_badge": OUTCOMES[verdicts[0].outcome] if verdicts else "",
        "scan": min(known, key=lambda scan: scan.scanned_at) if is_scanned else None,
        "verification": min(signed, key=lambda item: item.passed, default=None),
        "worst_look": max(looked, key=lambda image: image.failing, default=None),
        "failing": sum(image.failing for image in looked),
    }


STARTS: tuple[tuple[str, str, str, str], ...] = (
    ("scan", "Scan an image", "Findings come with it", "buildinsights scan IMAGE"),
    (
        "inspection",
        "Inspect an image",
        "Its configuration and layers are checked",
        "buildinsights inspect IMAGE",
    ),
    (
        "sbom",
        "Send what is in it",
        "Packages are found wherever they are",
        "buildinsights sbom IMAGE",
    ),
    (
        "verification",
        "Sign and verify it",
        "Who built it from what is known, and held against a policy",
        "buildinsights sign IMAGE && buildinsights verify IMAGE --environment production",
    ),
)


def starts_of(images: Sequence[NewestImage]) -> list[dict[str, str]]:
    """Return what nobody does yet for any newest image, and how to begin."""
    return [
        {"title": title, "text": text, "command": command}
        for name, title, text, command in STARTS
        if not any(getattr(image, name) for image in images)
    ]
