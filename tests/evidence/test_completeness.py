"""What happens is in the trail: who, what, from where."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import ApiToken, Project, User
from accounts.roles import Scope
from accounts.services import create_token, revoke_token
from audit.appending import append_pending
from audit.models import AuditEvent
from ingest.models import IngestPayload
from sboms.models import Sbom
from tests.sboms.bills import cyclonedx, sent
from tests.security.test_life import built

pytestmark = pytest.mark.django_db

INGEST = "/api/v1/ingest/buildkit/"


def acts(action: str) -> list[AuditEvent]:
    append_pending()
    return list(AuditEvent.objects.filter(action=action).order_by("pk"))


class TestSigningIn:
    def test_success_and_end(self, bob: User):
        browser = Client()
        browser.post("/login/", {"username": "bob", "password": "bob-password"})
        browser.post("/logout/")
        for action in ("login.succeeded", "login.ended"):
            (event,) = acts(action)
            assert (event.chain, event.actor_name, event.ip) == ("instance", "bob", "127.0.0.1")
            assert event.request_id

    def test_a_failure_has_the_name_and_no_password(self, bob: User):
        Client().post("/login/", {"username": "bob", "password": "my-secret"})
        (event,) = acts("login.failed")
        assert (event.actor_type, event.actor_name) == ("stranger", "bob")
        assert "my-secret" not in str(vars(event))

    def test_a_name_that_nobody_has_may_be_a_password(self, bob: User):
        Client().post("/login/", {"username": "hunter2hunter2", "password": "x"})
        (event,) = acts("login.failed")
        assert event.actor_name == "hun…"
        assert "hunter2" not in str(vars(event))


class TestTokens:
    def test_the_first_use_of_a_day_from_an_address(
        self, project: Project, api_of: Callable[..., APIClient]
    ):
        client = api_of(Scope.BUILDS_READ)
        for address in ("192.0.2.1", "192.0.2.1", "192.0.2.2"):
            client.get("/api/v1/builds/", REMOTE_ADDR=address)
        assert [event.ip for event in acts("token.used")] == ["192.0.2.1", "192.0.2.2"]
        assert acts("token.used")[0].chain == str(project.public_id)

    def test_a_refusal(self, project: Project, alice: User):
        token, secret = create_token(
            project=project, name="ci", scopes=[Scope.BUILDS_READ], actor=alice
        )
        revoke_token(token=token, actor=alice)
        client = APIClient()
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {secret}")
        assert {client.get("/api/v1/builds/").status_code for _ in range(3)} == {401}
        (event,) = acts("token.refused")
        assert (event.chain, event.target_id) == (str(project.public_id), str(token.public_id))
        assert secret not in str(vars(event))


class TestUploads:
    def sent(self, ci: APIClient) -> Any:
        file = SimpleUploadedFile("r", b'{"vertexes": []}')
        return ci.post(INGEST, {"service": "s", "progress": file}, format="multipart").json()

    def test_each_is_there_with_all_that_proves_it(self, ci: APIClient, project: Project):
        receipt = self.sent(ci)["receipt"]
        (event,) = acts("payload.received")
        payload = IngestPayload.objects.get()
        assert (event.target_id, event.actor_name) == (receipt, "token ci")
        assert (event.chain, event.project_name) == (str(project.public_id), "Shop")
        assert event.occurred_at == payload.received_at
        assert event.changes == {
            "kind": "buildkit",
            "sha256": payload.sha256,
            "size_bytes": payload.size_bytes,
        }

    def test_a_repeat_is_there_too(self, ci: APIClient):
        receipt = self.sent(ci)["receipt"]
        assert self.sent(ci)["duplicate"]
        (event,) = acts("payload.repeated")
        assert event.target_id == receipt
        assert len(acts("payload.received")) == 1


class TestDownloads:
    def test_a_raw_part(self, ci: APIClient, auditor: User, client_of: Any):
        TestUploads().sent(ci)
        payload = IngestPayload.objects.get()
        path = f"/projects/shop/receipts/{payload.public_id}/raw/progress/"
        assert client_of(auditor).get(path).status_code == 200
        (event,) = acts("payload.downloaded")
        assert (event.actor_name, event.changes) == ("erin", {"part": "progress"})

    def test_a_log_once_a_day(self, project: Project, auditor: User, client_of: Any):
        build = built(project, 1)
        browser = client_of(auditor)
        for _ in range(2):
            browser.get(f"/projects/shop/builds/{build.public_id}/log/")
            browser.get(f"/api/v1/builds/{build.public_id}/log/")
        (event,) = acts("build.log_read")
        assert event.target_id == str(build.public_id)

    def test_a_log_in_its_tab_and_no_other_tab(
        self, project: Project, auditor: User, client_of: Any
    ):
        page = built(project, 1).get_absolute_url()
        browser = client_of(auditor)
        for query in ("", "?tab=steps", "?tab=layers"):
            assert browser.get(f"{page}{query}").status_code == 200
        assert acts("build.log_read") == []
        for _ in range(2):
            assert browser.get(f"{page}?tab=log").status_code == 200
        (event,) = acts("build.log_read")
        assert event.actor_name == "erin"

    def test_a_bill_of_materials(
        self, ci: APIClient, project: Project, auditor: User, client_of: Any
    ):
        built(project, 1)
        sent(ci, cyclonedx(1))
        bill = Sbom.objects.get()
        browser = client_of(auditor)
        browser.get("/projects/shop/sboms/")
        assert acts("sbom.read") == []
        for path in (bill.get_absolute_url(), f"/api/v1/sboms/{bill.public_id}/packages/"):
            assert browser.get(path).status_code == 200
            (event,) = acts("sbom.read")
            assert (event.actor_name, event.target_id) == ("erin", str(bill.public_id))

    def test_the_assessment(self, project: Project, auditor: User, client_of: Any):
        path = "/api/v1/assessment/?project=shop&format=pdf"
        assert client_of(auditor).get(path).status_code == 200
        (event,) = acts("assessment.exported")
        assert event.changes["format"] == "pdf"


def test_the_administration_site(project: Project, bob: User):
    root = User.objects.create_superuser("root", password="root-password")
    browser = Client()
    browser.force_login(root)
    path = f"/admin/accounts/project/{project.pk}/change/"
    form = {
        "name": "Shop 2",
        "slug": "shop",
        "memberships-TOTAL_FORMS": 0,
        "memberships-INITIAL_FORMS": 0,
    }
    assert browser.post(path, form).status_code == 302
    (event,) = acts("project.changed")
    assert (event.actor_name, event.target_id) == ("root", str(project.public_id))
    assert "Name" in str(event.changes) or "name" in str(event.changes)
    assert ApiToken.objects.count() == 0
