"""Trust policies on the server: versions, who may change them, errors with their places."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from rest_framework.test import APIClient

from accounts.models import Project, User
from accounts.roles import Role, Scope
from accounts.services import set_member_role
from audit.models import AuditEvent
from tests.trust.making import document
from trust.models import TrustPolicyVersion

pytestmark = pytest.mark.django_db
URL = "/api/v1/trust-policies/"


@pytest.fixture
def writer(api_of: Callable[..., APIClient]) -> APIClient:
    return api_of(Scope.POLICIES_WRITE, Scope.BUILDS_READ)


def save(client: APIClient, name: str = "main", **content: Any) -> Any:
    body = {"name": name, "document": document(**content)}
    return client.post(URL, body, format="json")


def test_a_changed_document_is_a_new_version_and_the_same_is_none(writer: APIClient):
    first = save(writer)
    again = save(writer)
    changed = save(writer, transparency_log=True)
    assert [answer.status_code for answer in (first, again, changed)] == [201, 200, 201]
    assert [answer.json()["version"] for answer in (first, again, changed)] == [1, 1, 2]
    [listed] = writer.get(URL, {"environment": "production"}).json()["results"]
    assert listed["version"] == 2
    assert listed["document"]["transparency_log"] is True
    assert listed["environments"] == ["production"]
    assert writer.get(URL, {"environment": "staging"}).json()["results"] == []


def test_each_change_is_in_the_audit_trail(writer: APIClient, project: Project):
    save(writer)
    save(writer, transparency_log=True)
    events = AuditEvent.objects.filter(action="trust_policy.changed").order_by("sequence")
    assert [event.changes["version"] for event in events] == [1, 2]
    assert {event.actor_name for event in events} == {"token ci"}


def test_errors_name_their_place(writer: APIClient):
    body: dict[str, Any] = {"name": "main", "document": document()}
    body["document"]["environments"]["production"] = {"signers": ["nobody"], "colour": "red"}
    answer = writer.post(URL, body, format="json")
    assert answer.status_code == 400
    [error] = answer.json()["errors"]
    assert error["attr"] == "document.environments.production"
    assert "'colour' is not known here" in error["detail"]


def test_a_key_file_is_refused_for_it_is_on_one_machine_only(writer: APIClient):
    body = {"name": "main", "document": document(keys=[{"id": "release", "file": "/etc/passwd"}])}
    answer = writer.post(URL, body, format="json")
    assert answer.json()["errors"][0]["attr"] == "document.keys[0].file"


def test_two_policies_never_name_the_same_environment(writer: APIClient):
    save(writer)
    answer = save(writer, "other")
    assert answer.status_code == 409
    assert answer.json()["errors"][0]["code"] == "environment_taken"


def test_the_scope_is_needed_and_leads_have_it(
    api: APIClient, ci: APIClient, project: Project, bob: User, alice: User, client_of: Any
):
    assert save(api).status_code == 403
    assert save(ci).status_code == 403
    form = {"name": "main", "document": "version: 1"}
    assert client_of(bob).post("/projects/shop/trust-policies/", form).status_code == 404
    set_member_role(project=project, user=bob, role=Role.LEAD, actor=alice)
    assert client_of(bob).post("/projects/shop/trust-policies/", form).status_code == 200


def test_a_job_that_only_sends_may_read_what_holds(
    writer: APIClient, api_of: Callable[..., APIClient]
):
    save(writer)
    [held] = api_of(Scope.INGEST_WRITE).get(URL).json()["results"]
    assert held["name"] == "main"
    assert api_of(Scope.AUDIT_READ).get(URL).status_code == 403


def test_the_form_takes_yaml_and_shows_errors_at_their_place(
    alice: User, client_of: Any, project: Project
):
    browser = client_of(alice)
    wrong = {"name": "main", "document": "version: 1\nkeys: [a\n"}
    page = browser.post("/projects/shop/trust-policies/", wrong).content.decode()
    assert "line 3, column 1" in page
    wrong = {"name": "main", "document": "version: 2\nenvironments: {}\n"}
    page = browser.post("/projects/shop/trust-policies/", wrong).content.decode()
    assert "version: must be 1" in page
    right = {
        "name": "main",
        "document": "version: 1\r\nidentities:\r\n  - {id: ci, subject: s, issuer: i}\r\n"
        "environments:\r\n  production: {signers: [ci], refs: [main]}\r\n",
    }
    answer = browser.post("/projects/shop/trust-policies/", right, follow=True)
    page = answer.content.decode()
    assert "Version 1 holds from now on." in page
    assert "<code>main</code>" in page
    version = TrustPolicyVersion.objects.get()
    assert (version.author_name, version.author) == (alice.actor_name, alice)


def test_no_version_can_be_changed(writer: APIClient):
    save(writer)
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE trust_trustpolicyversion SET document = '{}'")


def test_strangers_see_no_policy(writer: APIClient, carol: User, client_of: Any):
    save(writer)
    policy = TrustPolicyVersion.objects.get().policy
    browser = client_of(carol)
    assert browser.get("/projects/shop/trust-policies/").status_code == 404
    assert browser.get(policy.get_absolute_url()).status_code == 404
    assert browser.get(URL).json()["results"] == []
