"""Builds recorded with a real BuildKit, against values counted by hand (see the corpus README)."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from buildkit.model import Build
from buildkit.reading import read_builds

CORPUS = Path(__file__).parents[1] / "corpus" / "buildkit"
CASES = sorted(path.parent.name for path in CORPUS.glob("*/expected.json"))
COUNTS = ("steps_total", "steps_cached", "cacheable_steps", "cacheable_cached")


def read_case(name: str) -> tuple[dict[str, bytes], dict[str, Any]]:
    case = CORPUS / name
    pieces = {
        "record": case / "input.dockerbuild",
        "progress": case / "input.progress.rawjson",
        "metadata": case / "input.metadata.json",
    }
    inputs = {piece: path.read_bytes() for piece, path in pieces.items() if path.exists()}
    return inputs, json.loads((case / "expected.json").read_text())


def states(build: Build) -> dict[str, int]:
    return dict(Counter(str(step.state) for step in build.steps))


def by_start(values: dict[str, Any], build: Build, attribute: str) -> dict[str, Any]:
    """The attribute of the one step whose instruction starts with each key."""
    found = {}
    for prefix in values:
        matching = [step for step in build.steps if step.instruction.startswith(prefix)]
        assert len(matching) == 1, prefix
        found[prefix] = getattr(matching[0], attribute)
    return found


def check_optional(build: Build, expected: dict[str, Any]) -> None:
    """Compare the facts that a case names; each is the build's own attribute, or derived here."""
    derived: dict[str, Any] = {
        "target": build.target,
        "name_hint": build.name_hint,
        "build_args": build.build_args,
        "labels": build.labels,
        "image_platforms": [image.platform for image in build.images],
        "image_names": list(build.images[0].names) if build.images else [],
        "layers": sum(not layer.empty for layer in build.images[-1].layers) if build.images else 0,
        "warnings": [item.ranges[0].start_line for item in build.warnings],
        "problems": len(build.problems),
        "steps_by_platform": dict(Counter(step.platform for step in build.steps)),
    }
    for key in derived.keys() & expected.keys():
        assert derived[key] == expected[key], key


def check_failure(build: Build, expected: dict[str, Any]) -> None:
    assert build.failure is not None
    failed = next(step for step in build.steps if step.state == "failed")
    assert build.failure.message == expected["message"]
    assert build.failure.vertex_digest == failed.vertex_digest
    assert failed.instruction == expected["step"]
    assert build.failure.filename == expected["filename"]
    [lines] = build.failure.ranges
    assert [lines.start_line, lines.end_line] == expected["lines"]


@pytest.mark.parametrize("name", CASES)
def test_recorded_build(name: str) -> None:
    inputs, expected = read_case(name)
    builds = read_builds(**inputs)  # type: ignore[arg-type]
    assert len(builds) == len(expected["builds"])
    for build, wanted in zip(builds, expected["builds"], strict=True):
        assert build.status == wanted["status"]
        assert list(build.platforms) == wanted["platforms"]
        assert {count: getattr(build.cache, count) for count in COUNTS} == {
            count: wanted[count] for count in COUNTS
        }
        assert sum(len(step.inputs) for step in build.steps) == wanted["edges"]
        assert states(build) == wanted["states"]
        assert dict(Counter(str(step.kind) for step in build.steps)) == wanted["kinds"]
        assert len(build.problems) == wanted.get("problems", 0)
        check_optional(build, wanted)
        lines = wanted.get("lines", {})
        assert by_start(lines, build, "dockerfile_line") == lines
        logs = by_start(wanted.get("log", {}), build, "log")
        text = {key: b"".join(chunk.data for chunk in log).decode() for key, log in logs.items()}
        assert text == wanted.get("log", {})


@pytest.mark.parametrize("name", CASES)
def test_stream_alone(name: str) -> None:
    inputs, expected = read_case(name)
    del inputs["record"]
    builds = read_builds(**inputs)  # type: ignore[arg-type]
    # Bake's order of targets in a stream is that of its first lines.
    found = sorted((states(build) for build in builds), key=str)
    assert found == sorted(expected["progress_states"], key=str)
    statuses = sorted(build["status"] for build in expected["builds"])
    assert sorted(str(build.status) for build in builds) == statuses


@pytest.mark.parametrize("name", CASES)
def test_identities_are_the_same_in_record_and_stream(name: str) -> None:
    inputs, _ = read_case(name)
    recorded = read_builds(record=inputs["record"])
    streamed = read_builds(progress=inputs["progress"])
    for build in recorded:
        names = {(step.instruction, step.stage, step.ordinal) for step in build.steps}
        assert any(
            names <= {(step.instruction, step.stage, step.ordinal) for step in other.steps}
            for other in streamed
        )


@pytest.mark.parametrize("piece", ["record", "progress"])
def test_failure_is_located(piece: str) -> None:
    inputs, expected = read_case("failed")
    [build] = read_builds(**{piece: inputs[piece]})  # type: ignore[arg-type]
    check_failure(build, expected["builds"][0]["failure"])


def test_a_target_of_a_bundle_is_picked_by_its_ref() -> None:
    inputs, _ = read_case("bake")
    both = read_builds(**inputs)  # type: ignore[arg-type]
    [second] = read_builds(**inputs, only_ref=both[1].buildkit_ref)  # type: ignore[arg-type]
    assert second.name_hint == "two"
    assert second.builder == "default"


def test_a_stream_that_stops_early_is_running() -> None:
    inputs, _ = read_case("plain")
    lines = inputs["progress"].splitlines(keepends=True)
    half = b"".join(lines[: len(lines) // 2])
    [build] = read_builds(progress=half)
    assert build.status == "running"
    assert build.completed_ns is None
    assert {"running", "pending"} & set(states(build))
