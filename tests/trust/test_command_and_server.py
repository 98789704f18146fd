"""The command against the server's policy, and the server's own verifications: all of it real."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from rest_framework.test import APIClient

from accounts.models import Project
from accounts.roles import Scope
from accounts.services import create_token
from audit.services import SYSTEM
from cli.main import main
from supplychain.trust.reading import read_policy
from tests.own_registry import PASSWORD, USER
from tests.supplychain.signed import Workshop, workshop
from trust.models import Verification, WaitingVerification
from trust.own import verify_next
from trust.services import save_policy

pytestmark = pytest.mark.engine
URL = "/api/v1/verifications/"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    with workshop(tmp_path_factory.mktemp("signed")) as made:
        yield made


def hold(project: Project, document: dict[str, Any]) -> None:
    """Let a policy hold in a project."""
    policy = read_policy(document)
    save_policy(project=project, name="main", document=document, policy=policy, actor=SYSTEM)


@pytest.mark.django_db(transaction=True)
def test_verify_asks_the_server_for_the_policy_and_leaves_the_result_there(
    live_server: Any,
    project: Project,
    alice: Any,
    shop: Workshop,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    scopes = (Scope.INGEST_WRITE, Scope.BUILDS_READ)
    _, secret = create_token(project=project, name="ci", scopes=scopes, actor=alice)
    for name, value in {
        "BUILDINSIGHTS_URL": live_server.url,
        "BUILDINSIGHTS_TOKEN": secret,
        "BUILDINSIGHTS_HOME": str(tmp_path / "home"),
        "DOCKER_CONFIG": shop.cosign.environment["DOCKER_CONFIG"],
    }.items():
        monkeypatch.setenv(name, value)
    image = shop.image("asked")
    call = ["verify", str(image.tagged("1")), "--environment", "production"]
    done = CliRunner().invoke(main, call)
    assert (done.exit_code, "has no trust policy for production" in done.output) == (2, True)
    hold(project, shop.policy())
    assert CliRunner().invoke(main, call).exit_code == 7
    shop.sign(image)
    assert CliRunner().invoke(main, call).exit_code == 0
    first, second = Verification.objects.order_by("pk")
    assert (first.passed, second.passed) == (False, True)
    assert [reason["code"] for reason in first.reasons] == ["unsigned"]
    assert second.facts["signed_by"] == ["release"]
    assert second.policy_version.number == 1
    assert second.inputs["policy"] == second.policy_version.digest
    assert (second.digest, second.reported_by) == (image.digest, "token ci")


@pytest.fixture
def allowed(project: Project, shop: Workshop, settings: Any, tmp_path: Path) -> Workshop:
    """The workshop, whose registry the server may ask as the project."""
    folder = tmp_path / project.slug
    folder.mkdir()
    auth = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    content = {"auths": {shop.own.host: {"auth": auth}}}
    (folder / "config.json").write_text(json.dumps(content))
    settings.REGISTRY_CONFIG_DIR = str(tmp_path)
    settings.TRUST_REGISTRIES = [shop.own.host]
    return shop


@pytest.mark.django_db
def test_the_server_verifies_an_image_itself(ci: APIClient, project: Project, allowed: Workshop):
    hold(project, allowed.policy())
    image = allowed.image("by-the-server")
    allowed.sign(image)
    asked = {"image": str(image.tagged("1")), "environment": "production"}
    answer = ci.post(URL, asked, format="json")
    assert answer.status_code == 202
    assert ci.get(f"{URL}{answer.json()['id']}/").status_code == 404
    assert verify_next() is not None
    kept = ci.get(f"{URL}{answer.json()['id']}/").json()
    assert (kept["passed"], kept["digest"]) == (True, image.digest)
    assert kept["facts"]["signed_by"] == ["release"]
    assert kept["reported_by"] == "server, for token ci"
    assert WaitingVerification.objects.count() == 0
    assert verify_next() is None


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("image", "words"),
    [("not-there:1", "the registry does not have it"), ("by-the-server:1", "")],
)
def test_what_the_server_cannot_find_out_is_told(
    ci: APIClient, project: Project, allowed: Workshop, image: str, words: str
):
    document = allowed.policy()
    if not words:
        document["keys"] = [{"id": "release", "kms": "awskms://evil.example.com/alias/x"}]
        words = "Only a public key of the policy itself can be used here: release."
        allowed.image("by-the-server")
    hold(project, document)
    asked = {"image": f"{allowed.own.host}/{image}", "environment": "production"}
    assert ci.post(URL, asked, format="json").status_code == 202
    kept = verify_next()
    assert kept is not None
    [reason] = kept.reasons
    assert reason["code"] == "not-verified"
    assert words in reason["message"]
