"""A gate before production: real builds refused with their reasons, mended, signed and let through.

Server, command, engine, registry and cosign are real. Trivy is not installed where tests run: its
reports are written here, of the digests and layers that the registry has of each image.
"""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from buildkit.registry import Reference, Registry
from tests.cli.standing_in import make_stand_in
from tests.cli.standing_in import report as trivy_report
from tests.supplychain.signed import require_programs
from tests.system.conftest import ROOT, Server, environment_of
from tests.system.gate import BASE, REGISTRY, Job, job, report

pytestmark = pytest.mark.engine

SOURCE = "org.opencontainers.image.source"
BAD = f'FROM {BASE}\nRUN head -c 6000000 /dev/urandom > /random\nCMD ["true"]\n'
GOOD = f"""\
FROM {BASE}@DIGEST
LABEL {SOURCE}=https://git.example.com/shop/gated
USER 10001
CMD ["true"]
"""
RULES = f"""\
vulnerabilities:
  - {{severity: CRITICAL, most: 0}}
user: {{not_root: true}}
labels: {{required: [{SOURCE}]}}
size: {{most_bytes: 5000000}}
base_image: {{allowed: ["{REGISTRY}/library/*"], pinned: true}}
signature: {{required: true}}
"""
CRITICAL = {
    "VulnerabilityID": "CVE-0000-1234",
    "PkgName": "busybox",
    "PkgIdentifier": {"PURL": "pkg:generic/busybox@1"},
    "InstalledVersion": "1",
    "Severity": "CRITICAL",
}
NAMED = "CVE-0000-1234 (CRITICAL) in pkg:generic/busybox"
UNSCANNED = "No scan of this image looked for vulnerabilities for linux/amd64."
WAIVER = {"scope": "finding", "kind": "accepted", "reason": "The applet is not called."}
SECOND_PERSON = """
from accounts.models import Project, User
from accounts.roles import Role
from accounts.services import set_member_role
admin = User.objects.get()
lead = User.objects.create_user("lead", password="lead of the tests")
set_member_role(project=Project.objects.get(), user=lead, role=Role.LEAD, actor=admin)
"""
DAYS_LATER = """
from datetime import timedelta
from django.db.models import F
from security.models import Waiver
days = timedelta(days=3)
moved = {name: F(name) - days for name in ("requested_at", "approved_at", "expires_at")}
Waiver.objects.update(**moved)
"""
"""A waiver ends with a day, for which no test waits: it is moved back instead."""


@pytest.fixture
def gated(engine: str, empty_server: Server, tmp_path: Path) -> Iterator[Job]:
    """A job of a service in whose project ``RULES`` hold for production."""
    require_programs("cosign")
    policy = {"name": "Production", "environments": ["production"], "text": RULES}
    assert post(empty_server, "policies/", policy).status_code == 201
    folder = tmp_path / "gated"
    folder.mkdir()
    with job(folder, empty_server) as made:
        trust = {
            "version": 1,
            "keys": [{"id": "release", "public_key": made.key()}],
            "environments": {
                "production": {"signers": ["release"], "needs": {"provenance": False}}
            },
        }
        document = {"name": "main", "document": trust}
        assert post(empty_server, "trust-policies/", document).status_code == 201
        yield made


def post(server: Server, path: str, document: Any) -> requests.Response:
    return requests.post(
        f"{server.url}/api/v1/{path}", json=document, headers=server.headers, timeout=30
    )


def scanned(server: Server, image: Reference, *found: dict[str, Any]) -> None:
    answer = post(server, "ingest/trivy/?sync=1", report(image, *found))
    assert answer.status_code == 201, answer.text


def in_server(server: Server, code: str) -> None:
    """Run code beside the server, on its database."""
    done = subprocess.run(
        [sys.executable, "manage.py", "shell", "--no-imports", "--command", code],
        cwd=ROOT,
        env=environment_of(server.data),
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr


class Person:
    """Somebody who is signed in."""

    def __init__(self, server: Server, username: str, password: str) -> None:
        self.url, self.session = server.url, requests.Session()
        self.session.get(f"{self.url}/login/", timeout=30)
        body = {"username": username, "password": password}
        answer = self.session.post(
            f"{self.url}/login/", data=body, headers=self._headers(), timeout=30
        )
        assert "sessionid" in self.session.cookies, answer.text[:500]

    def post(self, path: str, document: dict[str, Any]) -> requests.Response:
        return self.session.post(
            f"{self.url}/api/v1/{path}", json=document, headers=self._headers(), timeout=30
        )

    def _headers(self) -> dict[str, str]:
        return {"X-CSRFToken": self.session.cookies["csrftoken"], "Referer": self.url}


def script_of_docs() -> str:
    return (ROOT / "docs" / "policies.md").read_text().partition("```sh\n")[2].partition("```")[0]


@pytest.fixture
def ship(gated: Job, tmp_path: Path) -> Callable[..., tuple[int, str]]:
    """Run the script of the docs, with a stand-in for trivy that finds what it is told to."""
    trivy = make_stand_in(tmp_path / "trivy")
    command = trivy.path / "buildinsights"
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m cli "$@"\n')
    command.chmod(0o755)
    gated.environment |= {
        "PATH": f"{trivy.path}:{gated.environment['PATH']}",
        "IMAGE": gated.image,
        "BUILDINSIGHTS_SIGNING_KEY": "cosign.key",
    }
    (gated.folder / "ship.sh").write_text(script_of_docs())

    def shipped(dockerfile: str, *found: dict[str, Any]) -> tuple[int, str]:
        (gated.folder / "Dockerfile").write_text(dockerfile)
        trivy.does(report=trivy_report(tmp_path / "report.json", *found))
        done = gated.call("sh", "ship.sh")
        return done.returncode, done.stdout + done.stderr

    return shipped


def test_the_script_of_the_docs_refuses_and_ships(ship: Callable[..., tuple[int, str]], gated: Job):
    code, said = ship(BAD, CRITICAL)
    assert code == 10, said
    verdict = said.partition("fail by production@1")[2]
    assert "fail    vulnerabilities: 1 CRITICAL vulnerability; none may be." in verdict, said
    assert "signature:" not in verdict, "it is signed all the same"
    assert "fail    user: Its processes are root's." in verdict, said
    code, said = ship(GOOD.replace("DIGEST", digest_of(BASE)))
    assert code == 0, said
    assert "pass by production@1" in said


def test_the_jobs_of_the_docs_run_that_script():
    text = (ROOT / "docs" / "policies.md").read_text().partition("## In a pipeline")[2]
    found = [block.partition("```")[0] for block in text.split("```yaml\n")[1:3]]
    github, gitlab = (yaml.safe_load(block) for block in found)
    job_of_github, job_of_gitlab = github["jobs"]["ship"], gitlab["ship"]
    assert job_of_github["steps"][-1] == {"run": "sh ship.sh"}
    assert job_of_gitlab["script"] == ["sh ship.sh"]
    for given in (job_of_github["env"], job_of_gitlab["variables"]):
        assert {"IMAGE", "BUILDINSIGHTS_URL", "BUILDINSIGHTS_SIGNING_KEY"} <= set(given)


def reasons(verdict: dict[str, Any]) -> dict[str, tuple[str, str, list[str]]]:
    """Return outcome, sentence and evidence of each rule that speaks against an image."""
    return {
        item["rule"]: (item["outcome"], item["message"], item["evidence"])
        for item in verdict["reasons"]
    }


def test_builds_are_refused_with_reasons_mended_and_let_through(gated: Job):
    server = gated.server
    bad = gated.build(BAD)
    refused_by_what_is_built_in(gated, bad)
    refused_by_every_rule(gated, bad)
    good = gated.build(GOOD.replace("DIGEST", digest_of(BASE)))
    scanned(server, good, CRITICAL)
    gated.run("inspect", str(good), "--from=registry", "--upload")
    gated.run("sign", str(good), "--key=cosign.key")
    gated.run("verify", str(good), "--environment=production")
    left = decided(gated, good)
    assert list(reasons(left)) == ["vulnerabilities"], left
    passed = let_through(gated, good)
    kept = server.get(f"/api/v1/verdicts/{passed['id']}/").json()
    kept_with_its_inputs(kept, good)
    in_server(server, DAYS_LATER)
    again = gated.check(str(good), code=10)
    assert (list(reasons(again)), again["waivers"]) == (["vulnerabilities"], [])
    assert server.get(f"/api/v1/verdicts/{passed['id']}/").json() == kept
    assert gated.check(str(bad), code=10)["digest"] == bad.digest


def digest_of(name: str) -> str:
    return Registry(REGISTRY).manifest(Reference.parse(name)).digest


def refused_by_what_is_built_in(gated: Job, image: Reference) -> None:
    """Without a scan nothing is known; with a clean one it may go; with this one it may not."""
    unknown = gated.check(str(image), "--policy=built-in", code=11)
    assert (unknown["verdict"], unknown["policy"]) == ("unknown", "built-in")
    assert reasons(unknown) == {"vulnerabilities": ("unknown", UNSCANNED, [])}
    scanned(gated.server, image)
    assert gated.check(str(image), "--policy=built-in", code=0)["passed"] == ["vulnerabilities"]
    scanned(gated.server, image, CRITICAL)
    failed = gated.check(str(image), "--policy=built-in", code=10)
    assert reasons(failed) == {
        "vulnerabilities": ("fail", "1 CRITICAL vulnerability; none may be.", [NAMED])
    }


def decided(gated: Job, image: Reference) -> dict[str, Any]:
    """Return the verdict that refuses an image once no rule lacks what the build sent."""
    deadline = time.monotonic() + 60
    while True:
        verdict = gated.check(str(image), code=10)
        if all(item["outcome"] == "fail" for item in verdict["reasons"]):
            return verdict
        assert time.monotonic() < deadline, verdict
        time.sleep(1)


def refused_by_every_rule(gated: Job, image: Reference) -> None:
    """Of what nobody has looked at nothing is known; then each rule says what is wrong."""
    before = reasons(gated.check(str(image), code=10))
    unknown = {rule for rule, (outcome, _, _) in before.items() if outcome == "unknown"}
    assert unknown >= {"user", "labels", "signature"}
    gated.run("inspect", str(image), "--from=registry", "--upload")
    gated.run("verify", str(image), "--environment=production", code=7)
    verdict = decided(gated, image)
    assert verdict["policy"] == "production@1"
    told = reasons(verdict)
    assert told["vulnerabilities"][2] == [NAMED]
    assert told["user"][1:] == ("Its processes are root's.", ["USER (none)"])
    assert told["labels"][1:] == ("It lacks 1 required labels.", [SOURCE])
    assert told["size"][1].endswith("5.0 MB may be.")
    assert told["base_image"][1] == f"The base {BASE} is not pinned by digest."
    assert told["base_image"][2] == [f"{BASE}@{digest_of(BASE)}"]
    assert told["signature"][2][0].startswith("unsigned: ")
    assert set(told) == {"vulnerabilities", "user", "labels", "size", "base_image", "signature"}


def let_through(gated: Job, image: Reference) -> dict[str, Any]:
    """One person asks for a waiver, another approves it; return the verdict that passes."""
    server = gated.server
    in_server(server, SECOND_PERSON)
    [finding] = server.get("/api/v1/findings/?name=CVE-0000-1234").json()["results"]
    admin = Person(server, server.username, server.password)
    until = f"{datetime.now(UTC) + timedelta(days=2):%Y-%m-%d}"
    asked = admin.post("waivers/", WAIVER | {"finding": finding["id"], "until": until})
    assert asked.status_code == 201, asked.text
    approve = f"waivers/{asked.json()['id']}/approve/"
    assert admin.post(approve, {}).status_code == 403
    assert gated.check(str(image), code=10)["waivers"] == []
    lead = Person(server, "lead", "lead of the tests")
    assert lead.post(approve, {}).json()["state"] == "active"
    verdict = gated.check(str(image), code=0)
    assert (verdict["verdict"], verdict["reasons"]) == ("pass", [])
    [waived] = verdict["waivers"]
    assert waived["finding"].startswith(NAMED)
    assert waived["by"].endswith(WAIVER["reason"])
    assert waived["until"]
    return verdict


def kept_with_its_inputs(kept: dict[str, Any], image: Reference) -> None:
    evidence = kept["evidence"]
    assert (kept["verdict"], kept["policy"], kept["digest"]) == (
        "pass",
        "production@1",
        image.digest,
    )
    assert set(kept["passed"]) == {
        "vulnerabilities",
        "user",
        "labels",
        "size",
        "base_image",
        "signature",
    }
    assert len(evidence["scans"][0]["report_sha256"]) == 64
    assert evidence["findings"][0]["name"] == "CVE-0000-1234"
    assert evidence["configuration"]["is_root"] is False
    assert evidence["trust"]["is_signed"] is True
    assert evidence["bases"][0]["is_pinned"] is True
