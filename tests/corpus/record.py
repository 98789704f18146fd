"""Record the corpus of tests/corpus/buildkit again, with a real BuildKit.

Usage: python tests/corpus/record.py [CASE ...]

Needs docker with buildx and its default builder; ``BASE_IMAGE`` names the image to build from (it
has to exist for linux/amd64 and linux/arm64, and arm64 programs have to run). Only the input files
are written: expected.json is kept by hand, see the README beside the cases.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

CORPUS = Path(__file__).parent / "buildkit"
BASE_IMAGE = os.environ.get("BASE_IMAGE", "busybox:1")

DOCKERFILE = f"""\
FROM {BASE_IMAGE} AS base
WORKDIR /src
COPY a.txt .

FROM base AS build
ARG NAME=world
RUN echo "hello $NAME" > hello.txt
RUN <<EOF
echo one
cat a.txt
EOF

from {BASE_IMAGE}
COPY --from=build /src/hello.txt /hello.txt
LABEL who=me
RUN cat /hello.txt
"""
FAILING = f"""\
FROM {BASE_IMAGE} AS one
RUN echo fine
RUN echo bad >&2; exit 3
RUN echo never
"""
SLOW = f"""\
FROM {BASE_IMAGE}
COPY a.txt /
RUN sleep 4; echo slept
RUN echo done
"""
BAKE = """\
group "default" { targets = ["one", "two"] }
target "one" {
  target = "base"
  output = ["type=cacheonly"]
}
target "two" {
  args = { NAME = "two" }
  labels = { team = "x" }
  output = ["type=cacheonly"]
}
"""
CACHE_ONLY = ("--output", "type=cacheonly")


def main() -> None:
    """Record the cases named on the command line, or all."""
    for name in sys.argv[1:] or CASES:
        with tempfile.TemporaryDirectory(prefix="corpus-") as directory:
            context = Path(directory)
            _write_context(context)
            for old in (CORPUS / name).glob("input.*"):
                old.unlink()
            CASES[name](context, CORPUS / name)


def record_plain(context: Path, case: Path) -> None:
    """Everything runs; full provenance, an image, a build argument and a warning."""
    options = ("--no-cache", "--build-arg", "NAME=x", "-t", "corpus/plain:1")
    _build(context, case, "--provenance=mode=max", *options)
    _export(case, [_ref(case)])


def record_cached(context: Path, case: Path) -> None:
    """The same build twice: the second finds every step in the cache."""
    _build(context, case, *CACHE_ONLY)
    _build(context, case, "--provenance=mode=max", *CACHE_ONLY)
    _export(case, [_ref(case)])


def record_failed(context: Path, case: Path) -> None:
    """The second RUN exits with 3, so the third never starts."""
    _build(context, case, "-f", "Failing.Dockerfile", "--no-cache", *CACHE_ONLY)
    _export(case, [_ref_of_directory(context)])


def record_platforms(context: Path, case: Path) -> None:
    """Two platforms with an attestation each."""
    archive = context / "image.tar"
    platforms = ("--platform", "linux/amd64,linux/arm64", "--no-cache")
    output = ("--output", f"type=oci,dest={archive}")
    _build(context, case, "--provenance=mode=max", *platforms, *output)
    _export(case, [_ref(case)])


def record_bake(context: Path, case: Path) -> None:
    """Two targets in one stream and one bundle; nothing is in the cache of the second."""
    command = ["docker", "buildx", "bake", "--no-cache", *_outputs(case)]
    _run(command, context, case)
    metadata = json.loads(_file(case, "metadata.json").read_text())
    _export(case, [metadata[name]["buildx.build.ref"] for name in ("one", "two")])


def record_shared(context: Path, case: Path) -> None:
    """The second of two builds of the same thing, begun while the first one runs."""
    first = case.with_name("first")
    command = ["docker", "buildx", "build", "-f", "Slow.Dockerfile", *CACHE_ONLY, "--no-cache"]
    with subprocess.Popen(
        [*command, *_outputs(first), "."], cwd=context, stderr=subprocess.DEVNULL
    ):
        time.sleep(2)
        _build(context, case, "-f", "Slow.Dockerfile", *CACHE_ONLY)
    shutil.rmtree(first)
    _export(case, [_ref(case)])


def record_canceled(context: Path, case: Path) -> None:
    """Interrupted while its RUN sleeps."""
    command = ["docker", "buildx", "build", "-f", "Slow.Dockerfile", "--no-cache", *CACHE_ONLY]
    with (
        _file(case, "progress.rawjson").open("wb") as stderr,
        subprocess.Popen(
            [*command, "--progress=rawjson", "."], cwd=context, stderr=stderr
        ) as build,
    ):
        time.sleep(2)
        build.send_signal(signal.SIGINT)
    _export(case, [_ref_of_directory(context)])


CASES: dict[str, Callable[[Path, Path], None]] = {
    "plain": record_plain,
    "cached": record_cached,
    "failed": record_failed,
    "platforms": record_platforms,
    "bake": record_bake,
    "shared": record_shared,
    "canceled": record_canceled,
}


def _write_context(context: Path) -> None:
    files = {
        "Dockerfile": DOCKERFILE,
        "Failing.Dockerfile": FAILING,
        "Slow.Dockerfile": SLOW,
        "docker-bake.hcl": BAKE,
        "a.txt": "hi\n",
    }
    for name, text in files.items():
        (context / name).write_text(text)


def _file(case: Path, suffix: str) -> Path:
    case.mkdir(parents=True, exist_ok=True)
    return case / f"input.{suffix}"


def _outputs(case: Path) -> tuple[str, ...]:
    return ("--progress=rawjson", "--metadata-file", str(_file(case, "metadata.json")))


def _build(context: Path, case: Path, *options: str) -> None:
    _run(["docker", "buildx", "build", *_outputs(case), *options, "."], context, case)


def _run(command: list[str], context: Path, case: Path) -> None:
    with _file(case, "progress.rawjson").open("wb") as stderr:
        subprocess.run(command, cwd=context, stderr=stderr, check=False)


def _ref(case: Path) -> str:
    metadata = json.loads(_file(case, "metadata.json").read_text())
    return str(metadata["buildx.build.ref"])


def _ref_of_directory(context: Path) -> str:
    """The build of a directory, for builds that end without a metadata file."""
    command = ["docker", "buildx", "history", "ls", "--format", "json"]
    listing = subprocess.run(command, capture_output=True, check=True, text=True)
    builds = (json.loads(line) for line in listing.stdout.splitlines())
    return str(next(build["ref"] for build in builds if context.name in build["name"]))


def _export(case: Path, refs: list[str]) -> None:
    names = [ref.rpartition("/")[2] for ref in refs]
    target = str(_file(case, "dockerbuild"))
    subprocess.run(["docker", "buildx", "history", "export", *names, "-o", target], check=True)


if __name__ == "__main__":
    main()
