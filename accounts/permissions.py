"""Scopes as DRF permissions."""

from typing import Any

from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from accounts.authentication import actor_of
from accounts.roles import Scope


class HasScope(BasePermission):
    """The actor holds the view's scope in at least one project; rows are checked by querysets.

    A view names ``scope`` (or several, of which one is enough) for all methods, and may name
    ``write_scope`` for unsafe ones.
    """

    message = "This needs a scope that you do not have."

    def has_permission(self, request: Request, view: Any) -> bool:
        """Tell whether any project could be meant."""
        if not request.user or not request.user.is_authenticated:
            return False
        wanted = view.scope
        if request.method not in SAFE_METHODS:
            wanted = getattr(view, "write_scope", wanted)
        scopes = (wanted,) if isinstance(wanted, Scope) else wanted
        return any(actor_of(request).project_ids_with(scope) for scope in scopes)
