"""Whose trail is looked at, and that it is looked at is in the trail."""

from typing import Any
from uuid import UUID

from django.db import models
from django.db.models.functions import Cast
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
    """Return the project, or what ``?chain=`` names; only superusers see others."""
    named = request.GET.get("chain")
    return _named_chain(actor_of(request), named) if named else project


def chain_in_api(request: Request) -> Project | None:
    """Return the project that a request is about, or what ``?chain=`` names."""
    named = request.query_params.get("chain")
    if named:
        return _named_chain(actor_of(request), named)
    return Project.objects.get(pk=project_id_for(request, Scope.AUDIT_READ))


def _named_chain(actor: ApiToken | User, named: str) -> Project | None:
    """Return the project whose chain has that name; ``None`` is the server's own.

    Of a project that was deleted the chain is left: then it is an unsaved one with what the chain
    tells of it.
    """
    if not getattr(actor, "is_superuser", False):
        raise Http404
    if named == SERVER:
        return None
    try:
        public_id = UUID(named)
    except ValueError:
        raise Http404 from None
    if found := Project.objects.filter(public_id=public_id).first():
        return found
    chain = deleted_projects().filter(name=public_id).first()
    if chain is None:
        raise Http404
    return Project(public_id=public_id, name=chain.project_name or chain.name, slug=chain.name)


def deleted_projects() -> models.QuerySet[Any]:
    """Return chains of projects that are no more, each with the last ``project_name`` in it."""
    living = Project.objects.annotate(chain=Cast("public_id", models.CharField())).values("chain")
    newest = AuditEvent.objects.filter(chain=models.OuterRef("name")).order_by("-sequence")
    return (
        AuditChain.objects.exclude(name=AuditEvent.INSTANCE_CHAIN)
        .exclude(name__in=living)
        .annotate(project_name=models.Subquery(newest.values("project_name")[:1]))
        .order_by("project_name", "name")
    )


def events_of(project: Project | None) -> AuditEventQuerySet:
    """Return the events of a chain."""
    return AuditEvent.objects.filter(chain=chain_name(project))


def note_view(actor: ApiToken | User, project: Project | None) -> None:
    """Note that somebody looked: once a person and day."""
    target = project or AuditChain(name=AuditEvent.INSTANCE_CHAIN)
    record_once_a_day(actor=actor, action="audit.viewed", target=target, project=project)


def auditor_project(request: HttpRequest, project_slug: str) -> Project:
    """Return a project whose trail the person may see."""
    return get_project(request, project_slug, Scope.AUDIT_READ)
