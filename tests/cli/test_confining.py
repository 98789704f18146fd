"""Definitions that others wrote: what of them is refused, and that nothing is touched by asking."""

import json
import socket
from pathlib import Path
from typing import Any

import pytest

from cli.confining import ROOT_VARIABLE, check_sources, confined_definition
from cli.engine import buildx
from cli.errors import UsageError

BASE = "localhost:5000/library/busybox:1"


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "secret.txt").write_text("swordfish")
    return folder


@pytest.fixture
def checkout(tmp_path: Path, outside: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is the current one, and beside it what nobody may reach."""
    folder = tmp_path / "checkout"
    folder.mkdir()
    (folder / "Dockerfile").write_text(f"FROM {BASE}\n")
    monkeypatch.chdir(folder)
    monkeypatch.setenv("BUILDINSIGHTS_HOME", str(tmp_path / "home"))
    monkeypatch.delenv(ROOT_VARIABLE, raising=False)
    return folder


def planned(
    *targets: str, files: tuple[str, ...] = (), flags: tuple[str, ...] = ()
) -> dict[str, Any]:
    """What would be built."""
    check_sources(files, targets)
    path = confined_definition(files, targets, (), flags)
    plan: dict[str, Any] = json.loads(Path(path).read_text())
    return plan


def refusal(*targets: str, files: tuple[str, ...] = ()) -> str:
    with pytest.raises(UsageError) as refused:
        planned(*targets, files=files)
    return refused.value.message


@pytest.mark.parametrize(
    "field",
    [
        'context = "/etc"',
        'context = ".."',
        'context = "link"',
        'context = "cwd:///etc"',
        'context = "target:x"',
        'context = "https://example.com"',
        'contexts = { o = "cwd://OUTSIDE" }',
        'contexts = { o = "OUTSIDE" }',
        'contexts = { o = "docker-image:x" }',
        'dockerfile = "OUTSIDE/secret.txt"',
        'dockerfile = "cwd://OUTSIDE/secret.txt"',
        'dockerfile = "link/secret.txt"',
        'context = "https://example.com/x.git"\n  dockerfile = "OUTSIDE/secret.txt"',
        'secret = ["id=x,src=OUTSIDE/secret.txt"]',
        'secret = [{ id = "OUTSIDE/secret.txt" }]',
        'cache-from = ["type=local,src=OUTSIDE"]',
        'cache-to = ["type=local,dest=../cache"]',
        'cache-to = ["type=local,\\"dest=../cache\\""]',
    ],
)
@pytest.mark.engine
@pytest.mark.usefixtures("engine")
def test_a_target_reaches_nothing_outside(field: str, checkout: Path, outside: Path):
    (checkout / "link").symlink_to(outside)
    (checkout / "target:x").symlink_to(outside)
    (checkout / "docker-image:x").symlink_to(outside)
    (checkout / "https:").mkdir()
    (checkout / "https:" / "example.com").symlink_to(outside)
    text = field.replace("OUTSIDE", str(outside))
    (checkout / "docker-bake.hcl").write_text(f'target "api" {{\n  {text}\n}}\n')
    assert "is outside of the checkout" in refusal("api")


@pytest.mark.parametrize(
    "field",
    [
        'contexts = { o = "oci-layout:///tmp/x" }',
        'ssh = ["default"]',
        'network = "host"',
        'entitlements = ["security.insecure"]',
    ],
)
@pytest.mark.engine
@pytest.mark.usefixtures("engine")
def test_what_gives_rights_is_refused(field: str, checkout: Path, monkeypatch: pytest.MonkeyPatch):
    agent = socket.socket(socket.AF_UNIX)
    agent.bind("agent")
    monkeypatch.setenv("SSH_AUTH_SOCK", str(checkout / "agent"))
    (checkout / "docker-bake.hcl").write_text(f'target "api" {{\n  {field}\n}}\n')
    assert "is not allowed here" in refusal("api")
    agent.close()


@pytest.mark.parametrize("kind", ["tar", "oci", "docker", "local"])
@pytest.mark.engine
@pytest.mark.usefixtures("engine")
def test_outputs_are_images_and_no_file_is_opened(kind: str, checkout: Path, outside: Path):
    dest = outside / ("secret.txt" if kind != "local" else "")
    (checkout / "docker-bake.hcl").write_text(
        f'target "base" {{}}\ntarget "api" {{\n  contexts = {{ b = "target:base" }}\n'
        f'  output = ["type={kind},dest={dest}"]\n}}\n'
    )
    plan = planned("api")
    assert plan["target"]["api"]["output"] == [{"type": "image"}]
    assert plan["target"]["base"]["output"] == [{"type": "cacheonly"}]
    assert (outside / "secret.txt").read_text() == "swordfish"
    pushed = planned("api", flags=("--push", "--no-cache"))["target"]["api"]
    assert pushed["output"] == [{"type": "image", "push": "true"}]
    assert pushed["no-cache"] is True


@pytest.mark.engine
@pytest.mark.usefixtures("engine")
def test_a_plan_is_evaluated_once_and_keeps_what_the_record_needs(checkout: Path):
    (checkout / "docker-bake.hcl").write_text(
        'variable "VARIANT" { default = "prod" }\n'
        'variable "ENVIRONMENT" { default = "$${HOME}" }\n'
        'target "api" { args = { NOW = timestamp(), TEXT = "a$${b}" } }\n'
    )
    check_sources((), ("api",))
    path = confined_definition((), ("api",), (), ())
    plan = json.loads(Path(path).read_text())
    assert plan["target"]["api"]["args"]["TEXT"] == "a$${b}"
    assert plan["variable"] == {"VARIANT": {"default": "prod"}}, "what needs no evaluation"
    built = json.loads(buildx("bake", f"--file={path}", "--print", "api"))
    assert built["target"] == plan["target"]


@pytest.mark.parametrize(
    ("link", "leads_to"),
    [
        ("docker-bake.hcl", "secret.txt"),
        ("docker-bake.json", "secret.txt"),
        (".env", "secret.txt"),
        ("environments", ""),
    ],
)
def test_definitions_that_lead_elsewhere_are_not_read(
    link: str, leads_to: str, checkout: Path, outside: Path
):
    (checkout / link).symlink_to(outside / leads_to)
    assert f"{link} is outside of the checkout" in refusal("api")


def test_an_environment_that_leads_elsewhere_is_not_read(checkout: Path, outside: Path):
    (checkout / "environments").mkdir()
    (checkout / "environments" / "prod.json").symlink_to(outside / "secret.txt")
    assert "prod.json is outside of the checkout" in refusal("api")


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("include: [{path: x.yml, env_file: /etc/passwd}]", "include"),
        ("services: {api: {build: ., extends: {file: /x.yml, service: a}}}", "extends.file"),
        ("services: {api: {build: ., env_file: !override [/etc/passwd]}}", "env_file"),
        ("services: {}\n---\ninclude: [x.yml]", "include"),
        ("x: &x {env_file: a}\nservices: {api: {<<: *x, build: .}}", "env_file"),
        ("services: [", "cannot be read"),
    ],
)
def test_a_compose_file_reads_no_other(text: str, field: str, checkout: Path):
    (checkout / "compose.yaml").write_text(text)
    assert field in refusal("api")


@pytest.mark.parametrize("file", ["-", "https://example.com/bake.hcl", "cwd://x.hcl", "bake.txt"])
def test_other_files_are_refused(file: str, checkout: Path):
    (checkout / "bake.txt").write_text("services: {}")
    assert refusal("api", files=(file,))


@pytest.mark.parametrize("target", ["https://example.com/x.git", "--print", "a b"])
def test_a_target_is_a_name(target: str, checkout: Path):
    assert "is no name of a target" in refusal(target)


@pytest.mark.engine
@pytest.mark.usefixtures("engine")
def test_a_directory_of_a_checkout_reaches_the_rest_of_it(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
):
    (checkout / "deploy").mkdir()
    (checkout / "deploy" / "docker-bake.hcl").write_text('target "api" { context = ".." }\n')
    monkeypatch.chdir(checkout / "deploy")
    assert "is outside" in refusal("api")
    monkeypatch.setenv(ROOT_VARIABLE, str(checkout))
    assert planned("api")["target"]["api"]["context"] == ".."


@pytest.mark.engine
@pytest.mark.usefixtures("engine")
def test_a_definition_without_variables_gives_a_plan_that_bake_reads(checkout: Path):
    (checkout / "docker-bake.json").write_text('{"target": {"api": {"context": "."}}}')
    check_sources((), ("api",))
    path = confined_definition((), ("api",), (), ())
    assert json.loads(buildx("bake", f"--file={path}", "--print", "api"))["target"]["api"]
