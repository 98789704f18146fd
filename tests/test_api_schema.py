"""The API does what its own description says, also when it is asked nonsense."""

from collections.abc import Iterator

import pytest
import schemathesis
from django.core.management import call_command
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import status_code_conformance

from accounts.models import Project, User
from accounts.roles import Scope
from accounts.services import create_token
from buildinsights.wsgi import application
from tests.conftest import ROOT

SCHEMA = ROOT / "docs" / "openapi.yaml"
schema = schemathesis.openapi.from_wsgi("/api/v1/schema/", application)

OPERATIONS = {found.ok().label: found.ok() for found in schema.get_all_operations()}
CHECKS = [not_a_server_error, status_code_conformance]


def test_the_description_in_docs_is_current(tmp_path):
    fresh = tmp_path / "openapi.yaml"
    call_command("spectacular", api_version="v1", fail_on_warn=True, validate=True, file=str(fresh))
    assert fresh.read_text() == SCHEMA.read_text(), "run `make openapi`"


@pytest.fixture(autouse=True)
def _one_connection() -> Iterator[None]:
    """Keep the test's connection, and so its transaction, open between requests."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def token(project: Project, alice: User) -> str:
    _, secret = create_token(project=project, name="fuzz", scopes=list(Scope), actor=alice)
    return secret


@pytest.mark.parametrize("label", OPERATIONS)
def test_nothing_breaks_the_api(label: str, token: str):
    headers = {"Authorization": f"Bearer {token}"}

    @settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
    @given(case=OPERATIONS[label].as_strategy())
    def ask(case):
        # NDJSON is sent as bytes and has tests of its own.
        if case.media_type != "application/x-ndjson":
            case.call_and_validate(headers=headers, checks=CHECKS)

    ask()
