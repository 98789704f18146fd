"""Writes of saved views."""

import secrets

from django.db import transaction
from django.db.models.functions import Now

from accounts.models import Project, User
from audit.services import record
from reports.addresses import page_address
from reports.exceptions import NameTakenError, TooManyViewsError
from reports.models import SavedView

MOST_VIEWS = 100
"""Of one person, in all projects."""


@transaction.atomic
def save_view(*, project: Project, user: User, name: str, page: str) -> SavedView:
    """Keep a page of the project under a name.

    Raises:
        NotAPageError, NameTakenError, TooManyViewsError: it is not kept.
    """
    path = page_address(project, page)
    # Two requests of one person take turns, so that neither exceeds what is allowed.
    User.objects.select_for_update().get(pk=user.pk)
    views = SavedView.objects.filter(user=user)
    if views.filter(project=project, name=name).exists():
        raise NameTakenError
    if views.count() >= MOST_VIEWS:
        raise TooManyViewsError
    return SavedView.objects.create(project=project, user=user, name=name, path=path)


@transaction.atomic
def delete_view(*, view: SavedView) -> None:
    """Forget a view; its link leads nowhere from now on."""
    unshare_view(view=view)
    view.delete()


@transaction.atomic
def share_view(*, view: SavedView) -> SavedView:
    """Give a view a link that nobody can guess; one that has a link keeps it."""
    unshared = SavedView.objects.filter(pk=view.pk, token__isnull=True)
    if unshared.update(token=secrets.token_urlsafe(32), shared_at=Now()):
        _note(view, "view.shared")
    view.refresh_from_db()
    return view


@transaction.atomic
def unshare_view(*, view: SavedView) -> SavedView:
    """Take the link back; sharing it again makes another."""
    shared = SavedView.objects.filter(pk=view.pk, token__isnull=False)
    if shared.update(token=None, shared_at=None):
        _note(view, "view.unshared")
    view.refresh_from_db()
    return view


def _note(view: SavedView, action: str) -> None:
    changes = {"name": view.name, "path": view.path}
    record(actor=view.user, action=action, target=view, project=view.project, changes=changes)
