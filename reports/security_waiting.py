"""What in a project's security waits for a person: what, why, since when, and where to do it."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Min, Q
from django.urls import reverse
from django.utils import timezone

from accounts.models import Project
from bases.drift import drifts_of
from bases.models import BaseImage
from policies.models import Verdict
from reports.newest_images import NewestImage
from security.models import Finding, Severity, Waiver

SOON = timedelta(days=14)
"""A waiver that ends within this is looked at again."""

OLD_SCAN = timedelta(days=30)
"""A newer database knows more: what was scanned longer ago is scanned again."""

NAMED = 3
MOST_BASES = 200

type Item = dict[str, Any]
"""``severity, title, why, since, href, action``; ``since`` may be missing."""


def waiting_of(project: Project, images: Sequence[NewestImage]) -> list[Item]:
    """Return what waits, the worst first."""
    items = [
        _refused(project, images),
        overdue_of(project),
        *_waivers(project),
        _not_scanned(project, images),
        _scanned_long_ago(project, images),
        _not_signed(project, images),
        _not_inspected(project, images),
        _bases(project),
    ]
    severities = ["critical", "high", "medium", "low"]
    return sorted(filter(None, items), key=lambda item: severities.index(item["severity"]))


def overdue_of(project: Project) -> Item | None:
    """Return what is told of open findings that were to be fixed by now."""
    found = Finding.objects.filter(project=project).overdue()
    severe = Count("pk", filter=Q(severity__gte=Severity.HIGH))
    told = found.aggregate(count=Count("pk"), severe=severe, since=Min("due_at"))
    if not told["count"]:
        return None
    return {
        "severity": "high" if told["severe"] else "medium",
        "title": f"{_counted(told['count'], 'finding')} overdue",
        "why": f"{told['severe']} of them critical or high; the days until a fix are over",
        "since": told["since"],
        "href": f"{reverse('security:findings', args=[project.slug])}?due=overdue",
        "action": "See them",
    }


def _waivers(project: Project) -> Iterable[Item | None]:
    own = Waiver.objects.filter(project=project)
    href = reverse("security:waivers", args=[project.slug])
    pending = own.in_state(Waiver.State.PENDING)
    yield _waiver_item(
        pending.aggregate(count=Count("pk"), since=Min("requested_at")),
        "medium",
        "{} for approval",
        "another person than the one who asked has to decide",
        href,
    )
    ending = own.in_state(Waiver.State.ACTIVE).filter(expires_at__lte=timezone.now() + SOON)
    told = ending.aggregate(count=Count("pk"), first=Min("expires_at"))
    yield _waiver_item(
        told | {"since": None},
        "medium",
        f"{{}} within {SOON.days} days",
        f"the first on {told['first']:%-d %b %Y}; its findings are open again then"
        if told["first"]
        else "",
        href,
    )


def _waiver_item(told: dict[str, Any], severity: str, title: str, why: str, href: str) -> Any:
    count = told["count"]
    if not count:
        return None
    verb = "end" if "within" in title else "wait"
    words = f"{_counted(count, 'waiver')} {verb}{'s' if count == 1 else ''}"
    return {
        "severity": severity,
        "title": title.format(words),
        "why": why,
        "since": told["since"],
        "href": href,
        "action": "See them",
    }


def _refused(project: Project, images: Sequence[NewestImage]) -> Item | None:
    """Newest images that may not ship, by the last verdict on each."""
    refused = [
        image for image in images if image.verdict and image.verdict.outcome == Verdict.Outcome.FAIL
    ]
    if not refused:
        return None
    first = refused[0].verdict
    reasons = first.said["reasons"] if first else []
    return {
        "severity": "high",
        "title": f"{_counted(len(refused), 'newest image')} refused by a policy",
        "why": f"{_names(refused)}. {reasons[0]['message'] if reasons else ''}",
        "since": min(image.verdict.at for image in refused if image.verdict),
        "href": first.get_absolute_url()
        if first and len(refused) == 1
        else f"{reverse('policies:verdicts', args=[project.slug])}?outcome=fail",
        "action": "See why",
    }


def _not_scanned(project: Project, images: Sequence[NewestImage]) -> Item | None:
    return _lacking(
        images,
        lambda image: image.scan,
        "that nobody scanned for vulnerabilities",
        "what is in them is not known. buildinsights scan IMAGE",
        reverse("security:findings", args=[project.slug]),
    )


def _scanned_long_ago(project: Project, images: Sequence[NewestImage]) -> Item | None:
    border = timezone.now() - OLD_SCAN
    old = [image for image in images if image.scan and image.scan.scanned_at < border]
    if not old:
        return None
    oldest: datetime = min(image.scan.scanned_at for image in old if image.scan)
    return _about_images(
        old,
        f"scanned more than {OLD_SCAN.days} days ago",
        "scanners know more by now. buildinsights scan IMAGE",
        reverse("security:findings", args=[project.slug]),
        since=oldest,
    )


def _not_signed(project: Project, images: Sequence[NewestImage]) -> Item | None:
    refused = [image for image in images if image.verification and not image.verification.passed]
    href = reverse("trust:signatures", args=[project.slug])
    if refused:
        since = min(image.verification.verified_at for image in refused if image.verification)
        words = "whose signature or provenance is not trusted"
        return _about_images(refused, words, "the verification says why", href, "high", since=since)
    return _lacking(
        images,
        lambda image: image.verification,
        "whose signature nobody verified",
        "others of the project were. buildinsights verify IMAGE",
        href,
    )


def _not_inspected(project: Project, images: Sequence[NewestImage]) -> Item | None:
    return _lacking(
        images,
        lambda image: image.inspection,
        "whose configuration nobody inspected",
        "others of the project were. buildinsights inspect IMAGE",
        reverse("inspections:checks", args=[project.slug]),
        "low",
    )


def _lacking(
    images: Sequence[NewestImage],
    told: Callable[[NewestImage], object],
    words: str,
    why: str,
    href: str,
    severity: str = "medium",
) -> Item | None:
    """Return an item about images of which something is not told, though it is of others.

    A project in which nobody does it at all is told once how to begin, and not image by image.
    """
    lacking = [image for image in images if not told(image)]
    if not lacking or len(lacking) == len(images):
        return None
    return _about_images(lacking, words, why, href, severity)


def _about_images(
    images: Sequence[NewestImage],
    words: str,
    why: str,
    href: str,
    severity: str = "medium",
    since: datetime | None = None,
) -> Item:
    return {
        "severity": severity,
        "title": f"{_counted(len(images), 'newest image')} {words}",
        "why": f"{_names(images)}: {why}",
        "since": since,
        "href": href,
        "action": "See them",
    }


def _bases(project: Project) -> Item | None:
    """Bases whose tag means another image by now."""
    standing = list(BaseImage.objects.filter(project=project).standing().told()[:MOST_BASES])
    drifts = drifts_of(standing)
    behind = [image for image in standing if drifts[image.pk].behind]
    if not behind:
        return None
    names = sorted({f"{image.repository.name}:{image.tag}" for image in behind})
    return {
        "severity": "low",
        "title": f"{_counted(len(behind), 'base image')} behind {_their(len(behind))} tag",
        "why": f"{_listed(names)}: a build with --pull takes what the tag means now",
        "since": min((drift.since for drift in drifts.values() if drift.since), default=None),
        "href": reverse("bases:list", args=[project.slug]),
        "action": "See them",
    }


def _their(count: int) -> str:
    return "its" if count == 1 else "their"


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _names(images: Sequence[NewestImage]) -> str:
    return _listed([image.name for image in images])


def _listed(names: Sequence[str]) -> str:
    """Name the first ones, and say how many more there are."""
    more = len(names) - NAMED
    shown = ", ".join(names[:NAMED])
    return f"{shown} and {more} more" if more > 0 else shown
