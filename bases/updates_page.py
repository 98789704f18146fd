"""What pages show of updates that the server tries."""

from typing import Any

from django.db.models import Exists, OuterRef
from django.urls import reverse

from bases.models import BaseImage, BaseUpdate, BaseUse
from builds.diffs import diff_lines
from builds.models import Service
from supplychain.bases.editing import short

SHOWN = 10

BADGES = {
    BaseUpdate.Verdict.BETTER: "succeeded",
    BaseUpdate.Verdict.SAME: "done",
    BaseUpdate.Verdict.WORSE: "partial",
}

type Row = dict[str, Any]


def updates_of(image: BaseImage) -> list[Row]:
    """Return what was tried last in the place of a base."""
    rows = BaseUpdate.objects.filter(image=image).told().defer("request__said")
    return [_row(update) for update in rows.order_by("-request")[:SHOWN]]


def triable(image: BaseImage) -> list[Service]:
    """Return the services on a base that the server can build."""
    uses = BaseUse.objects.filter(image=image, service=OuterRef("pk")).standing()
    return list(Service.objects.filter(Exists(uses), source__isnull=False).order_by("name"))


def update_page(update: BaseUpdate) -> Row:
    """Return the context of one."""
    image, build = update.image, update.request.build
    slug = build.project.slug
    return _row(update) | {
        "crumbs": [
            {"label": "Base images", "href": reverse("bases:list", args=[slug])},
            {
                "label": short(image.reference).partition("@")[0],
                "href": reverse("bases:image", args=[slug, image.public_id]),
            },
        ],
        "build": build,
        "changed_href": reverse("builds:detail", args=[slug, update.changed_build])
        if update.changed_build
        else "",
        "lines": _diff(update.patch),
    }


def _diff(patch: str) -> list[dict[str, str]]:
    """Return the lines of a patch from the names of its file on; Git says more before that."""
    begin = patch.find("--- ")
    return diff_lines(patch[begin:]) if begin >= 0 else []


def _row(update: BaseUpdate) -> Row:
    """Return an update with its badge: the verdict, or where it stands."""
    is_done = update.state == BaseUpdate.State.DONE
    verdict = BaseUpdate.Verdict(update.verdict) if is_done else None
    return {
        "update": update,
        "old": short(update.image.reference),
        "badge": BADGES[verdict] if verdict else update.state.value,
        "word": verdict.label if verdict else update.state.label,
    }
