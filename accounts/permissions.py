"""Scopes as DRF permissions."""

from typing import Any

from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from accounts.authentication import actor_of
from accounts.roles import Scope


def scope_asked(request: Request, view: Any) -> Any:
    """Return the scope, or scopes, that a request needs of a view: to read, or to change."""
    if request.method in SAFE_METHODS:
        return view.scope
    return getattr(view, "write_scope", view.scope)


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
        wanted = scope_asked(request, view)
        scopes = (wanted,) if isinstance(wanted, Scope) else wanted
        return any(actor_of(request).project_ids_with(scope) for scope in scopes)
