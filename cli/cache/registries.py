"""Registry caches of the plan here, the registries they are in, and when they were used last."""

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta

from buildkit.bake import Target, read_cache_spec
from buildkit.caching.pruning import HISTORY
from buildkit.model import Build
from buildkit.registry import (
    InvalidReferenceError,
    Reference,
    Registry,
    RegistryError,
    credentials_for,
)
from buildkit.times import NANOSECONDS
from buildkit.values import as_dict, as_dicts, as_text
from cli.cache.recorded import recorded_builds
from cli.errors import UsageError
from cli.planning import plan_of
from cli.records import Run

IMPORTS = "cache-imports"


def registry_of(host: str) -> Registry:
    """Return a registry with what Docker knows to log in there.

    Raises:
        UsageError: Docker's configuration cannot be read.
    """
    try:
        return Registry(host, credentials_for(host))
    except RegistryError as error:
        raise UsageError(str(error)) from error


def named(references: Sequence[str]) -> list[Reference]:
    """Return the references that are named, or those of the Bake file's targets.

    Raises:
        UsageError: one of them is none, or there are none.
    """
    texts = list(references) or _of_plan()
    if not texts:
        raise UsageError("No target here has a registry cache; name a reference.")
    try:
        return [Reference.parse(text) for text in texts]
    except RegistryError as error:
        raise UsageError(str(error)) from error


def _of_plan() -> list[str]:
    return references_of(plan_of((), ()).targets.values())


def references_of(targets: Iterable[Target]) -> list[str]:
    """Return the registry caches that targets import or export, each once."""
    specs = (spec for target in targets for spec in (*target.cache_from, *target.cache_to))
    return list(dict.fromkeys(spec.reference for spec in specs if spec.reference))


def last_used(since: timedelta = HISTORY) -> dict[str, datetime]:
    """Return when builds of that time on this machine imported or exported each reference last."""
    used: dict[str, datetime] = {}
    for target, build, run in recorded_builds(since=since):
        if build.started_ns is None:
            continue
        at = datetime.fromtimestamp(build.started_ns / NANOSECONDS, UTC)
        for text in _used_by(target, build, run):
            try:
                name = str(Reference.parse(text))
            except InvalidReferenceError:
                continue  # of a build that failed for it
            used[name] = max(at, used.get(name, at))
    return used


def _used_by(target: str, build: Build, run: Run) -> Iterator[str]:
    for spec in map(read_cache_spec, run.cache_to.get(target, ())):
        if spec.reference:
            yield spec.reference
    try:
        imports = json.loads(build.frontend_attrs.get(IMPORTS, "[]"))
    except ValueError:
        return
    for item in as_dicts(imports):
        if reference := as_text(as_dict(item.get("Attrs")).get("ref")):
            yield reference
