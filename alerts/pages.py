"""Pages of alerts: lists, and one alert."""

from typing import Any

from django import forms
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from accounts.models import Project, User
from alerts.context import commit_range
from alerts.filters import AlertFilter
from alerts.models import Alert, AlertRule, Silence
from alerts.outcome import outcome_of
from alerts.states import State
from alerts.wording import shown
from buildinsights.paging import page_of
from builds.build_list import active_filters
from builds.models import Service
from channels.models import Delivery
from channels.pages import BADGES

NEWEST = ("-seen_at", "-id")
MOST_EVENTS = 200
MOST_MEMBERS = 100
MOST_DELIVERIES = 50

TABS = (
    ("Open", "alerts:list"),
    ("All", "alerts:all"),
    ("Rules", "alerts:rules"),
    ("Silences", "alerts:silences"),
)


def tabs_of(project: Project, here: str) -> list[dict[str, Any]]:
    """Return the parts of the alerts' pages; how many are firing beside the open ones."""
    firing = Alert.objects.filter(project=project).firing().count()
    return [
        {
            "label": label,
            "href": reverse(name, args=[project.slug]),
            "current": name == here,
            "count": firing if name == "alerts:list" and firing else None,
        }
        for label, name in TABS
    ]


def list_page(request: HttpRequest, project: Project, *, is_open: bool) -> dict[str, Any]:
    """Return the context of a list; a filter that is wrong says so and finds nothing."""
    alerts = Alert.objects.filter(project=project).told().with_members()
    alerts = alerts.open() if is_open else alerts.fired()
    filters = AlertFilter(request.GET, queryset=alerts)
    page = page_of(request, filters.qs if filters.is_valid() else alerts.none(), NEWEST)
    here = "alerts:list" if is_open else "alerts:all"
    return {
        "tabs": tabs_of(project, here),
        "is_open": is_open,
        "filter_form": _with_names(filters.form, project),
        "active_filters": active_filters(filters, request.GET),
        "reset": reverse(here, args=[project.slug]),
        "rows": [_line(alert) for alert in page.rows],
        "page": page,
        "summary": page.describe("alert"),
    }


def _with_names(form: forms.Form, project: Project) -> forms.Form:
    """Let services, owners and rules be chosen; one that is gone stays while it is asked for."""
    known = {
        "service": Service.objects.filter(project=project).values_list("slug", "name"),
        "owner": [(name, name) for name in _people(project.pk).values_list("username", flat=True)],
        "rule": AlertRule.objects.filter(project=project).values_list("name", "name"),
    }
    for name, choices in known.items():
        asked, offered = form.data.get(name), dict(choices)
        gone = {asked: asked} if asked and asked not in offered else {}
        form.fields[name].widget = forms.Select(choices=[("", "Any"), *(offered | gone).items()])
    return form


def _people(project_id: int) -> QuerySet[User]:
    return User.objects.filter(memberships__project=project_id).order_by("username")


def _line(alert: Alert) -> dict[str, Any]:
    context = alert.context
    return {
        "alert": alert,
        "value": _said(context, "value"),
        "threshold": _said(context, "threshold"),
        "step": context.get("step", ""),
    }


def _said(context: dict[str, Any], name: str) -> str:
    """Return a value of a context with its unit, empty if it has none."""
    return shown(context[name], context.get("unit", "")) if name in context else ""


def alert_page(alert: Alert) -> dict[str, Any]:
    """Return the context of one alert."""
    context = alert.context
    commits = context.get("commits", {})
    members = alert.members.select_related("service__project")
    return {
        "context": context,
        "before": _said(context, "before"),
        "now": _said(context, "value"),
        "threshold": _said(context, "threshold"),
        "commits": commits,
        "commit_range": commit_range(commits) if commits.get("last") else "",
        "members": [_member(row) for row in members[:MOST_MEMBERS]],
        "member_count": alert.members.count(),
        "events": alert.events.all()[:MOST_EVENTS],
        "deliveries": _deliveries(alert),
        "outcome": outcome_of(alert),
        "people": _people(alert.project_id),
        "is_firing": alert.state == State.FIRING,
        "crumbs": [{"label": "Alerts", "href": reverse("alerts:list", args=[alert.project.slug])}],
    }


def _deliveries(alert: Alert) -> list[tuple[Delivery, str]]:
    """Return what was sent of an alert, the newest first, each with the look of its state."""
    rows = Delivery.objects.filter(key__startswith=f"alert/{alert.public_id}/")
    newest = rows.select_related("project", "channel").order_by("-created_at")[:MOST_DELIVERIES]
    return [(row, BADGES[Delivery.State(row.state)]) for row in newest]


def _member(row: Any) -> dict[str, Any]:
    return {
        "row": row,
        "value": shown(row.value, row.unit),
        "threshold": shown(row.threshold, row.unit) if row.threshold is not None else "",
    }


def silences_page(request: HttpRequest, project: Project) -> dict[str, Any]:
    """Return the context of the silences, those that end last first."""
    now = timezone.now()
    page = page_of(request, Silence.objects.filter(project=project).told(), ("-ends_at", "-id"))
    return {
        "tabs": tabs_of(project, "alerts:silences"),
        "rows": [
            {
                "silence": row,
                "is_active": row.starts_at <= now < row.ends_at,
                "is_over": row.ends_at <= now,
            }
            for row in page.rows
        ],
        "page": page,
        "summary": page.describe("silence"),
    }
