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


ABOUT = {
    Channel.Kind.EMAIL: "To inboxes; all about one alert is one thread.",
    Channel.Kind.SLACK: "To a room of Slack, Mattermost or Rocket.Chat.",
    Channel.Kind.TEAMS: "To a channel of Microsoft Teams, by a workflow.",
    Channel.Kind.WEBHOOK: "To a program of yours, as JSON with a signature.",
    Channel.Kind.PAGERDUTY: "Wakes who is on call, and is told when it is acknowledged and over.",
    Channel.Kind.GITHUB: "A status at the commit, and a comment at its pull request.",
}
"""What a channel of a kind is for."""


def kinds() -> list[tuple[str, str, str]]:
    """Return the kinds that a channel can be of, with their names and what they are for."""
    return [(name, kind.label, ABOUT[Channel.Kind(name)]) for name, kind in KINDS.items()]


def channels_page(project: Project) -> dict[str, Any]:
    """Return the channels of a project, each with what was last to go through it."""
    channels = Channel.objects.filter(project=project)
    last = Delivery.objects.filter(channel=OuterRef("pk")).order_by(*ORDER).values("pk")[:1]
    newest = Delivery.objects.filter(pk__in=channels.order_by().values_list(Subquery(last)))
    by_channel = {delivery.channel_id: delivery for delivery in newest}
    rows = [
        {
            "channel": channel,
            "last": (found := by_channel.get(channel.pk)),
            "badge": BADGES[Delivery.State(found.state)] if found else "",
        }
        for channel in channels.select_related("project")
    ]
    return {"project": project, "rows": rows, "kinds": kinds()}


def deliveries_page(request: HttpRequest, deliveries: QuerySet[Delivery]) -> dict[str, Any]:
    """Return one page of deliveries, the newest first."""
    page = page_of(request, deliveries.select_related("project", "channel"), ORDER)
    return {
        "deliveries": [
            {"delivery": row, "badge": BADGES[Delivery.State(row.state)]} for row in page.rows
        ],
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
        "badge": BADGES[Delivery.State(delivery.state)],
        "is_over": delivery.state != Delivery.State.PENDING or delivery.tries > 0,
        "can_be_retried": delivery.state in ended
        and (channel is None or channel.is_on)
        and not Delivery.objects.overtaking(delivery).exists(),
        "crumbs": crumbs(delivery.project, channel, is_delivery=True),
    }


def crumbs(
    project: Project, channel: Channel | None = None, *, is_delivery: bool = False
) -> list[dict[str, str]]:
    """Return the way up, outermost first."""
    way = [{"label": "Channels", "href": reverse("channels:channels", args=[project.slug])}]
    if channel is not None:
        way.append({"label": channel.name, "href": channel.get_absolute_url()})
    elif is_delivery:
        address = reverse("channels:deliveries", args=[project.slug])
        way.append({"label": "Deliveries", "href": address})
    return way
