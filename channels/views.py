"""Pages of channels and of what went through them."""

from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST
from django.views.decorators.vary import vary_on_headers

from accounts.access import get_project, scopes_in
from accounts.authentication import actor_of
from accounts.models import Project
from accounts.roles import Scope
from buildinsights.exceptions import DomainError
from buildinsights.paging import is_htmx
from channels.exceptions import SettingsError
from channels.filters import DeliveryFilter
from channels.forms import ChannelForm
from channels.kinds import KINDS
from channels.managing import (
    change_channel,
    create_channel,
    delete_channel,
    made_secret,
    queue_test,
    retry_delivery,
    rotate_secret,
    switch_channel,
)
from channels.models import Channel, Delivery
from channels.pages import ABOUT, channels_page, crumbs, deliveries_page, delivery_page
from channels.querysets import DeliveryQuerySet

CHANGE = Scope.CHANNELS_WRITE


def channels(request: HttpRequest, project_slug: str) -> HttpResponse:
    """List the channels of a project."""
    project = get_project(request, project_slug)
    context = channels_page(project) | {"may_change": CHANGE in scopes_in(request, project)}
    return render(request, "channels/channels.html", context)


@never_cache
def new(request: HttpRequest, project_slug: str, kind: str) -> HttpResponse:
    """Make a channel; a secret that is made for it is shown, this once."""
    project = get_project(request, project_slug, CHANGE)
    if kind not in KINDS:
        raise Http404
    form = ChannelForm(kind, None, request.POST or None)
    if (
        request.method == "POST"
        and form.is_valid()
        and (made := _made(request, project, kind, form))
    ):
        if secret := made_secret(made):
            return _channel_page(request, made, secret=secret)
        return redirect(made)
    context = {
        "project": project,
        "form": form,
        "kind": KINDS[kind].label,
        "about": ABOUT[Channel.Kind(kind)],
        "crumbs": crumbs(project),
    }
    return render(request, "channels/new.html", context)


def _made(request: HttpRequest, project: Project, kind: str, form: ChannelForm) -> Channel | None:
    """Make a channel as a valid form says; ``None`` if it is refused."""
    assert form.settings is not None  # noqa: S101  # it is valid
    try:
        return create_channel(
            project=project,
            kind=kind,
            name=form.cleaned_data["name"],
            settings=form.settings,
            actor=actor_of(request),
        )
    except DomainError as error:
        form.add_error("name", str(error))
        return None


@never_cache
def channel(request: HttpRequest, project_slug: str, public_id: UUID) -> HttpResponse:
    """One channel: what it needs to know, and what went through it."""
    found = _channel(request, project_slug, public_id, Scope.BUILDS_READ)
    if request.method != "POST":
        return _channel_page(request, found)
    found = _channel(request, project_slug, public_id)
    form = ChannelForm(found.kind, found, request.POST)
    if form.is_valid() and _changed(request, found, form):
        messages.success(request, "The channel was changed.")
        return redirect(found)
    return _channel_page(request, found, form)


def _changed(request: HttpRequest, channel: Channel, form: ChannelForm) -> bool:
    """Change a channel as a valid form says; tell whether it was not refused."""
    try:
        change_channel(
            channel=channel,
            name=form.cleaned_data["name"],
            values=form.values,
            actor=actor_of(request),
        )
    except SettingsError as error:
        form.refuse(error)
    except DomainError as error:
        form.add_error("name", str(error))
    return form.is_valid()


def _channel_page(
    request: HttpRequest, channel: Channel, form: ChannelForm | None = None, secret: str = ""
) -> HttpResponse:
    project = channel.project
    context: dict[str, Any] = deliveries_page(request, channel.deliveries.all()) | {
        "project": project,
        "channel": channel,
        "form": form or ChannelForm(channel.kind, channel),
        "secret": secret,
        "may_change": CHANGE in scopes_in(request, project),
        "has_secret_of_ours": channel.kind == Channel.Kind.WEBHOOK,
        "is_mute": channel.kind == Channel.Kind.EMAIL and not settings.MAIL_IS_SENT,
        "crumbs": crumbs(project),
    }
    return render(request, "channels/channel.html", context)


@require_POST
def test(request: HttpRequest, project_slug: str, public_id: UUID) -> HttpResponse:
    """Send a test, and show what comes of it."""
    found = _channel(request, project_slug, public_id)
    try:
        return redirect(queue_test(channel=found, actor=actor_of(request)))
    except DomainError as error:
        messages.error(request, str(error))
        return redirect(found)


@require_POST
def switch(request: HttpRequest, project_slug: str, public_id: UUID) -> HttpResponse:
    """Switch a channel on or off."""
    found = _channel(request, project_slug, public_id)
    is_on = request.POST.get("on") == "1"
    try:
        switch_channel(channel=found, is_on=is_on, actor=actor_of(request))
    except DomainError as error:
        messages.error(request, str(error))
        return redirect("channels:channels", project_slug)
    messages.success(request, f"{found.name} is {'on' if is_on else 'off'}.")
    return redirect(found)


@require_POST
@never_cache
def rotate(request: HttpRequest, project_slug: str, public_id: UUID) -> HttpResponse:
    """Make a new secret and show it, this once."""
    found = _channel(request, project_slug, public_id)
    try:
        secret = rotate_secret(channel=found, actor=actor_of(request))
    except DomainError as error:
        messages.error(request, str(error))
        return redirect(found)
    found.refresh_from_db()
    return _channel_page(request, found, secret=secret)


@require_POST
def delete(request: HttpRequest, project_slug: str, public_id: UUID) -> HttpResponse:
    """Remove a channel."""
    found = _channel(request, project_slug, public_id)
    try:
        delete_channel(channel=found, actor=actor_of(request))
    except DomainError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"{found.name} was deleted.")
    return redirect("channels:channels", project_slug)


def deliveries(request: HttpRequest, project_slug: str) -> HttpResponse:
    """What was sent from a project, through channels and as reports."""
    project = get_project(request, project_slug)
    filters = DeliveryFilter(request.GET, queryset=_deliveries(request, project))
    rows = filters.qs if filters.is_valid() else Delivery.objects.none()
    context = deliveries_page(request, rows) | {
        "project": project,
        "states": [("", "All"), *Delivery.State.choices],
        "state": request.GET.get("state", ""),
        "crumbs": crumbs(project),
        "here": reverse("channels:deliveries", args=[project.slug]),
    }
    return render(request, "channels/deliveries.html", context)


@vary_on_headers("HX-Request")
def delivery(request: HttpRequest, project_slug: str, public_id: UUID) -> HttpResponse:
    """One delivery: what is told, and what came of it."""
    project = get_project(request, project_slug)
    found = get_object_or_404(_deliveries(request, project).told(), public_id=public_id)
    context = delivery_page(found) | {"may_change": CHANGE in scopes_in(request, project)}
    name = "channels/delivery.html"
    return render(request, name + "#outcome" if is_htmx(request) else name, context)


@require_POST
def retry(request: HttpRequest, project_slug: str, public_id: UUID) -> HttpResponse:
    """Let what was given up be tried again."""
    project = get_project(request, project_slug, CHANGE)
    found = get_object_or_404(_deliveries(request, project).told(), public_id=public_id)
    try:
        retry_delivery(delivery=found, actor=actor_of(request))
    except DomainError as error:
        messages.error(request, str(error))
    return redirect(found)


def _deliveries(request: HttpRequest, project: Project) -> DeliveryQuerySet:
    return Delivery.objects.visible_to(actor_of(request)).filter(project=project)


def _channel(
    request: HttpRequest, project_slug: str, public_id: UUID, scope: Scope = CHANGE
) -> Channel:
    project = get_project(request, project_slug, scope)
    rows = Channel.objects.filter(project=project).select_related("project")
    return get_object_or_404(rows, public_id=public_id)
