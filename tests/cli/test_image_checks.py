"""The command that checks an image: from layouts, the engine and a registry."""

import json
import subprocess
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from buildkit.registry import NotFoundError, Reference, Registry
from cli.image_checks import inspect
from tests.buildkit.archives import archive
from tests.cli.layouts import BASE, REGISTRY, Layout
from tests.supplychain.images import file

SECRET = "ghp_" + "c3D4" * 9
BAD = f"""\
FROM {BASE}
ARG NPM_TOKEN
ENV DB_PASSWORD=correct-horse
RUN echo step > /built
COPY id_rsa /root/.ssh/id_rsa
RUN rm /root/.ssh/id_rsa
RUN mkdir -p /usr/bin && echo x > /usr/bin/su && chmod 4755 /usr/bin/su
RUN mkdir /data && chmod 777 /data
EXPOSE 80
"""
GOOD = """\
FROM BASE AS build
RUN cp /bin/busybox /server
FROM scratch
COPY --from=build --chmod=755 /server /app/server
WORKDIR /app
USER 10001:10001
EXPOSE 8080
HEALTHCHECK CMD ["/app/server", "true"]
LABEL org.opencontainers.image.source=https://a.example/app \\
      org.opencontainers.image.revision=0123456 \\
      org.opencontainers.image.version=1.0
ENTRYPOINT ["/app/server"]
"""


pytestmark = pytest.mark.usefixtures("own_home")


def ran(*arguments: str) -> Result:
    return CliRunner().invoke(inspect, list(arguments))


def asked(*arguments: str) -> dict[str, Any]:
    done = ran(*arguments, "--json")
    assert done.exit_code == 0, done.output
    return {check["id"]: check for check in json.loads(done.output)["checks"]}


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    made = Layout(tmp_path / "layout")
    layer = archive(file("bin/su", mode=0o4755), file("root/.npmrc", f"_authToken={SECRET}"))
    made.index(made.image("linux/amd64", layer))
    return made


def test_a_layout_is_checked(layout: Layout):
    found = asked(str(layout.root))
    assert found["user"]["status"] == found["setuid"]["status"] == "fail"
    assert found["tag"]["status"] == "unknown"
    evidence = found["setuid"]["evidence"][0]
    assert evidence["place"] == "/bin/su"
    assert evidence["layer"].startswith("sha256:")
    assert found["shell"]["status"] == "not-applicable"
    assert asked(str(layout.root), "--production")["shell"]["status"] == "pass"


def test_text_names_what_failed_where_and_what_to_do(layout: Layout):
    done = ran(str(layout.root))
    assert "fail    HIGH    secret-in-layers: 1 secrets in files of layers" in done.output
    assert "/root/.npmrc  npm credentials\n" in done.output
    assert "fix: End the last stage with USER" in done.output
    assert SECRET not in done.output


@pytest.mark.parametrize(
    ("arguments", "code"),
    [((), 0), (("--fail-on", "HIGH"), 1), (("--fail-on", "low"), 1), (("--fail-on", "worst"), 2)],
)
def test_it_fails_when_asked_to(layout: Layout, arguments: tuple[str, ...], code: int):
    assert ran(str(layout.root), *arguments).exit_code == code


def test_provenance_tells_of_bases(layout: Layout, tmp_path: Path):
    path = tmp_path / "provenance.json"
    uri = "pkg:docker/alpine@3?platform=linux%2Famd64"
    predicate = {"buildType": "x", "materials": [{"uri": uri, "digest": {"sha256": "a" * 64}}]}
    path.write_text(json.dumps(predicate))
    found = asked(str(layout.root), "--provenance", str(path))["base-pinned"]
    assert found["message"] == "1 of 1 bases are named by tag alone"
    path.write_text("no provenance")
    assert ran(str(layout.root), "--provenance", str(path)).exit_code == 2


def test_an_image_of_which_a_layer_cannot_be_read_passes_nothing_that_takes_files(layout: Layout):
    layout.index(layout.image("linux/amd64", archive(file("a")), b"no archive" * 100))
    found = asked(str(layout.root))
    assert found["setuid"]["status"] == found["secret-in-layers"]["status"] == "unknown"
    assert "not all was read: sha256:" in found["setuid"]["message"]
    assert found["user"]["status"] == "fail"
    assert found["labels"]["status"] == "fail"
    assert "Not all of the image was read: sha256:" in ran(str(layout.root)).output


def test_what_is_no_image_is_wrong_usage(layout: Layout):
    (layout.root / "index.json").write_text("[]")
    assert ran(str(layout.root)).exit_code == 2


def pinned(name: str) -> str:
    """Return a name with the digest that the registry has for it."""
    reference = Reference.parse(name)
    return f"{name}@{Registry(reference.host).manifest(reference).digest}"


def remove(name: str) -> None:
    """Remove an image from the engine, and from the registry if it is there."""
    subprocess.run(["docker", "image", "rm", name], check=False, capture_output=True)
    reference = Reference.parse(name)
    registry = Registry(reference.host)
    with suppress(NotFoundError):
        registry.delete_manifest(reference.at(registry.manifest(reference).digest))


@pytest.fixture
def build(engine: str, tmp_path: Path) -> Iterator[Callable[[str], str]]:
    """Build a Dockerfile into the engine and the registry; the images go again."""
    names: list[str] = []
    (tmp_path / "id_rsa").write_text(f"a key, {SECRET}\n")

    def built(dockerfile: str) -> str:
        (tmp_path / "Dockerfile").write_text(dockerfile)
        name = f"{REGISTRY}/buildinsights-inspect/{uuid.uuid4().hex[:12]}:1"
        argument = ["--build-arg", f"NPM_TOKEN={SECRET}"]
        command = ["docker", "build", "--quiet", *argument, "--tag", name, str(tmp_path)]
        subprocess.run(command, check=True, capture_output=True, timeout=120)
        names.append(name)
        subprocess.run(["docker", "push", "--quiet", name], check=True, capture_output=True)
        return name

    yield built
    for name in names:
        remove(name)


@pytest.mark.engine
def test_a_real_image_with_every_fault(build: Callable[[str], str]):
    name = build(BAD)
    by_source = [asked(name, "--from", source, "--production") for source in ("engine", "registry")]
    for found in by_source:
        failed = {check["id"] for check in found.values() if check["status"] == "fail"}
        assert failed == {
            "user",
            "setuid",
            "world-writable",
            "secret-in-env",
            "secret-in-build-args",
            "secret-in-history",
            "secret-in-layers",
            "shell",
            "healthcheck",
            "labels",
            "base-pinned",
        }
        [base] = found["base-pinned"]["evidence"]
        assert (base["place"], f"{BASE}@{base['detail'][4:]}") == (BASE, pinned(BASE))
        setuid, key = (found[name]["evidence"][0] for name in ("setuid", "secret-in-layers"))
        assert (setuid["place"], setuid["instruction"][:25]) == (
            "/usr/bin/su",
            "RUN mkdir -p /usr/bin && ",
        )
        assert (key["place"], key["instruction"]) == (
            "/root/.ssh/id_rsa",
            "COPY id_rsa /root/.ssh/id_rsa",
        )
        assert key["detail"] == "SSH key; hidden by a later layer, still there"
        assert [e["place"] for e in found["world-writable"]["evidence"]] == ["/data"]
        assert [e["place"] for e in found["shell"]["evidence"]] == ["/bin/busybox", "/bin/sh"]
        for secret in (SECRET, "correct-horse"):
            assert secret not in json.dumps(found)
    assert ran(name, "--from", "registry", "--fail-on", "HIGH").exit_code == 1


@pytest.mark.engine
@pytest.mark.parametrize("source", ["engine", "registry"])
def test_a_real_image_without_a_fault(build: Callable[[str], str], source: str):
    name = build(GOOD.replace("BASE", pinned(BASE), 1))
    found = asked(name, "--from", source, "--production")
    others = {check["id"]: check["status"] for check in found.values() if check["status"] != "pass"}
    assert others == {}
    assert ran(name, "--from", source, "--production", "--fail-on", "LOW").exit_code == 0
