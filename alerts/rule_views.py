"""Pages of rules."""

import json
from typing import Any
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
from alerts.forms import EXAMPLES, RuleForm, initial_of
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
        "rules": AlertRule.objects.filter(project=project).told().with_open(),
        "may_change": Scope.ALERTS_WRITE in scopes_in(request, project),
    }
    return render(request, "alerts/rules.html", context)


def rule_new(request: HttpRequest, project_slug: str) -> HttpResponse:
    """Write a rule, try it on what is stored, keep it."""
    project = get_project(request, project_slug, Scope.ALERTS_WRITE)
    kind = request.GET.get("kind", "")
    kind = kind if kind in EXAMPLES else Kind.CHANGE.value
    initial = {"kind": kind, "parameters": EXAMPLES[kind]}
    form = RuleForm(project, request.POST or None, initial=initial)
    return _form_page(request, project, form, None)


def rule(request: HttpRequest, project_slug: str, public_id: UUID) -> HttpResponse:
    """Look at a rule, try it, change it."""
    project = get_project(request, project_slug)
    if request.method == "POST":
        get_project(request, project_slug, Scope.ALERTS_WRITE)
    found = get_object_or_404(AlertRule.objects.filter(project=project).told(), public_id=public_id)
    form = RuleForm(project, request.POST or None, initial=initial_of(found))
    return _form_page(request, project, form, found)


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
    request: HttpRequest, project: Project, form: RuleForm, found: AlertRule | None
) -> HttpResponse:
    tried = None
    if request.method == "POST" and form.is_valid():
        if "try" in request.POST:
            tried = _tried(project, form)
        elif _save(request, project, form, found):
            return redirect("alerts:rules", project.slug)
    return render(request, "alerts/rule.html", _context(request, project, form, found, tried))


def _tried(project: Project, form: RuleForm) -> Preview | None:
    try:
        return preview(project, form.draft.wanted(), timezone.now())
    except DomainError as error:
        form.add_error(None, str(error))
        return None


def _save(request: HttpRequest, project: Project, form: RuleForm, found: AlertRule | None) -> bool:
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


def _context(
    request: HttpRequest, project: Project, form: RuleForm, found: AlertRule | None, tried: Any
) -> dict[str, Any]:
    rules_page = reverse("alerts:rules", args=[project.slug])
    return {
        "project": project,
        "form": form,
        "rule": found,
        "tried": tried,
        "may_change": Scope.ALERTS_WRITE in scopes_in(request, project),
        "examples": [(kind.label, json.dumps(EXAMPLES[kind])) for kind in Kind],
        "crumbs": [
            {"label": "Alerts", "href": reverse("alerts:list", args=[project.slug])},
            {"label": "Rules", "href": rules_page},
        ],
    }
