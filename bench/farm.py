"""Builds of the server: how soon the first step begins, against plain Bake, and long queues.

The first step's start is BuildKit's own time, read from the stream of plain Bake and from the
recorded steps of the server's build; both clocks are this machine's.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from django.conf import settings
from django.db import transaction
from django.test import Client
from django.utils.dateparse import parse_datetime

from accounts.models import Project, User
from accounts.roles import Scope
from accounts.services import create_token
from bench.database import copy_database, count_queries, use_database
from bench.orchestration import engine_answers
from bench.report import report, seconds
from builds.models import Build, Step
from builds.services import get_or_create_service
from farm.claims import claim
from farm.models import Builder, Source
from farm.queueing import Wish, default_builder
from farm.services import trigger

DOCKERFILE = "FROM scratch AS files\nCOPY a.txt /\nFROM scratch\nCOPY --from=files /a.txt /b.txt\n"
ROUNDS = 7
PATIENCE_SECONDS = 120
START_TARGET = 1.5
FEW, MANY = 5, 500
SERVICES = 5
QUEUE_ROUNDS = 30
QUEUE_TARGET = 1.3


def run(project: Project, user: User) -> None:
    """Print ``farm_start`` where an engine answers, and ``queue_claim`` and ``queue_page``."""
    if engine_answers():
        with tempfile.TemporaryDirectory() as folder:
            settings.BUILD_SOURCE_ROOTS = [folder]
            os.environ["BUILD_SOURCE_ROOTS"] = folder
            _start(project, user, Path(folder) / "shop")
    _queue(project, user)


def _start(project: Project, user: User, repository: Path) -> None:
    source = _source_of(_repository(repository), project)
    _, token = create_token(
        project=project, name="farm", scopes=[Scope.BUILDS_TRIGGER, Scope.BUILDS_READ], actor=user
    )
    client = Client(SERVER_NAME="localhost", headers={"Authorization": f"Bearer {token}"})
    worker = _start_worker()
    try:
        _first_step_by_server(client, source)
        pairs = [
            (_first_step_by_server(client, source), _first_step_by_bake(repository))
            for _ in range(ROUNDS)
        ]
    finally:
        worker.terminate()
        worker.wait()
    value, floor = (median(pair[side] for pair in pairs) for side in (0, 1))
    report(
        "farm_start",
        value=value,
        floor=floor,
        unit="s",
        target=f"value - floor <= {START_TARGET} s",
        ok=value - floor <= START_TARGET,
        over_floor=round(value - floor, 3),
        floor_is="docker buildx bake of the same checkout, to its first step",
    )


def _repository(folder: Path) -> Path:
    """Make a repository of one small cached build."""
    folder.mkdir()
    (folder / "Dockerfile").write_text(DOCKERFILE)
    (folder / "a.txt").write_text("a\n")
    (folder / "docker-bake.json").write_text(json.dumps({"target": {"shop": {"context": "."}}}))
    git = ["git", "-c", "user.name=Bench", "-c", "user.email=bench@localhost", "-C", str(folder)]
    for words in ("init --quiet --initial-branch=main", "add .", "commit --quiet --message=bench"):
        subprocess.run([*git, *words.split()], check=True)
    return folder


def _source_of(repository: Path, project: Project) -> Source:
    service = get_or_create_service(project_id=project.pk, name="shop")
    builder = default_builder()
    return Source.objects.create(service=service, repository_url=str(repository), builder=builder)


def _start_worker() -> subprocess.Popen[bytes]:
    """Start a worker that builds, as ``manage.py serve`` does."""
    from buildinsights.supervisor import server_processes

    [builder] = [item for item in server_processes("", 0, 1) if item.name == "builder"]
    return subprocess.Popen(list(builder.command), env=dict(os.environ), stderr=sys.stderr)


def _first_step_by_server(client: Client, source: Source) -> float:
    """Return the seconds from the request to the first step, once the build is recorded."""
    body = {"service": source.service.slug, "project": source.service.project.slug}
    asked = time.time()
    answer = client.post("/api/v1/builds/", body, content_type="application/json")
    if answer.status_code != 201:
        raise RuntimeError(f"{answer.status_code}: {answer.content!r}")
    build = _ended(answer.json()["id"])
    first = Step.objects.of(build).exclude(started_at=None).order_by("started_at").first()
    if build.status != Build.Status.SUCCEEDED or first is None or first.started_at is None:
        raise RuntimeError(f"{build.status}: {build.failure_message}")
    return float(first.started_at.timestamp() - asked)


def _ended(public_id: str) -> Build:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        build: Build = Build.objects.select_related("request").get(public_id=public_id)
        if build.is_final and build.request.state == "ended":
            return build
        time.sleep(0.1)
    raise RuntimeError("the build did not end")


def _first_step_by_bake(repository: Path) -> float:
    command = ["docker", "buildx", "bake", "--progress=rawjson", "shop"]
    asked = time.time()
    done = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=True)
    frames = (json.loads(line) for line in done.stderr.splitlines() if line.startswith("{"))
    named = (vertex.get("started") for frame in frames for vertex in frame.get("vertexes") or ())
    moments = [moment for text in named if text and (moment := parse_datetime(text))]
    return min(moments).timestamp() - asked


def _queue(project: Project, user: User) -> None:
    """Measure the claim and the page with few and with many queued builds, in turn."""
    Builder.objects.update(slots=2)
    sources = [_queued_source(project, number) for number in range(SERVICES)]
    _ask(sources, range(FEW // SERVICES), user)
    databases = {"few": "farm_few", "many": copy_database("farm_few")}
    _ask(sources, range(FEW // SERVICES, MANY // SERVICES), user)
    client = Client(SERVER_NAME="localhost")
    client.force_login(user)
    page = partial(client.get, f"/projects/{project.slug}/queue/")
    taken: dict[tuple[str, str], list[float]] = {}
    queries: dict[tuple[str, str], int] = {}
    for _ in range(QUEUE_ROUNDS):
        for label, database in databases.items():
            use_database(database)
            client.force_login(user)  # a session of this database
            for name, work in (("queue_claim", _claim_and_give_back), ("queue_page", page)):
                queries[name, label] = count_queries(work)
                taken.setdefault((name, label), []).append(seconds(work))
    use_database(databases["many"])
    for name in ("queue_claim", "queue_page"):
        value, floor = median(taken[name, "many"]), median(taken[name, "few"])
        counts = [queries[name, "few"], queries[name, "many"]]
        report(
            name,
            value=value,
            floor=floor,
            unit="s",
            target=f"ratio <= {QUEUE_TARGET}, same queries",
            ok=value <= QUEUE_TARGET * floor and counts[0] == counts[1],
            queued=MANY,
            queries=counts,
            floor_is=f"the same with {FEW} queued builds",
        )


def _queued_source(project: Project, number: int) -> Source:
    service = get_or_create_service(project_id=project.pk, name=f"queued-{number}")
    return Source.objects.create(
        service=service, repository_url="https://example.com/shop.git", builder=default_builder()
    )


def _ask(sources: list[Source], numbers: Any, user: User) -> None:
    for number in numbers:
        trigger(sources=sources, wish=Wish(ref_name=f"branch-{number}"), actor=user)


@transaction.atomic
def _claim_and_give_back() -> None:
    if claim("bench:1") is None:
        raise RuntimeError("nothing was claimed")
    transaction.set_rollback(True)
