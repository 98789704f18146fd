"""Images made for it: built by the command on the real engine, checked, sent, kept over time."""

import json
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from accounts.models import Project, User
from accounts.roles import Scope
from accounts.services import create_token
from cli.main import main
from ingest.digest import digest_payload
from ingest.models import IngestPayload
from inspections.models import Inspection, Rule
from inspections.tasks import match_inspections
from tests.cli.layouts import BASE, REGISTRY
from tests.cli.test_image_checks import pinned, remove

pytestmark = [pytest.mark.engine, pytest.mark.django_db(transaction=True)]

SECRET = "ghp_" + "c3D4" * 9
BAD = f"""\
FROM {BASE} AS base
ARG NPM_TOKEN
ENV DB_PASSWORD=correct-horse
RUN true {SECRET} && echo step > /built
COPY id_rsa /root/.ssh/id_rsa
RUN rm /root/.ssh/id_rsa && echo toor:x:0:0::/:/bin/sh >> /etc/passwd
RUN mkdir -p /usr/bin && echo x > /usr/bin/su && echo x > /usr/bin/gone && chmod 4755 /usr/bin/*
RUN rm /usr/bin/gone && echo x > /usr/bin/apk && chmod 755 /usr/bin/apk
USER toor
CMD echo started
"""
GOOD = """\
FROM BASE AS build
RUN cp /bin/busybox /server && mkdir /bin/x && echo x > /bin/x/su && chmod 4755 /bin/x/su
FROM scratch
COPY --from=build --chmod=4755 /server /app/server
COPY --from=build --chmod=755 /server /app/server
WORKDIR /app
USER 1000
HEALTHCHECK CMD ["/app/server", "true"]
LABEL org.opencontainers.image.source=https://a.example/app \\
      org.opencontainers.image.revision=0123456 \\
      org.opencontainers.image.version=1.0
ENTRYPOINT ["/app/server"]
"""
FAILING = {
    "application-writable",
    "base-pinned",
    "healthcheck",
    "labels",
    "package-manager",
    "secret-in-build-args",
    "secret-in-env",
    "secret-in-history",
    "secret-in-layers",
    "setuid",
    "shell",
    "tag",
    "user",
}


@pytest.fixture
def command(
    live_server: Any,
    project: Project,
    alice: User,
    own_home: Path,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> Callable[..., str]:
    """Run the command in a folder of its own, with a server that takes what it sends."""
    scopes = (Scope.INGEST_WRITE, Scope.BUILDS_READ)
    _, token = create_token(project=project, name="ci", scopes=scopes, actor=alice)
    monkeypatch.setenv("BUILDINSIGHTS_URL", live_server.url)
    monkeypatch.setenv("BUILDINSIGHTS_TOKEN", token)
    folder = tmp_path / "checkout"
    folder.mkdir()
    monkeypatch.chdir(folder)
    (folder / "id_rsa").write_text(f"a key, {SECRET}\n")

    def run(*arguments: str, code: int = 0) -> str:
        done = CliRunner().invoke(main, [*arguments])
        assert done.exit_code == code, done.output
        return done.output

    return run


@pytest.fixture
def write(command: object) -> Iterator[Callable[..., str]]:
    """Write a Dockerfile and a Bake file that names an image; the images go again."""
    names = []

    def written(dockerfile: str, tag: str) -> str:
        name = f"{REGISTRY}/buildinsights-inspect/{uuid.uuid4().hex[:12]}{tag}"
        names.append(name)
        target = {
            "tags": [name],
            "args": {"NPM_TOKEN": SECRET},
            "attest": ["type=provenance,mode=max"],
            "labels": {"org.opencontainers.image.title": "api"},
        }
        Path("Dockerfile").write_text(dockerfile)
        Path("docker-bake.json").write_text(json.dumps({"target": {"default": target}}))
        return name

    yield written
    for name in names:
        remove(name)


def digested() -> None:
    """Do what workers do with what has arrived."""
    for payload in IngestPayload.objects.filter(state=IngestPayload.State.RECEIVED):
        digest_payload(payload.pk)
    match_inspections()


def failing(inspection: Inspection) -> set[str]:
    return set(inspection.results.filter(outcome="fail").values_list("check_id", flat=True))


@pytest.mark.parametrize("where", ["--push", "--load"])
def test_a_bad_image_and_the_good_one_that_mends_it(
    engine: str, command: Callable[..., str], write: Callable[..., str], where: str
):
    build = ("build", where, "--inspect", "--wait", "--plain", "--variant", "prod")
    name = write(BAD, ":latest")
    told = command(*build).partition("Checks of")[2]
    assert "The result was sent." in told
    digested()
    bad = Inspection.objects.get()
    assert (bad.image_name, bad.source) == (
        name,
        "registry" if where == "--push" else "engine",
    )
    assert (bad.service.slug, bad.lineage.variant, bad.is_production) == ("api", "prod", True)
    assert bad.build.target == ""
    assert failing(bad) == FAILING
    assert bad.config["uid"] == 0
    [setuid] = bad.results.get(check_id="setuid").evidence
    assert (setuid["place"], setuid["instruction"][:22]) == (
        "/usr/bin/su",
        "RUN mkdir -p /usr/bin ",
    )
    [key] = bad.results.get(check_id="secret-in-layers").evidence
    assert key["detail"] == "SSH key; hidden by a later layer, still there"
    assert {rule.name for rule in Rule.objects.with_state() if rule.is_broken} >= {
        "JSONArgsRecommended",
        "SecretsUsedInArgOrEnv",
    }
    write(GOOD.replace("BASE", pinned(BASE), 1), ":1.0")
    command(*build)
    digested()
    good = Inspection.objects.latest("pk")
    assert (failing(good), good.came) == (set(), [])
    assert set(good.went) == FAILING
    assert good.config["bases"][0]["digest"].startswith("sha256:")
    assert not any(rule.is_broken for rule in Rule.objects.with_state())
    kept = json.dumps([row.config for row in (bad, good)]) + json.dumps(
        [list(row.results.values_list("evidence", "message")) for row in (bad, good)]
    )
    for secret in (SECRET, "correct-horse"):
        assert secret not in kept
        assert secret not in told


def test_checks_alone_feed_the_history_of_builds(
    engine: str, command: Callable[..., str], write: Callable[..., str]
):
    write(f"FROM {BASE}\nCMD echo started\n", ":1")
    command("build", "--load", "--wait", "--plain")
    digested()
    [by_build] = Rule.objects.all()
    command("lint", code=1)
    [by_both] = Rule.objects.with_state()
    assert (by_both.first_build, by_both.first_at) == (by_build.first_build, by_build.first_at)
    assert by_both.last_at > by_build.last_at
    assert (by_both.count, by_both.places, by_both.description) == (
        1,
        by_build.places,
        by_build.description,
    )
    write(f'FROM {BASE}\nCMD ["echo", "started"]\n', ":1")
    command("lint")
    assert [rule.is_broken for rule in Rule.objects.with_state()] == [False]
