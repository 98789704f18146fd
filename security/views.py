"""Pages of scans and findings, and of what is done about them."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from accounts.access import get_project, scopes_in
from accounts.authentication import actor_of
from accounts.models import Project
from accounts.roles import Scope
from buildinsights.exceptions import DomainError
from security.documents_page import document_page, documents_page
from security.models import Finding, Scan, VexDocument, Waiver
from security.owners import member_named, members_of, set_owner
from security.pages import finding_page, findings_page, scan_page
from security.policy import PolicyForm, change_policy, policy_of
from security.remediation_page import remediation_page
from security.waiver_form import WaiverForm, drafted
from security.waivers import approve_waiver, ask_for_waiver, reject_waiver, revoke_waiver
from security.waivers_page import coverage_of, waivers_page


def findings(request: HttpRequest, project_slug: str) -> HttpResponse:
    """What was found in images, the worst first."""
    project = get_project(request, project_slug)
    context = findings_page(request, project) | {"project": project}
    return render(request, "security/findings.html", context)


def finding(request: HttpRequest, project_slug: str, public_id: UUID) -> HttpResponse:
    """One finding: where it came from, where it is, what happened to it, and what fixes it."""
    project = get_project(request, project_slug)
    found = _finding(project, public_id)
    context = finding_page(found) | _controls(request, project, found, WaiverForm(found))
    return render(request, "security/finding.html", context | {"project": project})


def _finding(project: Project, public_id: UUID) -> Finding:
    return get_object_or_404(Finding.objects.filter(project=project).told(), public_id=public_id)


def _controls(
    request: HttpRequest, project: Project, found: Finding, form: WaiverForm
) -> dict[str, Any]:
    """Return what a person who may write about findings sees besides."""
    if Scope.FINDINGS_WRITE not in scopes_in(request, project):
        return {}
    is_there = found.seen_state != Finding.State.FIXED
    return {
        "may_write": True,
        "members": members_of(project.pk),
        "waiver_form": form if is_there else None,
        "coverage": coverage_of(found) if is_there else [],
    }


@require_POST
def finding_owner(request: HttpRequest, project_slug: str, public_id: UUID) -> HttpResponse:
    """Give a finding to a member, or to nobody."""
    project = get_project(request, project_slug, Scope.FINDINGS_WRITE)
    found = _finding(project, public_id)
    name = request.POST.get("owner", "")
    try:
        owner = member_named(found, name) if name else None
        set_owner(finding=found, owner=owner, actor=actor_of(request))
    except DomainError as refusal:
        messages.error(request, str(refusal))
    return redirect(found)


@require_POST
def waiver_ask(request: HttpRequest, project_slug: str, public_id: UUID) -> HttpResponse:
    """Ask for a waiver of a finding, or of more like it."""
    project = get_project(request, project_slug, Scope.FINDINGS_WRITE)
    found = _finding(project, public_id)
    form = WaiverForm(found, request.POST)
    if not form.is_valid():
        context = finding_page(found) | _controls(request, project, found, form)
        return render(request, "security/finding.html", context | {"project": project})
    said = form.cleaned_data
    ask_for_waiver(
        waiver=drafted(found, said["scope"], said["environment"]),
        kind=said["kind"],
        reason=said["reason"],
        expires_at=said["until"],
        actor=actor_of(request),
    )
    messages.success(request, "Asked for. It holds once another person approves it.")
    return redirect("security:waivers", project.slug)


def waivers(request: HttpRequest, project_slug: str) -> HttpResponse:
    """What may stay: asked for, active, and over."""
    project = get_project(request, project_slug)
    context = waivers_page(project, actor_of(request)) | {"project": project}
    return render(request, "security/waivers.html", context)


ACTS = {
    "approve": (approve_waiver, Scope.FINDINGS_WAIVE, "Approved."),
    "reject": (reject_waiver, Scope.FINDINGS_WAIVE, "Rejected."),
    "revoke": (revoke_waiver, Scope.FINDINGS_WRITE, "Taken back."),
}


@require_POST
def waiver_decide(
    request: HttpRequest, project_slug: str, public_id: UUID, act: str
) -> HttpResponse:
    """Approve, reject or take back a waiver."""
    if act not in ACTS:
        raise Http404
    decide, scope, done = ACTS[act]
    project = get_project(request, project_slug, scope)
    found = get_object_or_404(Waiver.objects.filter(project=project), public_id=public_id)
    try:
        decide(waiver=found, actor=actor_of(request))
    except DomainError as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, done)
    return redirect("security:waivers", project.slug)


def documents(request: HttpRequest, project_slug: str) -> HttpResponse:
    """What is stated about vulnerabilities here, by others and by us."""
    project = get_project(request, project_slug)
    context = documents_page(request, project) | {"project": project}
    return render(request, "security/documents.html", context)


def document(request: HttpRequest, project_slug: str, public_id: UUID) -> HttpResponse:
    """One document: its statements, and what each decides on."""
    project = get_project(request, project_slug)
    rows = VexDocument.objects.filter(project=project).select_related("project", "service")
    context = document_page(get_object_or_404(rows, public_id=public_id)) | {"project": project}
    return render(request, "security/document.html", context)


def remediation(request: HttpRequest, project_slug: str) -> HttpResponse:
    """How the project gets on with its findings."""
    project = get_project(request, project_slug)
    may_change = Scope.POLICIES_WRITE in scopes_in(request, project)
    context = remediation_page(project, request.GET)
    context |= {"project": project, "may_change": may_change}
    return render(request, "security/remediation.html", context)


def policy(request: HttpRequest, project_slug: str) -> HttpResponse:
    """Until when findings are to be fixed, by severity."""
    project = get_project(request, project_slug, Scope.POLICIES_WRITE)
    form = PolicyForm(request.POST or None, instance=policy_of(project.pk))
    if request.method == "POST" and form.is_valid():
        change_policy(project=project, values=form.cleaned_data, actor=actor_of(request))
        messages.success(request, "Kept. What is open is due by it from now on.")
        return redirect("security:remediation", project.slug)
    return render(request, "security/policy.html", {"project": project, "form": form})


def scan(request: HttpRequest, project_slug: str, public_id: UUID) -> HttpResponse:
    """One scan: what was looked at, by what, and what came of it."""
    project = get_project(request, project_slug)
    found = get_object_or_404(Scan.objects.filter(project=project).told(), public_id=public_id)
    return render(request, "security/scan.html", scan_page(found) | {"project": project})
