"""Verifications that are sent: kept once, never changed, shown to members, whatever is in them."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from accounts.models import Project, User
from accounts.roles import Scope
from accounts.services import create_project, create_token
from builds.models import Image
from tests.trust.making import DIGEST, document, result
from trust.models import Verification, WaitingVerification

pytestmark = pytest.mark.django_db
URL = "/api/v1/verifications/"
PAGE = "/projects/shop/signatures/"
HOSTILE = "<script>alert(1)</script>"


def send(client: APIClient, *codes: str, **more: Any) -> Any:
    return client.post(URL, result(*codes, **more), format="json")


def test_a_result_is_kept_with_its_inputs(ci: APIClient, project: Project):
    image = Image.objects.create(project=project, digest=DIGEST)
    answer = send(ci, "foreign-key", verified_at="2026-11-01T10:00:00Z")
    assert answer.status_code == 201
    kept = ci.get(f"{URL}{answer.json()['id']}/").json()
    assert (kept["image"], kept["digest"]) == ("registry.example.com/shop/api:1", DIGEST)
    assert (kept["passed"], kept["is_known"]) == (False, True)
    assert kept["reasons"] == [{"code": "foreign-key", "message": "It is foreign-key."}]
    assert kept["inputs"]["cosign"] == "v3.0.2"
    assert (kept["reported_by"], kept["verified_at"]) == ("token ci", "2026-11-01T10:00:00Z")
    assert Verification.objects.get().image == image


def test_the_same_id_again_changes_nothing(ci: APIClient):
    own = str(uuid.uuid4())
    assert send(ci, id=own).status_code == 201
    again = send(ci, "unsigned", id=own)
    assert again.status_code == 200
    assert again.json()["passed"] is True
    assert Verification.objects.count() == 1


def test_an_id_of_another_project_is_refused(ci: APIClient, alice: User):
    own = str(uuid.uuid4())
    send(ci, id=own)
    other = create_project(name="Other", owner=alice)
    scopes = (Scope.INGEST_WRITE, Scope.BUILDS_READ)
    _, secret = create_token(project=other, name="x", scopes=scopes, actor=alice)
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {secret}")
    answer = send(client, id=own)
    assert answer.status_code == 409
    assert answer.json()["errors"][0]["code"] == "id_taken"


@pytest.mark.parametrize(
    ("wrong", "place"),
    [
        ({"passed": True, "reasons": [{"code": "unsigned", "message": "x"}]}, "reasons"),
        ({"passed": False, "reasons": []}, "reasons"),
        ({"image": "-not an image-"}, "image"),
        ({"digest": "sha256:12"}, "digest"),
        ({"facts": {"x": "\x00"}}, "facts"),
        ({"policy": "main", "policy_version": 9}, "policy_version"),
    ],
)
def test_a_result_that_cannot_be_is_refused_with_its_place(
    ci: APIClient, wrong: dict[str, Any], place: str
):
    answer = send(ci, **wrong)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["attr"].startswith(place)
    assert Verification.objects.count() == 0


def test_it_names_the_version_of_the_policy(ci: APIClient, api_of: Callable[..., APIClient]):
    writer = api_of(Scope.POLICIES_WRITE)
    body = {"name": "main", "document": document()}
    writer.post("/api/v1/trust-policies/", body, format="json")
    kept = send(ci, policy="main", policy_version=1).json()
    assert (kept["policy"], kept["policy_version"]) == ("main", 1)


def test_nothing_of_it_can_be_changed_but_its_image_may_go(ci: APIClient, project: Project):
    image = Image.objects.create(project=project, digest=DIGEST)
    send(ci, "unsigned")
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE trust_verification SET passed = true, reasons = '[]'")
    image.delete()
    assert Verification.objects.get().image is None


def test_sending_takes_the_scope(api: APIClient):
    assert send(api).status_code == 403


def test_the_list_has_the_newest_of_each_image_and_environment(
    ci: APIClient, bob: User, client_of: Any
):
    send(ci, "unsigned", verified_at="2026-11-01T10:00:00Z")
    send(ci, verified_at="2026-11-02T10:00:00Z")
    send(ci, "key-revoked", environment="staging", verified_at="2026-11-01T10:00:00Z")
    page = client_of(bob).get(PAGE).content.decode()
    assert page.count("registry.example.com/shop/api:1</a>") == 2
    assert "unsigned" not in page
    assert "<code>key-revoked</code>" in page
    narrowed = client_of(bob).get(f"{PAGE}?passed=true").content.decode()
    assert "key-revoked" not in narrowed


def test_the_page_tells_source_builder_image_and_what_is_not_guaranteed(
    ci: APIClient, bob: User, client_of: Any
):
    send(ci, "branch-not-allowed")
    page = client_of(bob).get(Verification.objects.get().get_absolute_url()).content.decode()
    for text in (
        "https://github.com/example/shop",
        "https://ci.example.com/runner",
        "pkg:docker/alpine@3",
        "branch-not-allowed",
        "Nobody can prove when.",
        "SPDX-2.3, 12 packages",
    ):
        assert text in page


def test_what_a_reporter_says_is_shown_inert(ci: APIClient, bob: User, client_of: Any):
    facts = {
        "signed_by": [HOSTILE, 1],
        "signatures": [{"by": HOSTILE, "fault": HOSTILE}, 7],
        "provenance": {
            "builder": "javascript:alert(1)",
            "source": {"repository": HOSTILE},
            "materials": [HOSTILE, {"uri": HOSTILE}],
            "parameters": {HOSTILE: HOSTILE},
        },
        "sbom": {"format": HOSTILE},
    }
    inputs = {"cosign": {"a": 1}, "attached": "x", "problems": [HOSTILE]}
    send(ci, "unsigned", facts=facts, inputs=inputs)
    send(ci, environment="staging", facts={"provenance": []}, inputs={})
    browser = client_of(bob)
    addresses = [PAGE, *(item.get_absolute_url() for item in Verification.objects.all())]
    for address in addresses:
        answer = browser.get(address)
        assert answer.status_code == 200
        assert HOSTILE not in answer.content.decode()
        assert 'href="javascript:' not in answer.content.decode()


def test_nobody_else_sees_them(ci: APIClient, carol: User, client_of: Any):
    send(ci)
    kept = Verification.objects.get()
    browser = client_of(carol)
    for address in (PAGE, kept.get_absolute_url(), f"{URL}{kept.public_id}/"):
        assert browser.get(address).status_code == 404
    assert browser.get(URL).json()["results"] == []


@pytest.mark.parametrize("address", [PAGE, URL])
def test_lists_cost_the_same_whatever_their_length(
    ci: APIClient, bob: User, client_of: Any, address: str
):
    browser = client_of(bob)

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert browser.get(address).status_code == 200
        return len(captured)

    send(ci, environment="first")
    queries()
    few = queries()
    for number in range(10):
        send(ci, "unsigned", environment=f"e{number}")
    assert queries() == few


def test_the_server_asks_no_registry_that_is_not_named(ci: APIClient, settings: Any):
    settings.TRUST_REGISTRIES = ["registry.example.com"]
    for image in ("169.254.169.254/x:1", "localhost:5000/x:1", "registry.example.com:81/x:1"):
        answer = ci.post(URL, {"image": image, "environment": "production"}, format="json")
        assert answer.status_code == 409
        assert answer.json()["errors"][0]["code"] == "registry_not_allowed"
    asked = {"image": "registry.example.com/x:1", "environment": "production"}
    answer = ci.post(URL, asked, format="json")
    assert answer.json()["errors"][0]["code"] == "no_trust_policy"
    assert WaitingVerification.objects.count() == 0
