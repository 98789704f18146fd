"""What the pages of base images show."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from accounts.models import Project
from bases.alternatives import Alternative, compared
from bases.drift import sightings_of
from bases.filters import BaseImageFilter
from bases.lines import Line, lines_of
from bases.looking import may_ask
from bases.measuring import Inherited
from bases.models import BaseImage, BaseUse
from bases.policies import PolicyForm
from bases.proposing import Change, changes_of
from bases.updates_page import triable, updates_of
from buildinsights.paging import page_of
from buildinsights.templatetags.formats import number, signed_filesize
from builds.build_list import active_filters
from builds.diffs import diff_lines
from builds.models import Service
from security.models import Severity
from security.severities import badge_of, word_of
from supplychain.bases.drifting import history_of
from supplychain.bases.editing import short
from supplychain.bases.proposing import Expected

NEWEST = ("-last_seen_at", "-id")
NEWEST_BUILDS = 10
SHOWN_DIGESTS = 20
KEPT_VERSIONS = 10
"""Versions of a policy that are shown."""

type Row = dict[str, Any]


def images_page(request: HttpRequest, project: Project) -> Row:
    """Return the context of the list: what services stand on now."""
    standing = BaseImage.objects.filter(project=project).standing().told()
    filters = BaseImageFilter(request.GET, queryset=standing)
    page = page_of(request, filters.qs if filters.is_valid() else standing.none(), NEWEST)
    return {
        "filter_form": filters.form,
        "active_filters": active_filters(filters, request.GET),
        "reset": reverse("bases:list", args=[project.slug]),
        "rows": [_line(line) for line in lines_of(page.rows)],
        "page": page,
        "summary": page.describe("base image"),
    }


def _line(line: Line) -> Row:
    return {"line": line, "severities": _severities(line.findings)}


def _severities(findings: Inherited) -> list[Row]:
    """Return how many findings there are by severity, the worst first."""
    return [
        {
            "label": word_of(severity),
            "badge": badge_of(severity),
            "count": findings.by_severity[severity],
        }
        for severity in reversed(Severity)
        if findings.by_severity[severity]
    ]


def image_page(image: BaseImage) -> Row:
    """Return the context of one base."""
    found = compared(image)
    [line] = lines_of([image])
    uses = BaseUse.objects.filter(image=image)
    policies = list(image.repository.policies.all()[:KEPT_VERSIONS])
    can_be_tried = triable(image)
    return _line(line) | {
        "crumbs": [
            {"label": "Base images", "href": reverse("bases:list", args=[image.project.slug])}
        ],
        "own": found.own,
        "standing": list(uses.standing().told().order_by("service__name", "target", "platform")),
        "newest": list(uses.told().order_by("-at", "-pk")[:NEWEST_BUILDS]),
        "history": _history(image),
        "may_ask": may_ask(image.repository),
        "alternatives": [_alternative(row) for row in found.rows],
        "proposals": _proposals(changes_of(image, found), can_be_tried),
        "triable": can_be_tried,
        "updates": updates_of(image),
        "policies": policies,
        "policy": policies[0] if policies else None,
        "policy_form": PolicyForm(instance=policies[0] if policies else None),
    }


def _history(image: BaseImage) -> list[Row]:
    """Return what the image's tag was seen to mean, the newest first, and who stands on that."""
    sightings = sightings_of([image]).get((image.repository_id, image.tag), [])
    seen = history_of(sightings)[: -SHOWN_DIGESTS - 1 : -1]
    rows = BaseImage.objects.filter(repository=image.repository_id, tag=image.tag).told()
    images = {row.digest: row for row in rows.filter(digest__in=[one.digest for one in seen])}
    lines = {line.image.pk: line for line in lines_of(list(images.values()))}
    return [
        {
            "sighting": one,
            "image": images[one.digest],
            "is_this": one.digest == image.digest,
            "is_newest": place == 0,
            "services": lines[images[one.digest].pk].services,
        }
        for place, one in enumerate(seen)
    ]


def _alternative(row: Alternative) -> Row:
    return {"row": row, "gain": gain_of(row.gain), "name": row.name.partition("@")[0]}


def gain_of(gain: Expected) -> Row:
    """Return a difference in words; what was not measured is empty."""
    findings = gain.findings
    return {
        "size": signed_filesize(gain.size_bytes) if gain.size_bytes is not None else "",
        "size_verdict": _verdict(gain.size_bytes),
        "findings": f"{'+' if findings and findings > 0 else ''}{number(findings)}"
        if findings is not None
        else "",
        "findings_verdict": _verdict(findings),
    }


def _verdict(difference: int | None) -> str:
    if not difference:
        return "same"
    return "better" if difference < 0 else "worse"


def _proposals(changes: Iterable[Change], can_be_tried: Sequence[Service]) -> list[Row]:
    return [
        {
            "change": change,
            "old": short(change.proposal.old),
            "new": short(change.proposal.new),
            "gain": gain_of(change.proposal.expected),
            "lines": diff_lines(change.diff),
            "can_be_tried": change.service in can_be_tried,
        }
        for change in changes
    ]
