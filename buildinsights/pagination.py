"""Pages of the API: by cursor, so that page 10 000 costs what page 1 does."""

import re
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from rest_framework.exceptions import NotFound
from rest_framework.pagination import Cursor, CursorPagination
from rest_framework.request import Request

PAIR = re.compile(r"\((\d{1,19}), (\d{1,19})\)", re.ASCII)
"""The text of a primary key of two numbers."""


class RecentFirst(CursorPagination):
    """Newest first; ``?page_size=`` up to 500. A view may name its ``cursor_ordering``."""

    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 500
    ordering = ("-listed_at", "-id")

    def paginate_queryset(  # type: ignore[override]
        self, queryset: QuerySet[Any], request: Request, view: Any = None
    ) -> list[Any] | None:
        """Return the page that the cursor names; a made-up cursor names none."""
        try:
            return super().paginate_queryset(queryset, request, view)
        except ValidationError as error:
            raise NotFound(self.invalid_cursor_message) from error

    def get_ordering(self, request: Request, queryset: QuerySet[Any], view: Any) -> tuple[str, ...]:
        """Return the fields that make the cursor."""
        return getattr(view, "cursor_ordering", self.ordering)

    def decode_cursor(self, request: Request) -> Cursor | None:
        """Return the cursor; of an order by a primary key of two numbers with these numbers."""
        cursor = super().decode_cursor(request)
        if cursor is None or cursor.position is None or self.ordering[0].lstrip("-") != "pk":
            return cursor
        pair = PAIR.fullmatch(str(cursor.position))
        if pair is None:
            raise NotFound(self.invalid_cursor_message)
        key: Any = (int(pair[1]), int(pair[2]))
        return cursor._replace(position=key)
