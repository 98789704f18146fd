"""Cursor pages for HTML lists, with the API's own paginator."""

from copy import copy
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from rest_framework.exceptions import NotFound
from rest_framework.request import Request

from buildinsights.pagination import RecentFirst


@dataclass(frozen=True, slots=True)
class Page:
    """Rows with the addresses of the newer and the older page, which are ``None`` at the ends."""

    rows: list[Any]
    previous: str | None
    next: str | None

    def describe(self, noun: str) -> str:
        """Say what is shown, for eyes and for screen readers."""
        count = len(self.rows)
        shown = f"{count} {noun}{'' if count == 1 else 's'}"
        return f"{shown}, older ones" if self.previous else f"{shown}, newest first"


def is_htmx(request: HttpRequest) -> bool:
    """Whether only a fragment of the page is wanted."""
    return bool(getattr(request, "htmx", False))


def page_of(
    request: HttpRequest, rows: QuerySet[Any], ordering: tuple[str, ...] = RecentFirst.ordering
) -> Page:
    """Return the page that the cursor in the address names; a bad cursor starts over."""
    paginator = RecentFirst()
    view = _Ordered(ordering)
    try:
        found = paginator.paginate_queryset(rows, Request(request), view=view)
    except NotFound:
        found = paginator.paginate_queryset(rows, _first_page(request), view=view)
    return Page(
        list(found or []), _query(paginator.get_previous_link()), _query(paginator.get_next_link())
    )


def _first_page(request: HttpRequest) -> Request:
    first = copy(request)
    query = request.GET.copy()
    query.pop("cursor", None)
    first.GET = query  # type: ignore[assignment]
    return Request(first)


@dataclass(frozen=True, slots=True)
class _Ordered:
    cursor_ordering: tuple[str, ...]


def _query(link: str | None) -> str | None:
    """Keep only the query, which is relative to whatever page shows it."""
    return "?" + link.partition("?")[2] if link else None
