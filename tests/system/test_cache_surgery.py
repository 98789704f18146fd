"""Invalidation by a package's version in a real registry, with a real BuildKit before and after."""

import subprocess
import time
import uuid
from pathlib import Path

import pytest

from buildkit.caching.installing import Bound
from buildkit.caching.references import read_cache
from buildkit.caching.surgery import cut_out, layers_installing
from buildkit.caching.verifying import verify
from buildkit.caching.versions import Ecosystem
from buildkit.model import CACHEABLE_KINDS
from buildkit.reading import read_builds
from buildkit.registry import Reference, Registry
from tests.cache.causes import HELD_SECONDS, entries_of

pytestmark = pytest.mark.engine

REGISTRY = "localhost:5000"
DOCKERFILE = """\
FROM localhost:5000/library/busybox:1
RUN echo {word} > /one
RUN mkdir -p /lib/{word}-1.9.dist-info && printf 'Name: {word}\\nVersion: 1.9\\n\\n{word}' \
 > /lib/{word}-1.9.dist-info/METADATA
RUN echo {word} > /three
"""


def build(folder: Path, *options: str) -> dict[str, str]:
    """Build, and return the states of the cacheable steps by their last words."""
    command = ["docker", "buildx", "build", "--progress=rawjson", "--output=type=cacheonly"]
    done = subprocess.run([*command, *options, str(folder)], capture_output=True, check=True)
    [built] = read_builds(progress=done.stderr)
    steps = [step for step in built.steps if step.kind in CACHEABLE_KINDS]
    return {step.name.split()[-1].rpartition("/")[2]: step.state.value for step in steps}


def forget_locally(word: str) -> None:
    """Remove what the builder itself keeps of a build, leaf by leaf."""
    deadline = time.monotonic() + HELD_SECONDS
    while mine := entries_of(word):
        assert time.monotonic() < deadline, "the builder keeps some of it"
        for identifier in mine:
            prune = ["docker", "buildx", "prune", "--all", "--force"]
            subprocess.run([*prune, f"--filter=id={identifier}"], capture_output=True, check=True)
        time.sleep(0.2)


def test_a_package_below_a_version_is_invalidated_and_nothing_else(engine: str, tmp_path: Path):
    word = f"pkg{uuid.uuid4().hex}"
    (tmp_path / "Dockerfile").write_text(DOCKERFILE.format(word=word))
    reference = Reference.parse(f"{REGISTRY}/surgery/{word}:main")
    imports = f"--cache-from=type=registry,ref={reference}"
    exports = f"--cache-to=type=registry,ref={reference},mode=max"
    build(tmp_path, exports)
    forget_locally(word)
    assert set(build(tmp_path, imports).values()) == {"cached"}, "the registry has all of it"

    registry = Registry(REGISTRY)
    cache = read_cache(registry, reference)
    assert layers_installing(registry, cache, Bound(word, "1.9", Ecosystem.PYPI)).layers == {}
    found = layers_installing(registry, cache, Bound(word.upper(), "1.10"))
    [(layer, [package])] = found.layers.items()
    assert (package.name, package.version, found.unread) == (word, "1.9", ())

    cut = cut_out(registry, cache, [layer])
    assert cut.layers == 2, "that of the package, and the one on it"
    assert verify(registry, reference, deep=True).is_whole
    forget_locally(word)
    after = build(tmp_path, imports)
    assert after == {"one": "cached", "METADATA": "executed", "three": "executed"}
