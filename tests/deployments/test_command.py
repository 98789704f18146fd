"""``buildinsights deployed IMAGE``: the server is told, at once or once it is back."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from accounts.models import Project, User
from accounts.roles import Scope
from accounts.services import create_token
from cli import deploying, outbox
from cli.settings import Server
from deployments.models import Deployment
from tests.cli.conftest import ingest, own_home
from tests.cli.standing_in import Ingest
from tests.security.making import digest

__all__ = ["ingest", "own_home"]

IMAGE = f"registry.example/shop/api:1@{digest(1)}"
RUN = {
    "GITHUB_ACTIONS": "true",
    "GITHUB_SERVER_URL": "https://github.com",
    "GITHUB_REPOSITORY": "shop/api",
    "GITHUB_RUN_ID": "7",
    "GITHUB_ACTOR": "dora",
}


def run(*words: str) -> Any:
    return CliRunner().invoke(deploying.deployed, [IMAGE, "--environment=production", *words])


@pytest.fixture
def real_server(
    own_home: Path,
    live_server: Any,
    project: Project,
    alice: User,
    monkeypatch: pytest.MonkeyPatch,
) -> Server:
    """This server, and a token that may only send."""
    scopes = [Scope.INGEST_WRITE]
    _, secret = create_token(project=project, name="cd", scopes=scopes, actor=alice)
    monkeypatch.setenv("BUILDINSIGHTS_URL", live_server.url)
    monkeypatch.setenv("BUILDINSIGHTS_TOKEN", secret)
    return Server(live_server.url, secret)


def test_the_server_knows_it(real_server: Server, monkeypatch: pytest.MonkeyPatch):
    for name, value in RUN.items():
        monkeypatch.setenv(name, value)
    done = run("--status=failed", "--service=api", "--target=runtime")
    assert done.exit_code == 0
    assert "The deployment was sent." in done.stderr
    made = Deployment.objects.select_related("service").get()
    assert (made.digest, made.environment, made.status) == (digest(1), "production", "failed")
    assert (made.service.slug, made.target, made.reported_by) == ("api", "runtime", "token cd")
    assert (made.url, made.deployed_by) == ("https://github.com/shop/api/actions/runs/7", "dora")
    refused = run("--url=ftp://ci.example.com/7")
    assert refused.exit_code == 2
    assert "The deployment was not sent: refused: 400" in refused.stderr
    assert Deployment.objects.count() == 1


def test_it_waits_while_the_server_is_away(ingest: Ingest):
    ingest.status = 503
    done = run("--by=Dora", "--url=https://ci.example.com/7")
    assert done.exit_code == 0
    assert "was not sent, and is kept: failed: 503" in done.stderr
    ingest.status = 201
    assert outbox.send_waiting(Server(ingest.url, "bi_token")) == 1
    first, again = (json.loads(taken.body) for taken in ingest.taken)
    assert first == again, "with the time of the deployment, not that of the sending"
    assert {taken.path for taken in ingest.taken} == {"/api/v1/deployments/"}
    assert first.pop("deployed_at").endswith("+00:00")
    assert first == {
        "digest": digest(1),
        "environment": "production",
        "status": "succeeded",
        "url": "https://ci.example.com/7",
        "deployed_by": "Dora",
        "service": "",
        "target": "",
    }


def test_what_is_neither_sent_nor_kept_is_no_success(own_home: Path, ingest: Ingest):
    own_home.write_text("no directory")
    ingest.status = 503
    done = run()
    assert done.exit_code == 12
    assert "The deployment was not sent: failed: 503" in done.stderr
    ingest.status = 201
    assert run().exit_code == 0


def test_an_address_of_a_person_is_not_sent(ingest: Ingest, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("GITLAB_CI", "true")
    monkeypatch.setenv("GITLAB_USER_NAME", "dora@example.com")
    assert run().exit_code == 0
    assert json.loads(ingest.taken[0].body)["deployed_by"] == ""


def test_without_a_server_it_is_wrong_usage(own_home: Path):
    done = run()
    assert done.exit_code == 2
    assert "BUILDINSIGHTS_URL" in done.output
