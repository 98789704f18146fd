"""Somebody with several projects can ask the lists of the API for one of them."""

import pytest
import yaml
from rest_framework.test import APIClient

from accounts.models import User
from accounts.services import create_project
from ingest.models import IngestPayload
from tests.ingest.sending import URL, file, progress
from tests.test_api_schema import SCHEMA

NOT_NARROWED = {"/api/v1/audit/keys/"}
"""Those of the server."""


def test_every_list_can_be_narrowed_to_a_project():
    """Lists below one thing, such as the steps of a build, are of its project anyway."""
    paths = yaml.safe_load(SCHEMA.read_text())["paths"]
    lists = {
        path: {parameter["name"] for parameter in operations["get"].get("parameters", [])}
        for path, operations in paths.items()
        if "{" not in path and operations.get("get", {}).get("operationId", "").endswith("_list")
    }
    assert len(lists) > 25
    assert {path for path, names in lists.items() if "project" not in names} == NOT_NARROWED


@pytest.fixture
def signed_in(alice: User) -> APIClient:
    """Alice, with a build and its receipt in each of two projects."""
    client = APIClient()
    client.force_login(alice)
    for name in ("Shop", "Bank"):
        create_project(name=name, owner=alice)
        form = {"progress": file(progress()), "service": "api"}
        answer = client.post(f"{URL}?sync=1&project={name.lower()}", form)
        assert answer.status_code == 201, answer.content
    return client


@pytest.mark.django_db
def test_builds_are_narrowed_to_a_project(signed_in: APIClient):
    def projects(query: str) -> set[str]:
        found = signed_in.get(f"/api/v1/builds/{query}").json()["results"]
        return {item["project"] for item in found}

    assert projects("") == {"shop", "bank"}
    assert projects("?project=bank") == {"bank"}
    assert projects("?project=bank&service=api") == {"bank"}
    assert projects("?project=elsewhere") == set()


@pytest.mark.django_db
def test_receipts_are_narrowed_to_a_project(signed_in: APIClient):
    def receipts(query: str) -> set[str]:
        found = signed_in.get(f"/api/v1/ingest/receipts/{query}").json()["results"]
        return {item["receipt"] for item in found}

    of_bank = IngestPayload.objects.get(project__slug="bank")
    assert len(receipts("")) == 2
    assert receipts("?project=bank") == {str(of_bank.public_id)}
    assert receipts("?project=elsewhere") == set()
