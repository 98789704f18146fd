"""Operations on caches from the server, with builds of this server on a real builder."""

import base64
import json
import os
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from accounts.models import Project, User
from buildkit.registry import Credentials, Reference, Registry
from buildkit.steps import parse_name
from builds.models import Build, Step
from cache.models import Operation, Quarantine
from cache.operations import working
from cache.operations.builders import usage_of
from cache.operations.pruning import worth_of
from cache.operations.services import ask_for, confirm
from cache.tasks import explain_waiting, roll_up_stale
from farm.claims import claim
from farm.models import Source
from farm.queueing import Wish, default_builder
from farm.running import run
from farm.services import trigger
from tests.farm.conftest import BASE, MakeSource, git
from tests.own_registry import PASSWORD, USER, OwnRegistry, own_registry

pytestmark = [
    pytest.mark.engine,
    pytest.mark.django_db(transaction=True),
]

Kind, State = Operation.Kind, Operation.State

BAKE = """
target "api" {{
  attest = ["type=provenance,mode=max"]
  cache-from = ["type=registry,ref={ref}"]
  cache-to = ["type=registry,ref={ref},mode=max"]
}}
"""
DOCKERFILE = """\
FROM {base}
RUN echo tools of {unique}
COPY data.bin /data.bin
RUN echo "Setting up openssl (3.0.9-1) ..." && echo {unique} > /installed
RUN wc -c /data.bin > /count
RUN echo {last}
"""


@pytest.fixture(scope="module")
def own(engine: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnRegistry]:
    with own_registry(tmp_path_factory.mktemp("registry")) as found:
        yield found


class Shop:
    """A service with a cache in a registry, built by this server."""

    def __init__(self, own: OwnRegistry, repository: Path, source: Source, actor: User) -> None:
        self.unique = uuid.uuid4().hex[:12]
        self.own, self.repository, self.source, self.actor = own, repository, source, actor
        self.project: Project = source.service.project
        self.ref = f"{own.host}/shop-{self.unique}/cache:main"
        (repository / "data.bin").write_bytes(os.urandom(300_000))
        (repository / "docker-bake.hcl").write_text(BAKE.format(ref=self.ref))
        self.edit("first")

    def edit(self, last: str) -> None:
        """Let the last instruction be another one."""
        text = DOCKERFILE.format(base=BASE, unique=self.unique, last=last)
        (self.repository / "Dockerfile").write_text(text)
        git(self.repository, "add", ".")
        git(self.repository, "commit", "--quiet", "--message", last)

    def build(self) -> Build:
        """Ask for a build, run it as a worker does, and let all be added up."""
        trigger(sources=[self.source], wish=Wish(), actor=self.actor)
        return self.run_next()

    def run_next(self) -> Build:
        """Run what waits in the queue."""
        request = claim("test:1")
        assert request is not None
        run(request)
        explain_waiting()
        roll_up_stale()
        return Build.objects.get(pk=request.pk)

    def plan(self, kind: Operation.Kind, **parameters: Any) -> Operation:
        """Let a worker plan an operation."""
        builder = self.source.builder if kind in {Kind.INVALIDATE, Kind.PRUNE} else None
        made = ask_for(
            project=self.project,
            kind=kind,
            parameters=parameters,
            actor=self.actor,
            builder=builder,
        )
        working.go_on(made.pk)
        made.refresh_from_db()
        assert made.state == State.PLANNED, made.outcome
        return made

    def carry_out(self, operation: Operation) -> Operation:
        """Confirm an operation, and let a worker do it."""
        confirm(operation=operation, actor=self.actor)
        working.go_on(operation.pk)
        operation.refresh_from_db()
        assert operation.state == State.DONE, operation.outcome
        return operation

    def invalidate(self, **said: Any) -> Operation:
        """Plan an invalidation of the service."""
        nothing = {"stage": "", "from_step": "", "package": "", "below": "", "ecosystem": ""}
        values = {"service": self.source.service.slug, "builder_only": True, **nothing, **said}
        return self.plan(Kind.INVALIDATE, **values)

    def layer_of_data(self) -> str:
        """The digest of the layer that has the data, in the registry's cache."""
        registry = Registry(self.own.host, Credentials(USER, PASSWORD))
        layers = registry.manifest(Reference.parse(self.ref)).document["layers"]
        [digest] = [item["digest"] for item in layers if 3e5 < item["size"] < 4e5]
        return str(digest)

    def forget(self) -> None:
        """Let the builder have nothing of it, nor an image that holds the layers."""
        self.carry_out(self.invalidate())
        subprocess.run(["docker", "image", "prune", "--force"], check=True, capture_output=True)

    def states(self, build: Build) -> dict[int, str]:
        """What became of the steps but for the base, by the number in their stage."""
        steps = {parse_name(step.name).number: step.state for step in Step.objects.of(build)}
        return {number: state for number, state in steps.items() if number > 1}


@pytest.fixture
def shop(
    own: OwnRegistry,
    make_source: MakeSource,
    repository: Path,
    project: Project,
    alice: User,
    tmp_path: Path,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> Shop:
    folder = tmp_path / "registries" / project.slug
    folder.mkdir(parents=True)
    secret = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    (folder / "config.json").write_text(json.dumps({"auths": {own.host: {"auth": secret}}}))
    settings.REGISTRY_CONFIG_DIR = str(folder.parent)
    settings.CACHE_REGISTRIES = [own.host]
    monkeypatch.setenv("DOCKER_CONFIG", str(folder))
    source = make_source(definition=Source.Definition.BAKE)
    return Shop(own, repository, source, alice)


def test_a_broken_cache_fails_no_build_and_is_made_anew(shop: Shop):
    assert shop.build().status == Build.Status.SUCCEEDED
    digest = shop.layer_of_data()
    shop.own.blob_file(digest).unlink()
    shop.forget()
    shop.edit("second")
    assert shop.build().status == Build.Status.SUCCEEDED
    [broken] = Quarantine.objects.all()
    assert (broken.reference, digest in broken.reason) == (shop.ref, True)
    shop.edit("third")
    assert shop.build().status == Build.Status.SUCCEEDED
    assert not Quarantine.objects.exists(), "the second build has exported it anew"


def test_a_broken_cache_is_found_and_made_anew(shop: Shop):
    shop.build()
    shop.own.blob_file(shop.layer_of_data()).write_bytes(b"damaged")
    checked = shop.carry_out(shop.plan(Kind.VERIFY, references=[], deep=True))
    assert checked.outcome == "1 broken."
    made = shop.plan(Kind.REBUILD, references=[shop.ref])
    assert made.plan["rows"] == [[shop.ref, "api"]]
    (shop.repository / "data.bin").write_bytes(os.urandom(300_000))
    shop.edit("other data, of which the registry has no broken blob")
    shop.carry_out(made)
    rebuilt = shop.run_next()
    assert (rebuilt.status, rebuilt.trigger) == (Build.Status.SUCCEEDED, "rebuild")
    assert rebuilt.cacheable_cached == 0
    working.follow_builds()
    check = Operation.objects.get(kind=Kind.VERIFY, state=State.PLANNING)
    working.go_on(check.pk)
    check.refresh_from_db()
    assert (check.outcome, check.requested_by) == ("1 whole.", "alice")
    assert not Quarantine.objects.exists()


def test_what_installed_an_old_package_runs_again_and_nothing_before_it(shop: Shop):
    shop.build()
    assert set(shop.states(shop.build()).values()) == {"cached"}
    newer = shop.invalidate(package="openssl", below="3.0.9-1", ecosystem="deb")
    assert newer.items == [], "it is not below that"
    made = shop.invalidate(package="openssl", below="3.0.11", ecosystem="deb")
    assert len(made.items["entries"]) == 3, made.plan
    assert shop.carry_out(made).outcome == "Removed 3 of 3 entries of the builder."
    (shop.repository / "docker-bake.hcl").write_text('target "api" {}\n')
    shop.edit("first")
    states = shop.states(shop.build())
    assert (states[4], states[5], states[6]) == ("executed",) * 3


def test_layers_of_a_stage_are_cut_out_of_the_registry(shop: Shop):
    shop.build()
    made = shop.invalidate(from_step="5", builder_only=False)
    [cut] = made.items["cuts"]
    assert cut["reference"] == shop.ref
    done = shop.carry_out(made)
    assert any("layers cut out" in text for text in done.told), done.told
    shop.edit("first ")
    states = shop.states(shop.build())
    assert (states[3], states[5]) == ("cached", "executed")


def test_a_prune_knows_its_cost_and_removes_what_was_planned(shop: Shop):
    first = shop.build()
    shop.build()
    ran = Step.objects.of(first).filter(state="executed")
    seconds = {step.name.split("RUN ")[-1]: step.busy_seconds for step in ran}
    made = shop.plan(Kind.PRUNE, older_than_days=0, limit_bytes=None)
    entries = usage_of(default_builder()).entries
    [entry] = [item for item in entries if f"tools of {shop.unique}" in item.description]
    assert entry.id in {name for name, _ in made.items}
    worth = worth_of([entry])[entry.id]
    assert worth.hits_a_week == 0.25, "one hit in four weeks"
    assert worth.seconds == pytest.approx(seconds[f"echo tools of {shop.unique}"])
    [leaf] = [item.id for item in entries if item.description.endswith("echo first")][-1:]
    items = [["a" * 25, 0], [entry.id, entry.usage_count - 1], [leaf, 100]]
    Operation.objects.filter(pk=made.pk).update(items=items)
    done = shop.carry_out(made)
    assert "1 had gone before." in done.told
    assert any("used since it was planned" in text for text in done.told)
    left = {item.id for item in usage_of(default_builder()).entries}
    assert (leaf in left, entry.id in left) == (False, True)
