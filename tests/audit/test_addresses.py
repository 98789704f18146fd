"""Whose address the trail keeps: nobody writes another one there, or one that breaks the chain."""

from typing import Any

import pytest
import structlog
from django.db import transaction
from django.test import Client

from accounts.models import Project, User
from audit.appending import append_pending
from audit.models import AuditEvent
from audit.services import chain_name, record
from audit.verification import verify_chain

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("::1.2.3.4", "::1.2.3.4"),
        ("::102:0", "::1.2.0.0"),
        ("::1:0", "::0.1.0.0"),
        ("::ffff", "::ffff"),
        ("::ffff:1.2.3.4", "::ffff:1.2.3.4"),
        ("fe80::1%eth0", "fe80::1"),
        ("2001:db8::1", "2001:db8::1"),
        ("nowhere", None),
    ],
)
def test_the_chain_holds_whatever_the_address(
    project: Project, alice: User, said: str, kept: str | None
):
    with structlog.contextvars.bound_contextvars(ip=said), transaction.atomic():
        record(actor=alice, action="x.done", target=project, project=project)
    assert AuditEvent.objects.get(action="x.done").ip == kept
    assert verify_chain(chain_name(project)) is None


@pytest.mark.parametrize(
    ("proxies", "forwarded", "kept"),
    [
        (0, "", "192.0.2.1"),
        (0, "203.0.113.9", "192.0.2.1"),
        (1, "", "192.0.2.1"),
        (1, "203.0.113.9", "203.0.113.9"),
        (1, "10.0.0.1, 203.0.113.9", "203.0.113.9"),
        (2, "10.0.0.1, 203.0.113.9, 10.9.9.9", "203.0.113.9"),
        (3, "203.0.113.9", "203.0.113.9"),
    ],
)
def test_only_proxies_of_ours_say_where_a_request_is_from(
    client: Client, settings: Any, proxies: int, forwarded: str, kept: str
):
    settings.TRUSTED_PROXIES = proxies
    headers = {"X-Forwarded-For": forwarded, "X-Real-IP": "10.1.1.1"} if forwarded else {}
    body = {"username": "nobody", "password": "x"}
    client.post("/login/", body, headers=headers, REMOTE_ADDR="192.0.2.1")
    append_pending()
    assert set(AuditEvent.objects.values_list("ip", flat=True)) == {kept}
