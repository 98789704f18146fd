"""Fixtures for every test: a fixed cast, a token, a way to ask the API."""

import os
import re
import subprocess
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.utils import timezone
from hypothesis import settings
from rest_framework.test import APIClient

from accounts.models import Project, User
from accounts.roles import Role, Scope
from accounts.services import create_project, create_token, set_member_role
from audit.models import AuditEvent, Checkpoint, PendingEvent, SigningKey, Tombstone
from tests.template import ensure_template

ROOT = Path(__file__).resolve().parents[1]
NO_TRUNCATE = AuditEvent._meta.triggers[1].get_pgid(AuditEvent)
APPEND_ONLY = (AuditEvent, PendingEvent, Checkpoint, Tombstone, SigningKey)

settings.register_profile("untimed", settings(deadline=None))
settings.load_profile("untimed")  # how long an example takes says how busy the machine is

SHARED_FIXTURES = ROOT.parent / "shared" / "fixtures"
"""Real records of public projects, where they lie beside the checkout."""


@pytest.fixture(scope="session")
def buildkit_fixtures() -> Path:
    """The folder of real BuildKit records; tests that need it are skipped without it."""
    folder = SHARED_FIXTURES / "buildkit"
    if not folder.is_dir():
        pytest.skip(f"no {folder}")
    return folder


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings: None, django_db_blocker: Any
) -> None:
    """Let the databases of the tests be copies of one that is migrated."""
    with django_db_blocker.unblock():
        connection.settings_dict["TEST"]["TEMPLATE"] = ensure_template()


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> None:
    """Let tests with real transactions empty the tables: only TRUNCATE of the trail is allowed."""
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        for model in APPEND_ONLY:
            trigger = model._meta.triggers[1].get_pgid(model)
            cursor.execute(f"ALTER TABLE {model._meta.db_table} DISABLE TRIGGER {trigger}")


@pytest.fixture(autouse=True)
def _empty_cache() -> Iterator[None]:
    """Throttles count in the cache; no test should feel another's requests."""
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def alice(db: None) -> User:
    """The administrator of the project."""
    return User.objects.create_user("alice", "alice@example.com", "alice-password")


@pytest.fixture
def bob(db: None) -> User:
    """A viewer of the project."""
    return User.objects.create_user("bob", "bob@example.com", "bob-password")


@pytest.fixture
def carol(db: None) -> User:
    """Somebody with another project and no access to this one."""
    user = User.objects.create_user("carol", "carol@example.com", "carol-password")
    create_project(name="Elsewhere", owner=user)
    return user


@pytest.fixture
def project(alice: User, bob: User) -> Project:
    """The project of Alice and Bob."""
    project = create_project(name="Shop", owner=alice)
    set_member_role(project=project, user=bob, role=Role.VIEWER, actor=alice)
    return project


@pytest.fixture
def client_of() -> Callable[[User], Client]:
    """Sign a user in and return the browser."""

    def sign_in(user: User) -> Client:
        client = Client()
        client.force_login(user)
        return client

    return sign_in


@pytest.fixture
def api_of(project: Project, alice: User) -> Callable[..., APIClient]:
    """Return an API client with a token of the project that has the given scopes."""

    def with_scopes(*scopes: Scope) -> APIClient:
        _, secret = create_token(project=project, name="ci", scopes=scopes, actor=alice)
        client = APIClient()
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {secret}")
        return client

    return with_scopes


@pytest.fixture
def ci(api_of: Callable[..., APIClient]) -> APIClient:
    """What a CI job holds: it may send, and read what became of it."""
    return api_of(Scope.INGEST_WRITE, Scope.BUILDS_READ)


@pytest.fixture
def api(api_of: Callable[..., APIClient]) -> APIClient:
    """What a reader of builds holds."""
    return api_of(Scope.BUILDS_READ)


@pytest.fixture
def today() -> date:
    """The day of this test, not of the module: a run may last over midnight."""
    return timezone.now().date()


@pytest.hookimpl(tryfirst=True)  # xdist reads the groups in a hook of its own
def pytest_collection_modifyitems(items: list[Any]) -> None:
    """Keep what shares an engine, a server or a module's fixtures on one worker, the rest apart."""
    for item in items:
        if name := _group_of(item):
            item.add_marker(pytest.mark.xdist_group(name))


def _group_of(item: Any) -> str | None:
    """Return what is to stay together with a test; large groups are begun before single tests.

    There is one engine: of two builds at once neither knows which is the newest, and BuildKit may
    run steps again after another's prune of entries that they do not need.
    """
    if item.get_closest_marker("engine") or "plain_server" in item.fixturenames:
        return "engine"
    if "demo_server" in item.fixturenames:
        return "demo_server"
    if item.get_closest_marker("slow"):
        return "slow"
    if item.get_closest_marker("browser"):
        return str(item.path.relative_to(ROOT))
    return None


def required(name: str) -> bool:
    """Whether a missing engine or browser is a failure instead of a skip."""
    return os.environ.get(name) == "1"


@pytest.fixture(scope="session")
def engine() -> str:
    """The version of a Docker engine; skipped without one, failed if ``REQUIRE_ENGINE=1``."""
    try:
        answer = subprocess.run(
            ["docker", "version", "--format", "{{.Server.Version}}"],
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
        version = answer.stdout.strip()
    except (OSError, subprocess.TimeoutExpired):
        version = ""
    if re.match(r"\d+\.", version):
        return version
    if required("REQUIRE_ENGINE"):
        pytest.fail("REQUIRE_ENGINE=1, and no Docker engine answers")
    pytest.skip("no Docker engine answers here")
