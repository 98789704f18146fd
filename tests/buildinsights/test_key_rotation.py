"""``SECRET_KEY`` is changed as the docs say: what goes on, and what says that it does not."""

import hmac
import json
from collections.abc import Callable
from hashlib import sha256
from importlib import import_module
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.migrations.exceptions import IrreversibleError
from django.db.migrations.executor import MigrationExecutor
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import Project, User
from buildinsights.sealing import UnreadableError
from farm.models import PushHook
from farm.pushes import new_secret, secret_of
from security.models import Finding, PrintKey
from tests.security.making import scanned

pytestmark = pytest.mark.django_db

NEW = "another-" + "y" * 40


@pytest.fixture
def rotate(settings: LazySettings) -> Callable[[], None]:
    """Put another key in place, the former one beside it."""

    def change() -> None:
        settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
        settings.SECRET_KEY = NEW

    return change


class TestPushHooks:
    @pytest.fixture
    def hook(self, project: Project, alice: User) -> PushHook:
        return new_secret(project=project, actor=alice)

    @pytest.fixture
    def page(self, client_of: Callable[[User], Client], alice: User, project: Project) -> Any:
        def text() -> str:
            alice_s = client_of(alice)
            return alice_s.get(f"/projects/{project.slug}/triggers/").content.decode()

        return text

    def test_the_copy_of_the_forge_stays_good(
        self, hook: PushHook, rotate: Callable[[], None], settings: LazySettings
    ):
        copy = secret_of(hook)
        rotate()
        assert pushed(hook, copy) == 202
        call_command("reseal")
        assert pushed(hook, copy) == 202
        settings.SECRET_KEY_FALLBACKS = []
        assert pushed(hook, copy) == 202
        assert pushed(hook, "x" * 64) == 401

    def test_one_that_was_not_sealed_again_is_refused_and_says_so(
        self,
        hook: PushHook,
        project: Project,
        alice: User,
        page: Callable[[], str],
        rotate: Callable[[], None],
        settings: LazySettings,
    ):
        copy = secret_of(hook)
        assert copy in page()
        rotate()
        settings.SECRET_KEY_FALLBACKS = []
        assert pushed(hook, copy) == 401
        assert pushed(hook, "") == 401
        assert "It cannot be read any more" in page()
        with pytest.raises(CommandError, match=r"push webhook's secret in shop: replace it"):
            call_command("reseal")
        replaced = new_secret(project=project, actor=alice)
        assert replaced.public_id == hook.public_id
        assert pushed(hook, secret_of(replaced)) == 202
        call_command("reseal")

    def test_a_secret_opens_for_its_own_webhook_alone(self, hook: PushHook, carol: User):
        other = new_secret(project=Project.objects.get(name="Elsewhere"), actor=carol)
        assert secret_of(hook).encode() not in bytes(hook.sealed)
        PushHook.objects.filter(pk=hook.pk).update(sealed=other.sealed)
        hook.refresh_from_db()
        with pytest.raises(UnreadableError):
            secret_of(hook)


def pushed(hook: PushHook, secret: str) -> int:
    """Send a push that builds nothing, signed as GitHub does; return the answer's status."""
    body = b'{"zen": "Keep it logically awesome."}'
    signature = hmac.new(secret.encode(), body, sha256).hexdigest()
    answer = APIClient().generic(
        "POST",
        f"/api/v1/hooks/{hook.public_id}/push/",
        body,
        content_type="application/json",
        headers={"X-Hub-Signature-256": f"sha256={signature}"},
    )
    return answer.status_code


class TestFoundSecrets:
    def test_each_stays_the_finding_that_it_was(self, ci: APIClient, settings: LazySettings):
        scanned(ci, leak("2026-11-01"), service="shop")
        [known] = Finding.objects.all()
        settings.SECRET_KEY = NEW
        again = scanned(ci, leak("2026-11-02"), service="shop")
        assert (again.came, again.went) == (0, 0)
        [finding] = Finding.objects.all()
        assert (finding.pk, finding.state) == (known.pk, "open")

    def test_projects_have_keys_of_their_own(self, project: Project, carol: User):
        other = Project.objects.get(name="Elsewhere")
        keys = [PrintKey.objects.create(project=each).key for each in (project, other)]
        assert [len(key) for key in keys] == [32, 32]
        assert keys[0] != keys[1]


def leak(day: str) -> bytes:
    """A report of one secret, made on a day."""
    secret = {"RuleID": "github-pat", "Severity": "CRITICAL", "Match": "token = ghp_********"}
    results = [{"Target": "/app/.env", "Class": "secret", "Secrets": [secret]}]
    at = f"{day}T12:00:00Z"
    document = {"SchemaVersion": 2, "ArtifactName": "shop", "CreatedAt": at, "Results": results}
    return json.dumps(document).encode()


def test_sessions_go_on_for_who_comes_meanwhile(
    client_of: Callable[[User], Client],
    alice: User,
    bob: User,
    rotate: Callable[[], None],
    settings: LazySettings,
):
    came, stayed_away = client_of(alice), client_of(bob)
    rotate()
    assert came.get("/").status_code == 200
    settings.SECRET_KEY_FALLBACKS = []
    assert came.get("/").status_code == 200
    assert stayed_away.get("/").status_code == 302


class TestWhatWasDerivedBefore:
    """Secrets and keys were made from ``SECRET_KEY`` once; they stay what they were."""

    @pytest.fixture(autouse=True)
    def _key(self, project: Project, settings: LazySettings) -> None:
        settings.SECRET_KEY = "k" * 40

    def test_secrets_of_push_webhooks(self, project: Project, monkeypatch: pytest.MonkeyPatch):
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        with pytest.raises(IrreversibleError):
            migrated("farm", "0001_initial")  # with hooks, replaced secrets would hold again
        [_, kept, _] = import_module(
            "farm.migrations.0002_sealed_hook_secrets"
        ).Migration.operations
        monkeypatch.setattr(kept, "reverse_code", kept.noop)  # there are none yet
        old = migrated("farm", "0001_initial").get_model("farm", "PushHook")
        name = "8f3f3d9e-6f0a-4f6c-9a0e-0d7c8a3f7d11"
        old.objects.create(project_id=project.pk, public_id=name, version=3)
        migrated("farm", "0002_sealed_hook_secrets")
        expected = derived(b"farm.push-hook", f"{name}:3").hex()
        assert secret_of(PushHook.objects.get()) == expected

    def test_keys_of_prints(self, project: Project):
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        migrated("security", "0001_initial")
        migrated("security", "0002_print_keys")
        expected = derived(b"ingest.trivy.secrets", str(project.pk))
        assert bytes(PrintKey.objects.get(project=project).key) == expected


def migrated(app: str, name: str) -> Any:
    """Bring the tables of an app to a migration; return the models of that time."""
    return MigrationExecutor(connection).migrate([(app, name)]).apps


def derived(salt: bytes, value: str) -> bytes:
    """Return HMAC-SHA-256 by the key that Django's ``salted_hmac`` takes."""
    key = sha256(salt + b"k" * 40).digest()
    return hmac.digest(key, value.encode(), "sha256")
