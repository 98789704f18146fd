"""Verdicts on signatures: which verification counts, and what of it still holds."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import Project, User
from accounts.roles import Scope
from builds.models import Build
from tests.policies.writing import saved
from tests.security.making import built, digest
from tests.trust.making import PEM, document, result
from trust.models import TrustPolicyVersion

pytestmark = pytest.mark.django_db

RULES = "signature: {required: true}\nprovenance: {required: true}\n"
AT = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def image(project: Project, alice: User, time_machine: Any) -> Build:
    """An image of a build for production, and a policy that wants it signed."""
    time_machine.move_to(AT, tick=False)
    saved(project, alice, "Signed", RULES, is_default=True)
    return built(project, 1)


@pytest.fixture
def hold(api_of: Callable[..., APIClient]) -> Callable[..., int]:
    """Say what holds: a key with some dates for production; return the version's number."""
    client = api_of(Scope.POLICIES_WRITE)

    def put(*environments: str, **dates: str) -> int:
        keys = [{"id": "release", "public_key": PEM, **dates}]
        body = {"name": "main", "document": document(*environments, keys=keys)}
        answer = client.post("/api/v1/trust-policies/", body, format="json")
        assert answer.status_code in (200, 201), answer.content
        return TrustPolicyVersion.objects.order_by("-number").values_list("number", flat=True)[0]

    return put


def verified(ci: APIClient, *codes: str, version: int = 0, **more: Any) -> None:
    """Send what a verification of the image has found."""
    held = {"policy": "main", "policy_version": version} if version else {}
    body = result(*codes, digest=digest(1), **held) | {"image": "shop/api:1"} | more
    answer = ci.post("/api/v1/verifications/", body, format="json")
    assert answer.status_code == 201, answer.content


def verdict(ci: APIClient, environment: str = "production") -> str:
    query = {"environment": environment} if environment else {}
    return str(ci.get(f"/api/v1/images/{digest(1)}/verdict/", query).data["verdict"])


def test_another_version_of_the_policy_asks_for_another_verification(ci: APIClient, hold: Any):
    verified(ci, version=hold())
    assert verdict(ci) == "pass"
    second = hold(revoked_at="2026-11-19T00:00:00Z", revoked_because="It was lost.")
    assert verdict(ci) == "unknown"
    verified(ci, "key-revoked", version=second)
    assert verdict(ci) == "fail"


def test_a_result_may_name_the_policy_by_its_digest_alone(ci: APIClient, hold: Any):
    hold()
    verified(ci)
    assert verdict(ci) == "unknown"  # by a policy of its sender's own
    holds = TrustPolicyVersion.objects.get()
    verified(ci, inputs={"policy": holds.digest})
    assert verdict(ci) == "pass"


def test_where_the_server_has_no_policy_a_senders_own_counts(ci: APIClient, hold: Any):
    hold("staging")
    verified(ci)
    assert verdict(ci) == "pass"


@pytest.mark.parametrize(
    ("dates", "code"),
    [
        ({"revoked_at": "2026-11-21T00:00:00Z", "revoked_because": "Lost."}, "key-revoked"),
        ({"valid_until": "2026-11-21T00:00:00Z"}, "key-expired"),
    ],
)
def test_a_key_counts_until_the_day_that_the_policy_names(
    ci: APIClient, hold: Any, time_machine: Any, dates: dict[str, str], code: str
):
    verified(ci, version=hold(**dates))
    assert verdict(ci) == "pass"
    time_machine.move_to(AT + timedelta(days=1), tick=False)
    answer = ci.get(f"/api/v1/images/{digest(1)}/verdict/", {"environment": "production"}).data
    assert answer["verdict"] == "fail"
    [evidence] = answer["reasons"][0]["evidence"]
    assert evidence.startswith(f"{code}: Key release was ")


def test_provenance_counts_as_long_as_the_key_that_attests_it(
    ci: APIClient, hold: Any, time_machine: Any
):
    version = hold(valid_until="2026-11-21T00:00:00Z")
    facts = result()["facts"]
    facts |= {"signed_by": ["github"], "provenance": facts["provenance"] | {"by": ["release"]}}
    verified(ci, version=version, facts=facts)
    assert verdict(ci) == "pass"
    time_machine.move_to(AT + timedelta(days=1), tick=False)
    answer = ci.get(f"/api/v1/images/{digest(1)}/verdict/", {"environment": "production"}).data
    assert [reason["rule"] for reason in answer["reasons"]] == ["provenance"]


def test_where_the_registry_failed_nothing_was_verified(ci: APIClient, hold: Any):
    version = hold()
    verified(ci, "not-verified", version=version, facts={})
    assert verdict(ci) == "unknown"
    verified(ci, version=version)
    verified(ci, "not-verified", version=version, facts={})
    assert verdict(ci) == "pass"


@pytest.mark.parametrize("code", ["foreign-key", "key-expired"])
def test_a_signature_does_not_fail_by_who_attested_something_else(
    ci: APIClient, hold: Any, code: str
):
    facts = result()["facts"] | {"provenance": {"standing": "refused", "by": ["stranger"]}}
    verified(ci, code, version=hold(), facts=facts)
    answer = ci.get(f"/api/v1/images/{digest(1)}/verdict/", {"environment": "production"}).data
    assert [reason["rule"] for reason in answer["reasons"]] == ["provenance"]


@pytest.mark.parametrize("code", ["unsigned", "too-few-signatures", "manifest-tampered"])
def test_a_signature_fails_by_what_is_of_signatures(ci: APIClient, hold: Any, code: str):
    verified(ci, code, version=hold(), facts=result()["facts"])
    assert verdict(ci) == "fail"


def test_without_an_environment_it_is_that_of_the_build(ci: APIClient, hold: Any, image: Build):
    verified(ci, "unsigned", version=hold("production", "staging"))
    at = (timezone.now() - timedelta(hours=1)).isoformat()
    verified(ci, version=1, environment="staging", verified_at=at)
    assert (verdict(ci, ""), verdict(ci, "staging")) == ("fail", "pass")
    Build.objects.filter(pk=image.pk).update(environment="staging")
    assert verdict(ci, "") == "pass"


def test_names_of_signers_that_are_none_sign_nothing(ci: APIClient, hold: Any):
    facts = result()["facts"] | {"signed_by": [{"id": "release"}], "provenance": "counts"}
    verified(ci, version=hold(), facts=facts)
    assert verdict(ci) == "fail"
