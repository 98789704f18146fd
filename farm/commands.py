"""What is typed for a request: the words after ``buildinsights``."""

import json
import shlex
from pathlib import Path, PurePosixPath
from typing import Any

from farm.models import BuildRequest, Source
from farm.queueing import FOR_CACHES
from farm.updates import PATCH, VERDICT


def command_of(request: BuildRequest, folder: Path, home: Path) -> list[str]:
    """Return the arguments of what a request asks for; files for it alone go into ``folder``.

    What an update leaves, it leaves in ``home``.
    """
    if request.base_to:
        return update_command(request, folder, home)
    return build_command(request, folder)


def update_command(request: BuildRequest, folder: Path, home: Path) -> list[str]:
    """Return the arguments that try another base; the checkout is the request's own."""
    values = _values(request, folder) | {
        "--base": request.base_from,
        "--to": request.base_to,
        "--patch": str(home / PATCH),
        "--json": str(home / VERDICT),
    }
    words = [f"{name}={value}" for name, value in values.items() if value]
    return ["update-base", "--here", "--confined", *words, "--", target_of(request.source)]


def _values(request: BuildRequest, folder: Path) -> dict[str, str]:
    """Return what is built, and how; a Dockerfile alone becomes a Bake file in ``folder``."""
    source, build = request.source, request.build
    file = source.file
    if source.definition == Source.Definition.DOCKERFILE:
        file = str(_bake_file(source, folder))
    return {
        "--file": file,
        "--platform": ",".join(build.platforms),
        "--variant": build.variant,
        "--env": build.environment,
    }


def build_command(request: BuildRequest, folder: Path) -> list[str]:
    """Return the arguments of the build; a Dockerfile alone becomes a Bake file in ``folder``."""
    source, build = request.source, request.build
    values = _values(request, folder) | {"--no-cache-from": request.no_cache_from}
    flags = {
        "--no-cache": request.no_cache,
        "--verbose-cache": request.verbose_cache,
        "--push": source.push and build.trigger not in FOR_CACHES,
    }
    words = [f"{name}={value}" for name, value in values.items() if value]
    words += [name for name, is_on in flags.items() if is_on]
    return ["build", "--wait", "--plain", "--confined", *words, "--", target_of(source)]


def target_of(source: Source) -> str:
    """Return the Bake target that is the service."""
    if source.definition == Source.Definition.DOCKERFILE:
        return source.service.slug
    return source.target or source.service.slug


def reproducing_command(request: BuildRequest) -> str:
    """Return what somebody types to build the same locally, in a clone of the repository."""
    build, source = request.build, request.source
    checkout = shlex.join(["git", "checkout", build.revision or request.branch])
    if source.definition == Source.Definition.DOCKERFILE:
        return f"{checkout} && {shlex.join(_docker_build(request))}"
    words = [word for word in build_command(request, Path()) if word not in _OF_THE_SERVER]
    return f"{checkout} && {_in_context(source, ['buildinsights', *words])}"


def debugging_command(request: BuildRequest) -> str:
    """Return what opens a shell at the failed step once it has failed locally, or nothing.

    ``buildinsights debug`` works on Bake's targets.
    """
    source = request.source
    if source.definition == Source.Definition.DOCKERFILE:
        return ""
    file = [f"--file={source.file}"] if source.file else []
    return _in_context(source, ["buildinsights", "debug", *file, target_of(source)])


_OF_THE_SERVER = {"--wait", "--plain", "--confined", "--push", "--"}


def _in_context(source: Source, words: list[str]) -> str:
    command = shlex.join(words)
    return f"(cd {shlex.quote(source.context)} && {command})" if source.context else command


def _docker_build(request: BuildRequest) -> list[str]:
    build, source = request.build, request.source
    context = source.context or "."
    values = {
        "--file": source.file and str(PurePosixPath(context) / source.file),
        "--target": source.target,
        "--platform": ",".join(build.platforms),
        "--no-cache-filter": request.no_cache_from,
    }
    words = [f"{name}={value}" for name, value in values.items() if value]
    words += ["--no-cache"] if request.no_cache else []
    return ["docker", "buildx", "build", *words, context]


def _bake_file(source: Source, folder: Path) -> Path:
    target: dict[str, Any] = {"context": ".", "dockerfile": source.file or "Dockerfile"}
    if source.target:
        target["target"] = source.target
    path = folder / "docker-bake.json"
    if folder != Path():
        path.write_text(json.dumps({"target": {source.service.slug: target}}))
    return path
