"""The commands that sign and verify: exit codes, what they say, and what is kept for a server."""

import json
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from buildkit.registry import Reference, Registry
from cli.main import main
from cli.signing_builds import full_ref
from tests.cli.standing_in import ingesting
from tests.supplychain.signed import KEY_PASSWORD, Workshop, workshop

pytestmark = [pytest.mark.engine, pytest.mark.usefixtures("own_home")]
REGISTRY = "localhost:5000"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    with workshop(tmp_path_factory.mktemp("signed")) as found:
        yield found


@pytest.fixture
def shop(made: Workshop, monkeypatch: pytest.MonkeyPatch) -> Workshop:
    """The workshop, with the environment that cosign needs."""
    for name in ("DOCKER_CONFIG", "COSIGN_PASSWORD"):
        monkeypatch.setenv(name, made.cosign.environment[name])
    return made


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(item) for item in arguments])


def policy_file(shop: Workshop, folder: Path, **environment: Any) -> Path:
    path = folder / "policy.json"
    path.write_text(json.dumps(shop.policy(**environment)))
    return path


def test_an_image_is_signed_by_its_digest_and_verified(shop: Workshop, tmp_path: Path):
    image = shop.image("commands", "signed")
    sbom = tmp_path / "sbom.json"
    sbom.write_text('{"bomFormat": "CycloneDX", "specVersion": "1.6", "components": [{}, {}]}')
    done = run("sign", image.tagged("1"), "--key", shop.key("release"), "--sbom", sbom)
    assert done.exit_code == 0, done.output
    assert f"signed {image.at(image.digest)}" in done.output
    policy = policy_file(shop, tmp_path, needs={"provenance": False, "sbom": True})
    done = run("verify", image.tagged("1"), "--policy", policy)
    assert done.exit_code == 0, done.output
    assert "trusted in production" in done.output
    assert "CycloneDX 1.6, 2 packages, by release" in done.output
    assert "Without a transparency log" in done.output


def test_what_is_not_trusted_ends_with_7_and_its_reasons(shop: Workshop, tmp_path: Path):
    image = shop.image("commands-unsigned")
    done = run("verify", image, "--policy", policy_file(shop, tmp_path), "--json")
    assert done.exit_code == 7
    told = json.loads(done.stdout)
    assert told["passed"] is False
    assert [reason["code"] for reason in told["reasons"]] == ["unsigned"]
    assert told["digest"] == image.digest


def test_nothing_is_known_without_cosign_or_registry(
    shop: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    policy = policy_file(shop, tmp_path)
    done = run("verify", "localhost:1/x:1", "--policy", policy)
    assert (done.exit_code, "localhost:1/x:1" in done.output) == (9, True)
    image = shop.image("commands", "x")
    monkeypatch.setenv("COSIGN_PASSWORD", "another")
    done = run("sign", image, "--key", shop.key("release"))
    assert (done.exit_code, "wrong-password" in done.output) == (9, True)
    monkeypatch.setenv("PATH", "/nowhere")
    done = run("sign", image, "--key", shop.key("release"))
    assert (done.exit_code, "cosign is not on PATH" in done.output) == (8, True)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["verify", "x:1"], "There is no policy"),
        (["verify", "-x:1", "--policy", "POLICY"], "No such option"),
        (["verify", "X Y", "--policy", "POLICY"], "is no name"),
        (["verify", "x:1", "--policy", "POLICY", "--environment", "moon"], "has no environment"),
        (["sign", "x:1", "--key", "/nowhere.key"], "There is no key /nowhere.key"),
        (["build", "--sign"], "--sign is for what is pushed"),
    ],
)
def test_wrong_usage(shop: Workshop, tmp_path: Path, arguments: list[str], words: str):
    policy = str(policy_file(shop, tmp_path))
    done = run(*(policy if item == "POLICY" else item for item in arguments))
    assert done.exit_code == 2
    assert words in done.output


def test_a_tag_that_is_not_the_digest_beside_it_is_not_noted(shop: Workshop):
    older, now = shop.image("commands-tags", "older"), shop.image("commands-tags", "now")
    assert run("sign", older, "--key", shop.key("release")).exit_code == 0
    assert shop.codes(older.at(older.digest), shop.policy()) == []
    assert shop.codes(now.tagged("1"), shop.policy()) == ["unsigned"]


def test_an_sbom_that_is_none_is_refused_before_anything_is_signed(shop: Workshop, tmp_path: Path):
    image = shop.image("commands-no-sbom")
    path = tmp_path / "x.json"
    path.write_text("{}")
    done = run("sign", image, "--key", shop.key("release"), "--sbom", path)
    assert (done.exit_code, "is no SBOM" in done.output) == (2, True)
    assert shop.codes(image, shop.policy()) == ["unsigned"]


def test_a_result_waits_while_the_server_is_away(
    shop: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    image = shop.image("commands", "waits")
    policy = policy_file(shop, tmp_path)
    monkeypatch.setenv("BUILDINSIGHTS_TOKEN", "bi_token")
    monkeypatch.setenv("BUILDINSIGHTS_URL", "http://localhost:1")
    done = run("verify", image, "--policy", policy)
    assert done.exit_code == 7
    assert "was not sent, and is kept: unreachable" in done.output
    with ingesting() as server:
        monkeypatch.setenv("BUILDINSIGHTS_URL", server.url)
        run("verify", image, "--policy", policy)
        run("verify", image, "--policy", policy)
    assert [taken.path for taken in server.taken] == ["/api/v1/verifications/"] * 3
    bodies = [json.loads(taken.body) for taken in server.taken]
    assert len({body["id"] for body in bodies}) == 3
    assert {body["digest"] for body in bodies} == {image.digest}
    assert all(body["inputs"]["cosign"] for body in bodies)


@pytest.mark.parametrize(
    ("environment", "ref"),
    [
        ({}, "refs/heads/main"),
        ({"GITHUB_ACTIONS": "true", "GITHUB_REF": "refs/tags/main"}, "refs/tags/main"),
        ({"GITLAB_CI": "true", "CI_COMMIT_TAG": "main"}, "refs/tags/main"),
        ({"GITLAB_CI": "true", "CI_COMMIT_BRANCH": "main"}, "refs/heads/main"),
        ({"GITLAB_CI": "true"}, "main"),
    ],
)
def test_a_tag_is_never_taken_for_a_branch(environment: dict[str, str], ref: str):
    assert full_ref("main", environment) == ref


@pytest.fixture
def pushed(engine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Reference]:
    """Where a Bake file of a new work tree pushes to."""
    name = f"{REGISTRY}/buildinsights-signing/{uuid.uuid4().hex[:12]}:1"
    (tmp_path / "Dockerfile").write_text("FROM scratch\nCOPY file /file\n")
    (tmp_path / "file").write_text(name)
    (tmp_path / "docker-bake.hcl").write_text(
        'target "default" {\n'
        f'  tags = ["{name}"]\n'
        '  attest = ["type=provenance,mode=max,builder-id=https://ci.example.com/1"]\n'
        "}\n"
    )
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@example.com"]
    for command in (
        ["init", "-q", "-b", "main"],
        ["remote", "add", "origin", "git@github.com:example/shop.git"],
        ["add", "."],
        ["commit", "-q", "-m", "first"],
    ):
        subprocess.run([*git, *command], cwd=tmp_path, check=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COSIGN_PASSWORD", KEY_PASSWORD)
    yield Reference.parse(name)
    subprocess.run(["docker", "image", "rm", "--force", name], capture_output=True, check=False)


def test_a_build_is_signed_with_the_provenance_that_buildkit_made(
    made: Workshop, pushed: Reference, tmp_path: Path
):
    done = run("build", "--wait", "--push", "--sign", "--sign-key", made.key("release"))
    assert done.exit_code == 0, done.output
    assert "attested https://slsa.dev/provenance/" in done.output
    rules = {
        "builders": ["https://ci.example.com/*"],
        "repositories": ["https://github.com/example/*"],
        "refs": ["refs/heads/main"],
        "needs": {"provenance": True},
    }
    policy = policy_file(made, tmp_path, **rules)
    done = run("verify", pushed, "--policy", policy, "--json")
    assert done.exit_code == 0, done.output
    source = json.loads(done.stdout)["facts"]["provenance"]["source"]
    head = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert source["revision"] == head.stdout.strip()


def test_the_provenance_that_buildkit_made_counts_for_nothing_unsigned(
    made: Workshop, pushed: Reference, tmp_path: Path
):
    assert run("build", "--wait", "--push").exit_code == 0
    done = run("sign", pushed, "--key", made.key("release"))
    assert done.exit_code == 0, done.output
    policy = policy_file(made, tmp_path, needs={"provenance": True})
    done = run("verify", pushed, "--policy", policy, "--json")
    told = json.loads(done.stdout)
    assert [reason["code"] for reason in told["reasons"]] == ["provenance-unsigned"]
    assert told["facts"]["provenance"]["standing"] == "unsigned"
    assert told["facts"]["provenance"]["builder"] == "https://ci.example.com/1"
    assert Registry(REGISTRY).manifest(pushed).digest == told["digest"]
