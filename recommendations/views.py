"""The page of recommendations."""

from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from accounts.access import get_project, scopes_in
from accounts.authentication import actor_of
from accounts.roles import Scope
from recommendations.decisions import DecisionForm, decide
from recommendations.models import Recommendation
from recommendations.page import RecommendationForm, recommendations_page


def recommendations(request: HttpRequest, project_slug: str) -> HttpResponse:
    """What to do first."""
    project = get_project(request, project_slug)
    may_decide = Scope.SERVICES_WRITE in scopes_in(request, project)
    context = recommendations_page(project, request.GET)
    context |= {"project": project, "may_decide": may_decide}
    return render(request, "recommendations/list.html", context)


@require_POST
def decide_on(request: HttpRequest, project_slug: str, digest: str) -> HttpResponse:
    """Accept, snooze or dismiss a recommendation, or open it again."""
    project = get_project(request, project_slug, Scope.SERVICES_WRITE)
    given = Recommendation.objects.filter(project=project).given()
    found = get_object_or_404(given.select_related("service", "project"), digest=digest)
    form = DecisionForm(request.POST)
    if form.is_valid():
        decide(recommendation=found, values=form.cleaned_data, actor=actor_of(request))
    for texts in form.errors.values():
        for text in texts:
            messages.error(request, f"{found.title}: {text}")
    asked = RecommendationForm(project, request.GET.dict()).cleaned_data
    query = urlencode({name: value for name, value in asked.items() if value})
    return redirect(f"{reverse('recommendations:list', args=[project.slug])}?{query}#at-{digest}")
