"""``buildinsights check IMAGE``: exit codes and words of the server's verdict."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from rest_framework.test import APIClient

from accounts.models import Project
from cli import gating, judging
from cli.errors import POLICY_FAILED, POLICY_UNKNOWN
from tests.security.making import built, digest, report, scanned, vulnerability

pytestmark = pytest.mark.django_db


@pytest.fixture
def check(api: APIClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Run the command against this server."""
    monkeypatch.setenv("BUILDINSIGHTS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("BUILDINSIGHTS_URL", "http://builds.example")
    monkeypatch.setenv("BUILDINSIGHTS_TOKEN", "token")
    monkeypatch.setattr(
        judging, "_get", lambda _to, path, **query: api.get(f"/api/v1/{path}", query).json()
    )
    return lambda *words: CliRunner().invoke(judging.check, list(words))


def test_an_image_that_the_policy_refuses(
    check: Callable[..., Any], ci: APIClient, project: Project
):
    built(project, 1)
    found = [vulnerability(f"CVE-{number}") for number in range(7)]
    scanned(ci, report(1, *found))
    done = check(f"registry.example/shop/api@{digest(1)}")
    assert done.exit_code == POLICY_FAILED
    assert "fail by built-in  http" in done.output
    assert "fail    vulnerabilities: 7 HIGH vulnerabilities; none may be." in done.output
    assert done.output.count("CVE-") == gating.SHOWN
    assert "and 2 more" in done.output


def test_an_image_that_passes(check: Callable[..., Any], ci: APIClient, project: Project):
    built(project, 1)
    scanned(ci, report(1))
    done = check(digest(1), "--environment=production", "--json")
    assert done.exit_code == 0
    told = json.loads(done.output)
    assert (told["verdict"], told["environment"]) == ("pass", "production")


def test_an_image_of_which_nothing_is_known(check: Callable[..., Any]):
    done = check(digest(1), "--wait=0")
    assert done.exit_code == POLICY_UNKNOWN
    assert "no build made it, and no scan names it" in done.output


def test_what_was_sent_a_moment_ago_is_waited_for(
    check: Callable[..., Any],
    ci: APIClient,
    project: Project,
    monkeypatch: pytest.MonkeyPatch,
):
    """The build is known, and its scan is read while the command waits."""
    built(project, 1)
    paused = []

    def pause(seconds: float) -> None:
        paused.append(seconds)
        if len(paused) == 2:
            scanned(ci, report(1))

    monkeypatch.setattr(gating.time, "sleep", pause)
    assert check(digest(1)).exit_code == 0
    assert len(paused) == 2


def test_the_engine_knows_the_digest_of_a_name(
    check: Callable[..., Any],
    ci: APIClient,
    project: Project,
    monkeypatch: pytest.MonkeyPatch,
):
    built(project, 1)
    scanned(ci, report(1))
    monkeypatch.setattr(gating, "size_in_engine", lambda name: (digest(1), 5))
    assert check("shop/api:1").exit_code == 0


def test_what_is_no_image_is_said(check: Callable[..., Any]):
    done = check("Not An Image")
    assert done.exit_code == 2
    assert "Not An Image" in done.output
