"""Pages of rules."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from accounts.access import get_project, scopes_in
from accounts.authentication import actor_of
from accounts.models import Project
from accounts.roles import Scope
from alerts.conditions import CONDITIONS
from alerts.forms import initial_of
from alerts.kind_form import KindForm
from alerts.models import AlertRule
from alerts.models.rule import Kind
from alerts.pages import tabs_of
from alerts.previewing import Preview, preview
from alerts.rules import change_rule, create_rule, delete_rule
from buildinsights.exceptions import DomainError


def rules(request: HttpRequest, project_slug: str) -> HttpResponse:
    """What is looked for."""
    project = get_project(request, project_slug)
    context = {
        "project": project,
        "tabs": tabs_of(project, "alerts:rules"),
        "rules": AlertRule.objects.filter(project=project)
        .told()
        .with_open()
        .order_by("name", "pk"),
        "may_change": Scope.ALERTS_WRITE in scopes_in(request, project),
    }
    return render(request, "alerts/rules.html", context)


def rule_new(request: HttpRequest, project_slug: str) -> HttpResponse:
    """Choose a kind; then write a rule of it, try it on what is stored, keep it."""
    project = get_project(request, project_slug, Scope.ALERTS_WRITE)
    kind = request.GET.get("kind", "")
    if kind not in CONDITIONS:
        kinds = [(each, CONDITIONS[each].about) for each in Kind]
        context = {"project": project, "kinds": kinds, "crumbs": _crumbs(project)}
        return render(request, "alerts/kinds.html", context)
    form = KindForm(project, kind, request.POST or None)
    return _form_page(request, project, form, None, Kind(kind))


def rule(request: HttpRequest, project_slug: str, public_id: UUID) -> HttpResponse:
    """Look at a rule, try it, change it."""
    project = get_project(request, project_slug)
    if request.method == "POST":
        get_project(request, project_slug, Scope.ALERTS_WRITE)
    found = get_object_or_404(AlertRule.objects.filter(project=project).told(), public_id=public_id)
    form = KindForm(project, found.kind, request.POST or None, initial=initial_of(found))
    return _form_page(request, project, form, found, Kind(found.kind))


@require_POST
def rule_delete(request: HttpRequest, project_slug: str, public_id: UUID) -> HttpResponse:
    """Forget a rule."""
    project = get_project(request, project_slug, Scope.ALERTS_WRITE)
    rows = AlertRule.objects.filter(project=project).told()
    found = get_object_or_404(rows, public_id=public_id)
    try:
        delete_rule(rule=found, actor=actor_of(request))
    except DomainError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"{found.name} is deleted; its alerts are kept.")
    return redirect("alerts:rules", project.slug)


def _form_page(
    request: HttpRequest, project: Project, form: KindForm, found: AlertRule | None, kind: Kind
) -> HttpResponse:
    tried = None
    if request.method == "POST" and form.is_valid():
        if "try" in request.POST:
            tried = _tried(project, form)
        elif _save(request, project, form, found):
            return redirect("alerts:rules", project.slug)
    context = {
        "project": project,
        "form": form,
        "rule": found,
        "kind": kind,
        "about": CONDITIONS[kind].about,
        "tried": tried,
        "may_change": Scope.ALERTS_WRITE in scopes_in(request, project),
        "crumbs": _crumbs(project),
    }
    return render(request, "alerts/rule.html", context)


def _tried(project: Project, form: KindForm) -> Preview | None:
    try:
        return preview(project, form.draft.wanted(), timezone.now())
    except DomainError as error:
        form.add_error(None, str(error))
        return None


def _save(request: HttpRequest, project: Project, form: KindForm, found: AlertRule | None) -> bool:
    actor = actor_of(request)
    try:
        if found is None:
            create_rule(project=project, draft=form.draft, actor=actor)
        else:
            version = form.cleaned_data["version"]
            change_rule(rule=found, draft=form.draft, actor=actor, version=version)
    except DomainError as error:
        form.add_error(None, str(error))
        return False
    messages.success(request, f"{form.cleaned_data['name']} is kept.")
    return True


def _crumbs(project: Project) -> list[dict[str, str]]:
    return [
        {"label": "Alerts", "href": reverse("alerts:list", args=[project.slug])},
        {"label": "Rules", "href": reverse("alerts:rules", args=[project.slug])},
    ]
