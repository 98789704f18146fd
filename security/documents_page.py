"""Pages of documents of statements."""

from typing import Any

from django.db.models import Count, Q
from django.http import HttpRequest
from django.urls import reverse

from accounts.models import Project
from buildinsights.paging import page_of
from builds.models import Service
from security.models import VexDocument, VexStatus

MOST_STATEMENTS = 1000
"""Statements of a document that are listed with it."""

BADGES = {
    VexStatus.NOT_AFFECTED: "succeeded",
    VexStatus.FIXED: "succeeded",
    VexStatus.AFFECTED: "failed",
}


def documents_page(request: HttpRequest, project: Project) -> dict[str, Any]:
    """Return the context of the list, the newest first."""
    rows = VexDocument.objects.filter(project=project).select_related("service", "project")
    counted = rows.annotate(
        stated=Count("statements", distinct=True),
        decided=Count("statements__findings", distinct=True),
        unknown=Count("statements", filter=Q(statements__is_understood=False), distinct=True),
    )
    page = page_of(request, counted, ("-received_at", "-id"))
    return {
        "rows": page.rows,
        "page": page,
        "summary": page.describe("document"),
        "services": Service.objects.filter(project=project, findings__isnull=False)
        .distinct()
        .order_by("name"),
    }


def statements_of(document: VexDocument) -> Any:
    """Return a document's statements with how many findings each decides on now."""
    rows = document.statements.annotate(matched=Count("findings"))
    return rows.order_by("-stated_at", "pk")[:MOST_STATEMENTS]


def document_page(document: VexDocument) -> dict[str, Any]:
    """Return the context of one document."""
    return {
        "document": document,
        "crumbs": [
            {
                "label": "Statements",
                "href": reverse("security:documents", args=[document.project.slug]),
            }
        ],
        "rows": [
            {"statement": row, "badge": BADGES.get(VexStatus(row.status), "info")}
            for row in statements_of(document)
        ],
        "most": MOST_STATEMENTS,
    }
