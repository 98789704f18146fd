"""What every page shows."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest

from accounts.models import Project


def site(request: HttpRequest) -> dict[str, Any]:
    """Return the version and, for people who signed in, the projects they can switch to."""
    user = getattr(request, "user", None)
    projects = Project.objects.visible_to(user) if user and user.is_authenticated else []
    return {"VERSION": settings.VERSION, "switcher_projects": projects}
