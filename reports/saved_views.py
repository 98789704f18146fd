"""Pages of saved views."""

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from accounts.access import get_project
from accounts.models import User
from accounts.roles import Scope
from buildinsights.exceptions import DomainError
from reports.forms import SaveViewForm
from reports.models import SavedView
from reports.querysets import SavedViewQuerySet
from reports.services import delete_view, save_view, share_view, unshare_view


def saved_views(request: HttpRequest, project_slug: str) -> HttpResponse:
    """List what the person saved; save the page that the address names."""
    project, user = get_project(request, project_slug), _user(request)
    form = SaveViewForm(request.POST or None, initial={"page": request.GET.get("page", "")})
    if request.method == "POST" and form.is_valid():
        try:
            view = save_view(project=project, user=user, **form.cleaned_data)
        except DomainError as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, f"{view.name} is saved.")
            return redirect("reports:views", project.slug)
    own = _of(request).filter(project=project).select_related("project")
    views = [{"view": view, "link": _link(request, view)} for view in own]
    return render(request, "reports/views.html", {"project": project, "form": form, "views": views})


def saved_views_menu(request: HttpRequest, project_slug: str) -> HttpResponse:
    """What the person saved, as part of the menu that every page has."""
    project = get_project(request, project_slug)
    views = _of(request).filter(project=project)
    return render(request, "reports/_views_menu.html", {"views": views})


@require_POST
def saved_view_share(request: HttpRequest, project_slug: str, public_id: UUID) -> HttpResponse:
    """Share a view by link, or take its link back."""
    view = _view(request, project_slug, public_id)
    if request.POST.get("share") == "no":
        unshare_view(view=view)
        messages.success(request, f"The link to {view.name} leads nowhere now.")
    else:
        share_view(view=view)
        messages.success(request, f"Members of the project open {view.name} by its link.")
    return redirect("reports:views", project_slug)


@require_POST
def saved_view_delete(request: HttpRequest, project_slug: str, public_id: UUID) -> HttpResponse:
    """Forget a view."""
    view = _view(request, project_slug, public_id)
    delete_view(view=view)
    messages.success(request, f"{view.name} is deleted.")
    return redirect("reports:views", project_slug)


@never_cache
def shared_view(request: HttpRequest, project_slug: str, token: str) -> HttpResponse:
    """Lead members of the project to what somebody of it shared."""
    project = get_project(request, project_slug)
    shared = SavedView.objects.filter(project=project).select_related("user")
    view = get_object_or_404(shared, token=token)
    if project.pk not in view.user.project_ids_with(Scope.BUILDS_READ):
        raise Http404  # whoever shared it has left
    return redirect(view.path)


def _link(request: HttpRequest, view: SavedView) -> str:
    """Return the whole address by which others open a view, empty while it is not shared."""
    if view.token is None:
        return ""
    return request.build_absolute_uri(
        reverse("reports:view-shared", args=[view.project.slug, view.token])
    )


def _view(request: HttpRequest, project_slug: str, public_id: UUID) -> SavedView:
    project = get_project(request, project_slug)
    views = _of(request).filter(project=project).select_related("project", "user")
    return get_object_or_404(views, public_id=public_id)


def _of(request: HttpRequest) -> SavedViewQuerySet:
    return SavedView.objects.of(_user(request))


def _user(request: HttpRequest) -> User:
    """Pages are for people: API tokens do not get here."""
    assert isinstance(request.user, User)  # noqa: S101  # LoginRequiredMiddleware
    return request.user
