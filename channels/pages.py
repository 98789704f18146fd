"""What the pages of channels show."""

from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.urls import reverse

from accounts.models import Project
from buildinsights.paging import page_of
from channels.kinds import KINDS
from channels.models import Channel, Delivery

ORDER = ("-created_at", "-id")
BADGES = {
    Delivery.State.PENDING: "queued",
    Delivery.State.SENT: "succeeded",
    Delivery.State.FAILED: "failed",
    Delivery.State.DROPPED: "canceled",
}
"""Looks of states, as ``components/badge.html`` has them."""


def kinds() -> list[tuple[str, str]]:
    """Return the kinds that a channel can be of, with their names."""
    return [(name, kind.label) for name, kind in KINDS.items()]


def channels_page(project: Project) -> dict[str, Any]:
    """Return the channels of a project, each with what was last to go through it."""
    last = Delivery.objects.filter(channel=OuterRef("pk")).order_by("-created_at", "-pk")
    channels = Channel.objects.filter(project=project).select_related("project")
    listed = channels.annotate(
        last_state=Subquery(last.values("state")[:1]),
        last_at=Subquery(last.values("created_at")[:1]),
    )
    rows = [
        {
            "channel": channel,
            "badge": BADGES.get(channel.last_state, ""),
            "state": Delivery.State(channel.last_state).label if channel.last_state else "",
        }
        for channel in listed
    ]
    return {"project": project, "rows": rows, "kinds": kinds()}


def deliveries_page(request: HttpRequest, deliveries: QuerySet[Delivery]) -> dict[str, Any]:
    """Return one page of deliveries, the newest first."""
    page = page_of(request, deliveries.select_related("project", "channel"), ORDER)
    return {
        "deliveries": [{"delivery": row, "badge": BADGES[row.state]} for row in page.rows],
        "page": {
            "summary": page.describe("message"),
            "previous": page.previous,
            "next": page.next,
        },
    }


def delivery_page(delivery: Delivery) -> dict[str, Any]:
    """Return one delivery, and whether it can be tried again."""
    channel = delivery.channel
    ended = {Delivery.State.FAILED, Delivery.State.DROPPED}
    return {
        "project": delivery.project,
        "delivery": delivery,
        "badge": BADGES[delivery.state],
        "is_over": delivery.state != Delivery.State.PENDING or delivery.tries > 0,
        "can_be_retried": delivery.state in ended and (channel is None or channel.is_on),
        "crumbs": crumbs(delivery.project, channel),
    }


def crumbs(project: Project, channel: Channel | None = None) -> list[dict[str, str]]:
    """Return the way up, outermost first."""
    way = [{"label": "Channels", "href": reverse("channels:channels", args=[project.slug])}]
    if channel is not None:
        way.append({"label": channel.name, "href": channel.get_absolute_url()})
    return way
