"""What is typed for a request: the words after ``buildinsights``."""

import json
from pathlib import Path
from typing import Any

from farm.models import BuildRequest, Source


def build_command(request: BuildRequest, folder: Path) -> list[str]:
    """Return the arguments of the build; a Dockerfile alone becomes a Bake file in ``folder``."""
    source, build = request.source, request.build
    target = target_of(source)
    file = source.file
    if source.definition == Source.Definition.DOCKERFILE:
        file = str(_bake_file(source, folder))
    values = {
        "--file": file,
        "--platform": ",".join(build.platforms),
        "--variant": build.variant,
        "--env": build.environment,
        "--set": request.no_cache_from and f"{target}.no-cache-filter={request.no_cache_from}",
    }
    flags = {
        "--no-cache": request.no_cache,
        "--verbose-cache": request.verbose_cache,
        "--push": source.push,
    }
    words = [f"{name}={value}" for name, value in values.items() if value]
    words += [name for name, is_on in flags.items() if is_on]
    return ["build", "--wait", "--plain", "--confined", *words, "--", target]


def target_of(source: Source) -> str:
    """Return the Bake target that is the service."""
    if source.definition == Source.Definition.DOCKERFILE:
        return source.service.slug
    return source.target or source.service.slug


def reproducing_commands(request: BuildRequest) -> list[str]:
    """Return what somebody types to build the same locally, in a clone of the repository."""
    build, source = request.build, request.source
    words = build_command(request, Path())
    words = [
        word for word in words if word not in {"--wait", "--plain", "--confined", "--push", "--"}
    ]
    where = f"git checkout {build.revision or build.ref_name}"
    if source.definition == Source.Definition.DOCKERFILE:
        stage = f" --target {source.target}" if source.target else ""
        file = f" --file {source.file}" if source.file else ""
        return [where, f"docker buildx build{file}{stage} {source.context or '.'}"]
    return [where, " ".join(["buildinsights", *words])]


def _bake_file(source: Source, folder: Path) -> Path:
    target: dict[str, Any] = {"context": ".", "dockerfile": source.file or "Dockerfile"}
    if source.target:
        target["target"] = source.target
    path = folder / "docker-bake.json"
    if folder != Path():
        path.write_text(json.dumps({"target": {source.service.slug: target}}))
    return path
