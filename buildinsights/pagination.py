"""Pages of the API: by cursor, so that page 10 000 costs what page 1 does."""

from typing import Any

from django.db.models import QuerySet
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request


class RecentFirst(CursorPagination):
    """Newest first; ``?page_size=`` up to 500. A view may name its ``cursor_ordering``."""

    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 500
    ordering = ("-listed_at", "-id")

    def get_ordering(self, request: Request, queryset: QuerySet[Any], view: Any) -> tuple[str, ...]:
        """Return the fields that make the cursor."""
        return getattr(view, "cursor_ordering", self.ordering)
