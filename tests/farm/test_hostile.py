"""What repositories and accidents cannot do to a worker, on a real engine."""

import os
import signal
import threading
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from django.db import connection

from accounts.models import User
from builds.models import Build, Service
from farm import bounds
from farm.claims import claim
from farm.models import LiveBuild
from farm.processes import processes_of
from farm.queueing import Wish
from farm.running import run
from farm.services import trigger
from ingest.models import IngestPayload
from tests.farm.conftest import BASE, MakeSource, git
from tests.farm.waiting import eventually, is_running

pytestmark = [pytest.mark.engine, pytest.mark.django_db(transaction=True)]

CONFIG = """\
[core]
\trepositoryformatversion = 1
\tbare = false
\tworktree = .
\tsshCommand = "sh ./run.sh; sh ./sub/run.sh; false"
[extensions]
\tpartialClone = origin
[remote "origin"]
\turl = ssh://a/b
\tpromisor = true
\tpartialclonefilter = blob:none
\tfetch = +refs/heads/*:refs/remotes/origin/*
"""
"""Git that takes this for its own fetches a commit that is not there, and so runs the command."""


def run_next() -> Build:
    """Run what waits, as a worker does."""
    request = claim("test:1")
    assert request is not None
    run(request)
    return Build.objects.get(pk=request.pk)


def commit(repository: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (repository / name).parent.mkdir(parents=True, exist_ok=True)
        (repository / name).write_text(text)
    git(repository, "add", "--all", "--force")
    git(repository, "commit", "--quiet", "--message=change")


def repository_inside(mark: Path) -> dict[str, str]:
    """Return the files of a folder that looks like a repository, and executes what is in it."""
    return {
        "sub/HEAD": "ref: refs/heads/main\n",
        "sub/refs/heads/main": f"{'1234567890' * 4}\n",
        "sub/refs/tags/.keep": "",
        "sub/objects/info/.keep": "",
        "sub/config": CONFIG,
        "sub/run.sh": f"touch {mark}\n",
        "sub/Dockerfile": f"FROM {BASE}\nRUN echo {mark}\n",
        "docker-bake.hcl": 'target "api" { context = "sub" }\n',
    }


@pytest.mark.parametrize(
    "source",
    [
        {"definition": "bake"},
        {"definition": "dockerfile", "context": "sub"},
        {"definition": "dockerfile", "file": "sub/Dockerfile"},
    ],
    ids=["of a Bake file", "as the directory", "of a Dockerfile"],
)
def test_a_folder_that_looks_like_a_repository_executes_nothing(
    engine: str,
    make_source: MakeSource,
    alice: User,
    repository: Path,
    tmp_path: Path,
    source: dict[str, str],
):
    mark = tmp_path / "executed"
    commit(repository, repository_inside(mark))
    trigger(sources=[make_source(retries=0, **source)], wish=Wish(), actor=alice)
    build = run_next()
    assert not mark.exists()
    assert build.status == "succeeded", build.failure_message


def test_a_definition_cannot_take_the_worker_s_memory(
    engine: str,
    make_source: MakeSource,
    alice: User,
    repository: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(bounds, "DATA_BYTES", 512 * 1024**2)
    doubled = [
        f'variable "v{number + 1}" {{ default = "${{v{number}}}${{v{number}}}" }}\n'
        for number in range(17)
    ]
    text = f'variable "v0" {{ default = "{"x" * 1024}" }}\n{"".join(doubled)}'
    text += 'target "api" { args = { SIZE = strlen(v17) } }\n'
    commit(repository, {"docker-bake.hcl": text})
    trigger(sources=[make_source(definition="bake", retries=0)], wish=Wish(), actor=alice)
    build = run_next()
    assert build.status == "failed"


def runs_buildx(process: psutil.Process) -> bool:
    try:
        return any("buildx" in part for part in process.cmdline())
    except psutil.NoSuchProcess:
        return False


def outermost(processes: list[psutil.Process]) -> psutil.Process:
    """The one that none of them started: a fork has its parent's command line until it execs."""
    pids = {process.pid for process in processes}
    parents = {}
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            parents[process] = process.ppid()
    [found] = [process for process, parent in parents.items() if parent not in pids]
    return found


def test_when_the_command_is_killed_nothing_of_it_is_left(
    engine: str, make_source: MakeSource, alice: User, repository: Path, tmp_path: Path
):
    commit(repository, {"Dockerfile": f"FROM {BASE}\nRUN echo {tmp_path}; sleep 600\n"})
    [request] = trigger(sources=[make_source(retries=0)], wish=Wish(), actor=alice)
    claimed = claim("test:1")
    assert claimed is not None

    def work() -> None:
        try:
            run(claimed)
        finally:
            connection.close()

    worker = threading.Thread(target=work)
    worker.start()
    try:
        assert eventually(lambda: LiveBuild.objects.filter(request=request).exists(), 30)
        [folder] = (tmp_path / "work").glob(f"{request.build.public_id}-*")
        home = folder / "home"
        assert eventually(lambda: any(map(runs_buildx, processes_of(home))), 30)
        started = list(processes_of(home))
        command = outermost(started)
        assert "cli" in command.cmdline()
        os.kill(command.pid, signal.SIGKILL)
    finally:
        worker.join(timeout=10)
    assert not worker.is_alive()
    assert not [process for process in started if is_running(process.pid)]
    assert Build.objects.get(pk=request.pk).status == "failed"


def test_a_secret_names_nothing(
    engine: str,
    make_source: MakeSource,
    alice: User,
    repository: Path,
    settings: object,
    monkeypatch: pytest.MonkeyPatch,
):
    settings.BUILD_SECRETS = ["PHRASE"]
    monkeypatch.setenv("PHRASE", "correct-horse-battery")
    target = f'dockerfile-inline = "FROM {BASE}"\n'
    title = 'labels = { "org.opencontainers.image.title" = PHRASE }\n'
    text = (
        'variable "PHRASE" {}\n'
        'group "all" { targets = ["api", "other"] }\n'
        f'target "api" {{\n{target}}}\ntarget "other" {{\n{target}{title}}}\n'
    )
    commit(repository, {"docker-bake.hcl": text})
    source = make_source(definition="bake", target="all", retries=0)
    trigger(sources=[source], wish=Wish(), actor=alice)
    run_next()
    payloads = [str(payload) for payload in IngestPayload.objects.values()]
    assert len(payloads) == 2, "each target is handed on"
    stored = [*payloads, *Service.objects.values_list("name", flat=True)]
    assert not [text for text in stored if "horse" in text]
