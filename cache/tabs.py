"""The parts of the cache's pages."""

from typing import Any

from django.urls import reverse

from accounts.models import Project

TABS = (
    ("cache:overview", "Hits and savings"),
    ("cache:references", "References"),
    ("cache:storage", "Storage"),
    ("cache:operations", "Operations"),
    ("cache:acts", "Acts"),
)


def cache_tabs(project: Project, current: str) -> list[dict[str, Any]]:
    """Return the tabs; ``current`` is the name of the page's address."""
    return [
        {"label": label, "href": reverse(name, args=[project.slug]), "current": name == current}
        for name, label in TABS
    ]
