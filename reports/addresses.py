"""Addresses that may be saved: of this project's own pages, and nowhere else."""

from urllib.parse import unquote, urlsplit, urlunsplit

from django.urls import Resolver404, resolve

from accounts.models import Project
from reports.exceptions import NotAPageError
from reports.models import LONGEST_PATH

OWN = "/views/"
"""Where saved views themselves are: one that led to another could lead in a circle."""


def page_address(project: Project, text: str) -> str:
    """Return path and query of a page of the project, without the rest.

    What it returns begins with the project's own address, so whatever follows, a browser stays on
    this site.

    Raises:
        NotAPageError: it is another site's, another project's, or no page's.
    """
    text = text.strip()
    if len(text) > LONGEST_PATH or not text.isprintable() or "\\" in text:
        raise NotAPageError
    try:
        parts = urlsplit(text)
    except ValueError as error:
        raise NotAPageError from error
    if parts.scheme or parts.netloc or not _is_page(project, parts.path):
        raise NotAPageError
    return urlunsplit(("", "", parts.path, parts.query, ""))


def _is_page(project: Project, path: str) -> bool:
    plain, home = unquote(path), project.get_absolute_url()
    if not path.startswith(home) or path.startswith(home.rstrip("/") + OWN):
        return False
    if "\\" in plain or not plain.isprintable() or {".", ".."} & set(plain.split("/")):
        return False
    try:
        match = resolve(plain)
    except Resolver404:
        return False
    return match.kwargs.get("project_slug") == project.slug
