"""What every page shows."""

from typing import Any

from django.conf import settings
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.urls import reverse

from accounts.models import Project, User
from accounts.roles import Scope
from alerts.models import Alert

NAVIGATION = (
    ("Overview", "reports:overview", Scope.BUILDS_READ),
    ("Alerts", "alerts:list", Scope.BUILDS_READ),
    ("Services", "services:list", Scope.BUILDS_READ),
    ("Builds", "builds:list", Scope.BUILDS_READ),
    ("Changes", "trends:changes", Scope.BUILDS_READ),
    ("Recommendations", "recommendations:list", Scope.BUILDS_READ),
    ("Cache", "cache:overview", Scope.BUILDS_READ),
    ("Images", "sizes:images", Scope.BUILDS_READ),
    ("Security", "reports:security", Scope.BUILDS_READ),
    ("Reports", "reports:schedules", Scope.BUILDS_READ),
    ("Deployments", "deployments:list", Scope.BUILDS_READ),
    ("Failures", "farm:failures", Scope.BUILDS_READ),
    ("Builders", "resources:builders", Scope.BUILDS_READ),
    ("Platforms", "reports:platforms", Scope.BUILDS_READ),
    ("Wall screen", "reports:wall", Scope.BUILDS_READ),
    ("Queue", "farm:queue", Scope.BUILDS_READ),
    ("Triggers", "farm:triggers", Scope.BUILDS_READ),
    ("Receipts", "ingest:list", Scope.INGEST_READ),
    ("Channels", "channels:channels", Scope.BUILDS_READ),
    ("Audit trail", "evidence:trail", Scope.AUDIT_READ),
    ("Members", "accounts:members", Scope.MEMBERS_WRITE),
    ("Tokens", "accounts:tokens", Scope.TOKENS_WRITE),
)

FIRST = 9
"""Pages that stand side by side; the others are in a menu beside them."""

BEGINNINGS = {"reports:schedules", "farm:queue", "channels:channels"}
"""Where groups of that menu begin: what is to be read, what is at work, what is set."""

SECURITY = (
    ("Overview", "reports:security"),
    ("Findings", "security:findings"),
    ("Remediation", "security:remediation"),
    ("Waivers", "security:waivers"),
    ("Packages", "sboms:packages"),
    ("Base images", "bases:list"),
    ("Image checks", "inspections:checks"),
    ("Signatures", "trust:signatures"),
    ("Policies", "policies:policies"),
)
"""Pages of what is in images and whether they may ship: tabs under one place of the navigation."""

PARENTS = {
    "alerts:alert": "alerts:list",
    "alerts:all": "alerts:list",
    "alerts:rule": "alerts:list",
    "alerts:rule-new": "alerts:list",
    "alerts:rules": "alerts:list",
    "alerts:silences": "alerts:list",
    "bases:image": "bases:list",
    "bases:policy": "bases:list",
    "bases:try": "bases:list",
    "bases:update": "bases:list",
    "cache:acts": "cache:overview",
    "cache:operation": "cache:overview",
    "cache:operation-new": "cache:overview",
    "cache:operations": "cache:overview",
    "cache:policy": "cache:overview",
    "cache:references": "cache:overview",
    "cache:storage": "cache:overview",
    "cache:step": "services:list",
    "cache:why": "builds:list",
    "channels:channel": "channels:channels",
    "channels:deliveries": "channels:channels",
    "channels:delivery": "channels:channels",
    "channels:new": "channels:channels",
    "policies:new": "policies:policies",
    "policies:policy": "policies:policies",
    "policies:verdict": "policies:policies",
    "policies:verdicts": "policies:policies",
    "reports:assessment": "reports:security",
    "evidence:dossier": "reports:security",
    "evidence:event": "evidence:trail",
    "evidence:keys": "evidence:trail",
    "inspections:inspection": "inspections:checks",
    "inspections:rules": "inspections:checks",
    "security:document": "security:waivers",
    "security:documents": "security:waivers",
    "sboms:builds-diff": "sboms:packages",
    "sboms:diff": "sboms:packages",
    "sboms:sbom": "sboms:packages",
    "sboms:sboms": "sboms:packages",
    "security:finding": "security:findings",
    "security:policy": "security:remediation",
    "security:waiver-ask": "security:findings",
    "security:scan": "security:findings",
    "sizes:image": "sizes:images",
    "sizes:sizes": "services:list",
    "reports:image-security": "reports:security",
    "reports:run": "reports:schedules",
    "reports:schedule": "reports:schedules",
    "reports:schedule-new": "reports:schedules",
    "resources:builder": "resources:builders",
    "trust:policies": "trust:signatures",
    "trust:policy": "trust:signatures",
    "trust:verification": "trust:signatures",
    "trends:budgets": "services:list",
    "trends:change": "trends:changes",
    "trends:trend": "services:list",
}
"""Pages of one app that belong to the list of another, or to a page beside them."""


def site(request: HttpRequest) -> dict[str, Any]:
    """Return the version and, for people who signed in, where they can go."""
    context: dict[str, Any] = {"VERSION": settings.VERSION}
    user = getattr(request, "user", None)
    if isinstance(user, User):
        projects = list(_with_firing(Project.objects.visible_to(user)))
        context["switcher_projects"] = projects
        context["nav"] = navigation(request, user, projects)
        context["section_tabs"] = section_tabs(request)
    return context


def navigation(request: HttpRequest, user: User, projects: list[Any]) -> list[dict[str, Any]]:
    """Return the pages of the project in the address that the person may see."""
    match = request.resolver_match
    slug = match.kwargs.get("project_slug") if match else None
    project = next((project for project in projects if project.slug == slug), None)
    if match is None or project is None:
        return []
    return [
        {
            "label": label,
            "is_later": number >= FIRST,
            "begins": name in BEGINNINGS,
            "count": project.firing if name == "alerts:list" else 0,
            "href": reverse(name, args=[project.slug]),
            "current": name in {match.view_name, PARENTS.get(match.view_name)}
            or _same_section(name, match.namespace)
            or (name == SECURITY[0][1] and _is_of_security(match.view_name)),
        }
        for number, (label, name, scope) in enumerate(NAVIGATION)
        if project.pk in user.project_ids_with(scope)
    ]


def _with_firing(projects: QuerySet[Project]) -> Any:
    """Return the projects with ``firing``: how many of their alerts nobody knows of yet.

    In the query of the projects, as every page asks for it.
    """
    firing = Alert.objects.filter(project=OuterRef("pk")).firing().order_by()
    count = firing.values("project").annotate(count=Count("pk")).values("count")
    return projects.annotate(firing=Coalesce(Subquery(count), 0))


def section_tabs(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the pages beside the one that is shown, if there are any."""
    match = request.resolver_match
    if match is None or not _is_of_security(match.view_name):
        return []
    here = PARENTS.get(match.view_name, match.view_name)
    slug = match.kwargs["project_slug"]
    return [
        {"label": label, "href": reverse(name, args=[slug]), "current": name == here}
        for label, name in SECURITY
    ]


def _is_of_security(view_name: str) -> bool:
    return PARENTS.get(view_name, view_name) in {name for _, name in SECURITY}


def _same_section(name: str, namespace: str) -> bool:
    """Detail pages belong to their list; the settings share a namespace and are told by name."""
    return namespace in {"services", "builds", "ingest"} and name.startswith(f"{namespace}:")
