"""An auditor sees everything of the project and changes nothing, whatever address is asked."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from drf_spectacular.generators import SchemaGenerator

from accounts.models import Project, User
from audit.models import AuditEvent
from tests.security.test_life import built, digest

pytestmark = pytest.mark.django_db

UNSAFE = ("post", "put", "patch", "delete")
OWN_PERSON = {"/logout/", "/login/"}
"""Signing in and out changes nothing of a project."""
PERSONAL = "/views/"
"""Saved views are a person's own."""
SIGNED_ELSEWHERE = "/hooks/"
"""Webhooks are signed, and know no people."""
ONLY_READS = ("/policies/dry-run/", "/alert-rules/preview/")
"""Sent by POST as what is asked is long; it changes nothing."""
REFUSED = {302, 401, 403, 404, 405, 415}
"""302: to sign in as somebody else, at the administration site."""
ALLOWED = {200, 302, 400, 404, 405, 406}
"""A read that names nothing that is there is told so: never 403 and never 500."""

VALUES = {
    "project_slug": "shop",
    "slug": "api",
    "digest": digest(1),
    "public_id": "00000000-0000-0000-0000-000000000001",
    "sequence": "1",
    "act": "approve",
    "part": "record",
    "name": "default",
}


def patterns(resolver: URLResolver, prefix: str = "") -> Iterator[str]:
    """Yield all addresses of pages, with their converters."""
    for pattern in resolver.url_patterns:
        path = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            if pattern.app_name != "admin" and pattern.namespace != "api":
                yield from patterns(pattern, path)
        elif isinstance(pattern, URLPattern):
            yield path


def filled(path: str) -> str:
    """Return an address with values that fit."""
    path = re.sub(r"<(?:\w+:)?(\w+)>|\{(\w+)\}", lambda m: VALUES.get(m[1] or m[2], "1"), path)
    return "/" + path.lstrip("/")


def pages() -> list[str]:
    return sorted({filled(path) for path in patterns(get_resolver()) if "(?P" not in path})


def operations() -> list[tuple[str, str]]:
    schema: Any = SchemaGenerator(api_version="v1").get_schema(public=True)
    return [
        (method, filled(path))
        for path, methods in schema["paths"].items()
        for method in methods
        if method in {*UNSAFE, "get"}
    ]


@pytest.fixture
def browser(project: Project, auditor: User) -> Client:
    """An auditor's, of a project with a build."""
    built(project, 1)
    client = Client(raise_request_exception=False)
    client.force_login(auditor)
    return client


def test_all_pages(browser: Client):
    found = pages()
    assert len(found) > 80
    for path in found:
        assert browser.get(path).status_code in ALLOWED, path
        if path in OWN_PERSON:
            browser.force_login(User.objects.get(username="erin"))
            continue
        if PERSONAL in path:
            continue
        before = state()
        answer = browser.post(path, {})
        # A page that only reads may answer to POST as to GET.
        assert answer.status_code in REFUSED | {200}, path
        assert state() == before, path


def test_all_calls(browser: Client, project: Project):
    found = operations()
    assert len(found) > 80
    for method, path in found:
        if method == "get":
            code = browser.get(f"{path}?project={project.slug}").status_code
            assert code in ALLOWED, path
        elif PERSONAL not in path and SIGNED_ELSEWHERE not in path:
            before = state()
            answer = getattr(browser, method)(
                f"{path}?project={project.slug}", {}, content_type="application/json"
            )
            refused = REFUSED | ({400} if path.endswith(ONLY_READS) else set())
            assert answer.status_code in refused, (method, path, answer.status_code)
            assert state() == before, path


def state() -> int:
    """Whatever is changed for others is in the trail: so what is there tells whether any was."""
    return AuditEvent.objects.count()


def test_other_projects_are_not_there(browser: Client, carol: User):
    for path in pages():
        if path.startswith("/projects/shop/"):
            elsewhere = path.replace("/projects/shop/", "/projects/elsewhere/")
            assert browser.get(elsewhere).status_code in {404, 405}, elsewhere
