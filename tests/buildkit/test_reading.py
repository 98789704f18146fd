"""Pieces of one build are united; pieces of several are kept apart."""

import json
from typing import Any

import pytest

from buildkit import wire
from buildkit.errors import ParseError
from buildkit.model import BuildStatus
from buildkit.reading import read_builds
from tests.buildkit.making import bundle, frame, iso, record_fields, run
from tests.buildkit.test_corpus import read_case

DIGEST = f"sha256:{'0' * 64}"
RECORD = bundle(
    record_fields(), {wire.STATUS_MEDIA_TYPE: frame(vertexes=[run("a", "[1/1] RUN x", 1, 3)])}
)
STREAM_VERTEX = {"digest": "s", "name": "RUN s", "started": iso(1), "completed": iso(2)}
STREAM = json.dumps({"vertexes": [STREAM_VERTEX]}).encode() + b"\nsome text"


def metadata(ref: str, **fields: Any) -> bytes:
    return json.dumps({"buildx.build.ref": f"builder/node/{ref}", **fields}).encode()


def provenance(**fields: Any) -> dict[str, Any]:
    return {"buildType": "x", "materials": [{"uri": "m"}], **fields}


def test_a_record_wins_over_the_stream_of_the_same_build() -> None:
    [build] = read_builds(record=RECORD, progress=STREAM, metadata=metadata("ref1"))
    assert [step.vertex_digest for step in build.steps] == ["a"]
    assert (build.buildkit_ref, build.builder) == ("ref1", "builder")
    assert build.console == "some text"


def test_a_stream_without_a_ref_belongs_to_the_only_record() -> None:
    [build] = read_builds(record=RECORD, progress=STREAM)
    assert [step.vertex_digest for step in build.steps] == ["a"]


def test_a_stream_of_one_of_several_records_is_not_guessed() -> None:
    inputs, _ = read_case("bake")
    builds = read_builds(record=inputs["record"], progress=STREAM)
    assert [len(build.steps) for build in builds] == [7, 11]
    assert [problem.path for problem in builds[0].problems] == ["progress"]


def test_a_stream_of_bake_finds_its_records_by_target() -> None:
    inputs, _ = read_case("bake")
    builds = read_builds(record=inputs["record"], progress=inputs["progress"] + b"\nsome text")
    assert [build.name_hint for build in builds] == ["one", "two"]
    assert [build.console for build in builds] == ["some text", "some text"]


def test_a_stream_of_another_build_is_another_build() -> None:
    builds = read_builds(record=RECORD, progress=STREAM, metadata=metadata("ref2"))
    assert [build.buildkit_ref for build in builds] == ["ref1", "ref2"]


def test_a_stream_stands_in_for_a_status_that_is_broken() -> None:
    broken = bundle(record_fields(), {wire.STATUS_MEDIA_TYPE: b"\x01"})
    [build] = read_builds(record=broken, progress=STREAM)
    assert [step.vertex_digest for step in build.steps] == ["s"]
    assert build.timing.wall_seconds == 10
    assert [problem.path for problem in build.problems] == [
        "record/index.json/manifests[0]/status/frame 0"
    ]


def test_metadata_alone() -> None:
    data = metadata(
        "ref1",
        **{
            "containerimage.digest": DIGEST,
            "image.name": "r/a:1,r/a:2",
            "containerimage.descriptor": {"mediaType": "manifest", "digest": DIGEST},
            "buildx.build.provenance": provenance(),
        },
    )
    [build] = read_builds(metadata=data)
    [image] = build.images
    assert (image.digest, image.names, image.media_type) == (DIGEST, ("r/a:1", "r/a:2"), "manifest")
    assert (build.status, build.has_provenance) == (BuildStatus.SUCCEEDED, True)
    assert build.materials[0].uri == "m"
    assert build.name_hint == "a"


def test_metadata_of_two_platforms() -> None:
    key = "buildx.build.provenance"
    parts = {f"{key}/linux/{name}": provenance() for name in ("amd64", "arm64")}
    [build] = read_builds(metadata=metadata("r", **parts))
    assert build.platforms == ("linux/amd64", "linux/arm64")
    # Both name the same material.
    assert len(build.materials) == 1


def test_warnings_of_metadata() -> None:
    warning = {
        "vertex": "a",
        "level": 1,
        "short": "aGk=",
        "sourceInfo": {"filename": "Dockerfile", "data": "RlJPTSB4"},
        "range": [{"start": {"line": 2}}],
    }
    other = {**warning, "vertex": "elsewhere"}
    data = metadata("ref1", **{"buildx.build.warnings": [warning, other]})
    [build] = read_builds(record=RECORD, metadata=data)
    [found] = build.warnings
    assert (found.short, found.filename, found.ranges[0].end_line) == ("hi", "Dockerfile", 2)
    assert [source.text for source in build.sources] == ["FROM x"]


def test_metadata_of_bake() -> None:
    target = {"buildx.build.ref": "b/n/r1", "containerimage.digest": DIGEST}
    other = {"buildx.build.ref": "b/n/r2"}
    data = json.dumps({"api": target, "web": other, "note": "x", "empty": {}}).encode()
    builds = read_builds(metadata=data)
    assert [(build.name_hint, build.buildkit_ref) for build in builds] == [
        ("api", "r1"),
        ("web", "r2"),
    ]


def test_a_single_target_of_bake_names_its_stream() -> None:
    data = json.dumps({"api": {"buildx.build.ref": "b/n/r1"}}).encode()
    [build] = read_builds(progress=STREAM, metadata=data)
    assert (build.buildkit_ref, build.name_hint, len(build.steps)) == ("r1", "api", 1)


def test_provenance_alone_and_with_a_record() -> None:
    data = json.dumps(provenance(metadata={"buildStartedOn": iso(1)})).encode()
    [alone] = read_builds(provenance=data)
    assert (alone.buildkit_ref, alone.materials[0].uri, alone.steps) == ("", "m", ())
    [both] = read_builds(record=RECORD, provenance=data)
    assert (both.buildkit_ref, both.has_provenance) == ("ref1", True)


def test_provenance_of_one_of_several_builds_is_not_guessed() -> None:
    data = json.dumps(provenance()).encode()
    builds = read_builds(record=RECORD, progress=STREAM, metadata=metadata("ref2"), provenance=data)
    assert not any(build.has_provenance for build in builds)
    assert [problem.path for problem in builds[0].problems] == ["provenance"]


def test_samples_are_those_of_the_builds_own_time() -> None:
    samples = b"\n".join(json.dumps({"timestamp": iso(n)}).encode() for n in (0, 1, 2, 15))
    [alone] = read_builds(record=RECORD, resources=samples)
    assert len(alone.resources) == 4
    first, second = read_builds(
        record=RECORD, progress=STREAM, metadata=metadata("ref2"), resources=samples
    )
    assert (len(first.resources), len(second.resources)) == (3, 2)


def test_broken_pieces_beside_a_good_one_are_problems() -> None:
    [build] = read_builds(record=RECORD, progress=b"text", metadata=b"{", provenance=b"[]")
    assert [problem.path for problem in build.problems] == ["metadata", "progress", "provenance"]


@pytest.mark.parametrize(
    ("pieces", "path"),
    [
        ({"record": b"x"}, "record"),
        ({"record": b"x", "progress": STREAM}, "record"),
        ({"progress": b"x"}, "progress"),
        ({"metadata": b"{}"}, "metadata"),
        ({"provenance": b"{}"}, "provenance"),
        ({"resources": b"{}"}, "input"),
        ({}, "input"),
        ({"progress": STREAM, "only_ref": "other"}, "input"),
    ],
)
def test_nothing_usable(pieces: dict[str, Any], path: str) -> None:
    with pytest.raises(ParseError) as caught:
        read_builds(**pieces)
    assert caught.value.path == path


def test_one_build_of_a_bundle() -> None:
    [build] = read_builds(record=RECORD, only_ref="ref1")
    assert build.buildkit_ref == "ref1"
    with pytest.raises(ParseError, match="no build nope"):
        read_builds(record=RECORD, only_ref="nope")
