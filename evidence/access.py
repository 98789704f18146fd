"""Whose trail is looked at, and that it is looked at is in the trail."""

from django.http import Http404, HttpRequest
from rest_framework.request import Request

from accounts.access import get_project, project_id_for
from accounts.authentication import actor_of
from accounts.models import ApiToken, Project, User
from accounts.roles import Scope
from audit.models import AuditChain, AuditEvent
from audit.querysets import AuditEventQuerySet
from audit.services import chain_name, record_once_a_day

SERVER = "server"
"""What ``?chain=`` names for the server's own chain: people who sign in, projects, rotations."""


def chain_on_page(request: HttpRequest, project: Project) -> Project | None:
    """Return the project, or ``None`` for the server's own chain; only superusers see that."""
    if request.GET.get("chain") != SERVER:
        return project
    if not getattr(actor_of(request), "is_superuser", False):
        raise Http404
    return None


def chain_in_api(request: Request) -> Project | None:
    """Return the project that a request is about, or ``None`` for the server's own chain."""
    if request.query_params.get("chain") == SERVER:
        if not getattr(actor_of(request), "is_superuser", False):
            raise Http404
        return None
    return Project.objects.get(pk=project_id_for(request, Scope.AUDIT_READ))


def events_of(project: Project | None) -> AuditEventQuerySet:
    """Return the events of a chain."""
    return AuditEvent.objects.filter(chain=chain_name(project))


def note_view(actor: ApiToken | User, project: Project | None, kind: str) -> None:
    """Note that somebody looked: once a person, day and kind of page."""
    target = project or AuditChain(name=AuditEvent.INSTANCE_CHAIN)
    record_once_a_day(actor=actor, action=f"{kind}.viewed", target=target, project=project)


def auditor_project(request: HttpRequest, project_slug: str) -> Project:
    """Return a project whose trail the person may see."""
    return get_project(request, project_slug, Scope.AUDIT_READ)
