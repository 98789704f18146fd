"""Bundles of history records: real ones where the fixtures are at hand, and made ones."""

import base64
import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from buildkit import wire
from buildkit.errors import ParseError
from buildkit.limits import Limits
from buildkit.model import Build, BuildStatus, SourceRange, StepKind, StepState
from buildkit.reading import read_builds
from buildkit.records import read_bundle
from tests.buildkit.making import (
    BEGIN,
    SECOND,
    bundle,
    digest_of,
    frame,
    index_of,
    iso,
    record_fields,
    run,
    tar_of,
)

FIXTURES = Path(__file__).resolve().parents[2] / "../shared/fixtures/buildkit"
STATUS = wire.STATUS_MEDIA_TYPE
IMAGE = {"ExporterResponse": {"containerimage.digest": "sha256:i"}}
SIMPLE = frame(vertexes=[run("a", "[1/1] RUN x", 1, 3)])


def fixture(name: str) -> bytes:
    path = FIXTURES / name
    if not path.exists():
        pytest.skip(f"fixture {name} is not beside the checkout")
    return path.read_bytes()


def one(fields: dict[str, Any], layers: dict[str, bytes] | None = None, **extra: bytes) -> Build:
    [build] = read_builds(record=bundle(fields, layers, **extra))
    return build


def test_the_build_of_buildkit_itself() -> None:
    [build] = read_builds(record=fixture("moby~buildkit~LWDOW6.dockerbuild"))
    assert (len(build.steps), sum(len(step.inputs) for step in build.steps)) == (84, 102)
    assert (build.cache.steps_total, build.cache.steps_cached) == (84, 1)
    assert [step.state for step in build.steps].count(StepState.CACHED) == 1
    assert build.timing.busy_seconds == pytest.approx(456.2, abs=0.05)
    assert build.timing.critical_path_seconds == pytest.approx(76.5, abs=0.05)
    assert build.timing.wall_seconds == pytest.approx(81.843, abs=0.001)
    assert build.problems == ()
    assert (build.target, build.platforms) == ("integration-tests", ("linux/amd64",))
    assert build.repository_url == "https://github.com/crazy-max/buildkit.git"
    assert (build.frontend, len(build.materials), len(build.resources)) == ("gateway.v0", 7, 12)
    critical = sum(step.busy_seconds for step in build.steps if step.critical)
    assert critical == pytest.approx(build.timing.critical_path_seconds)


def test_four_records_of_one_bundle() -> None:
    builds = read_builds(record=fixture("docker~test-docker-action~SNHBPN+3.dockerbuild"))
    assert [build.status for build in builds] == [
        BuildStatus.CANCELED,
        BuildStatus.FAILED,
        BuildStatus.CANCELED,
        BuildStatus.CANCELED,
    ]
    failure = builds[1].failure
    assert failure is not None
    assert failure.message.startswith("dockerfile parse error on line 2")
    assert (failure.filename, failure.ranges) == ("summary-error.Dockerfile", (SourceRange(2, 2),))
    assert "ARGGG NAME=foo" in builds[1].sources[0].text


def test_a_record_of_an_engine_without_containerd() -> None:
    [build] = read_builds(record=fixture("docker~test-docker-action~COIO50.dockerbuild"))
    [image] = build.images
    assert image.digest.startswith("sha256:225c3aed1b71")
    assert image.names == ("master",)
    commands = [layer.created_by for layer in image.layers]
    # Its config lists three instructions but a single diff: they do not fit, so no command is told.
    assert commands == ["", ""]
    assert build.steps[3].dockerfile_line == 1
    assert build.labels["org.opencontainers.image.title"] == "test-docker-action"


def test_times_and_counts_of_a_record() -> None:
    fields = record_fields(numTotalSteps=9, numCachedSteps=4)
    build = one(fields, {STATUS: SIMPLE})
    assert (build.started_ns, build.completed_ns) == (BEGIN * SECOND, (BEGIN + 10) * SECOND)
    assert (build.timing.wall_seconds, build.timing.idle_seconds) == (10, 8)
    assert (build.timing.busy_seconds, build.timing.parallelism) == (2, 0.2)
    assert (build.cache.steps_total, build.cache.steps_cached) == (9, 4)
    assert (build.cache.cacheable_steps, build.cache.cacheable_cached) == (1, 0)


def test_work_before_the_build_began_is_another_builds() -> None:
    vertexes = [run("a", "[1/2] RUN x", -5, 3), run("b", "[2/2] RUN y", 3, 4, inputs=["a"])]
    build = one(record_fields(), {STATUS: frame(vertexes=vertexes)})
    assert [step.state for step in build.steps] == [StepState.SHARED, StepState.EXECUTED]
    assert [step.busy_seconds for step in build.steps] == [3, 1]
    assert build.steps[0].started_ns == (BEGIN - 5) * SECOND


def test_work_that_the_end_cut_off_counts_to_the_end() -> None:
    begun = run("a", "[1/1] RUN x", 2, 0)
    del begun["completed"]
    fields = record_fields(error={"code": 1, "message": "context canceled"})
    build = one(fields, {STATUS: frame(vertexes=[begun])})
    assert (build.status, build.steps[0].state) == (BuildStatus.CANCELED, StepState.CANCELED)
    assert build.steps[0].busy_seconds == 8


def test_a_record_without_an_end_is_running() -> None:
    build = one({"Ref": "r", "CreatedAt": iso(0)}, {STATUS: SIMPLE})
    assert build.status == BuildStatus.RUNNING
    assert build.timing.wall_seconds is None


def test_a_build_that_ends_before_it_begins() -> None:
    build = one({"Ref": "r", "CreatedAt": iso(9), "CompletedAt": iso(1)}, {STATUS: SIMPLE})
    assert (build.completed_ns, build.timing.wall_seconds) == (None, None)
    assert [problem.message for problem in build.problems] == [
        "a build of -8 s: its end is left out"
    ]


def test_a_cycle_is_a_problem_and_its_edges_are_dropped() -> None:
    vertexes = [
        run("a", "RUN a", 1, 2, inputs=["b", "nowhere"]),
        run("b", "RUN b", 2, 4, inputs=["a"]),
    ]
    build = one(record_fields(), {STATUS: frame(vertexes=vertexes)})
    assert [step.inputs for step in build.steps] == [(), (0,)]
    assert build.timing.critical_path_seconds == 3
    assert [problem.message for problem in build.problems] == [
        "1 inputs name no vertex: left out",
        "inputs form a cycle, edges left out: RUN b -> RUN a -> RUN b",
    ]


def test_facts_of_provenance_reach_the_steps() -> None:
    layer = {"digest": "sha256:l", "size": 12, "mediaType": "tar"}
    digest = "sha256:a"
    details = {
        "source": {
            "infos": [{"filename": "Dockerfile", "data": base64.b64encode(b"RUN x").decode()}],
            "locations": {"step0": {"locations": [{"ranges": [{"start": {"line": 1}}]}]}},
        },
        "layers": {"step0:0": [[layer]]},
    }
    predicate = {
        "buildType": "x",
        "buildConfig": {
            "llbDefinition": [{"id": "step0", "op": {"Op": {"exec": {}}}}],
            "digestMapping": {digest: "step0"},
        },
        "metadata": {"https://mobyproject.org/buildkit@v1#metadata": details},
    }
    layers = {
        STATUS: frame(vertexes=[run(digest, "sh -c x", 1, 3)]),
        "application/vnd.in-toto+json": json.dumps(predicate).encode(),
    }
    build = one(record_fields(), layers)
    [step] = build.steps
    assert step.kind == StepKind.RUN
    assert (step.dockerfile_name, step.dockerfile_line) == ("Dockerfile", 1)
    assert (step.layer_digest, step.layer_bytes) == ("sha256:l", 12)
    assert build.has_provenance


def test_the_json_status_of_older_bundles() -> None:
    status = {
        "vertexes": [
            {"digest": "a", "name": "[1/1] RUN x", "started": iso(1), "completed": iso(3)},
            None,
        ],
        "statuses": None,
        "logs": [{"vertex": "a", "stream": 1, "data": "aGk=", "timestamp": iso(2)}],
    }
    layers = {"application/vnd.buildkit.solvestatus.v0": json.dumps(status).encode()}
    [step] = one(record_fields(), layers).steps
    assert (step.busy_seconds, step.log[0].data) == (2, b"hi")


@pytest.mark.parametrize(
    ("layers", "path", "message"),
    [
        ({}, "status", "has no status of this build"),
        ({STATUS: b"\x09\0\0\0"}, "status/frame 0", "broken frame at byte 0"),
        ({STATUS: SIMPLE, "application/vnd.in-toto+json": b"{}"}, "provenance", "not a SLSA"),
    ],
)
def test_broken_parts_become_problems(layers: dict[str, bytes], path: str, message: str) -> None:
    build = one(record_fields(), layers)
    [problem] = build.problems
    assert path in problem.path
    assert message in problem.message


def test_a_status_error_in_a_blob_of_its_own() -> None:
    source = {"info": {"filename": "D"}, "ranges": [{"start": {"line": 4}, "end": {"line": 3}}]}
    details = [
        {"type_url": b"github.com/moby/buildkit/errdefs.Vertex+json", "value": b'{"digest":"a"}'},
        {
            "type_url": b"github.com/moby/buildkit/errdefs.Source+json",
            "value": json.dumps(source).encode(),
        },
    ]
    status = wire.message_classes()["Status"](code=2, message=b"exit code: 1", details=details)
    layers = {STATUS: SIMPLE, wire.ERROR_MEDIA_TYPE: status.SerializeToString()}
    build = one(record_fields(error={"code": 2, "message": "exit code: 1"}), layers)
    assert build.status == BuildStatus.FAILED
    assert build.failure is not None
    assert (build.failure.vertex_digest, build.failure.code) == ("a", 2)
    assert (build.failure.filename, build.failure.ranges) == ("D", (SourceRange(4, 4),))


def test_a_broken_detail_keeps_the_message() -> None:
    detail = {"type_url": "x/errdefs.Source+json", "value": base64.b64encode(b"{").decode()}
    error = {"code": 2, "message": "broken", "details": [detail]}
    build = one(record_fields(error=error), {STATUS: SIMPLE})
    assert build.failure is not None
    assert build.failure.message == "broken"
    assert len(build.problems) == 1


def test_an_exported_index_and_its_platforms() -> None:
    member = {"digest": "sha256:m", "platform": {"os": "linux", "architecture": "arm64"}}
    index = json.dumps({"manifests": [member]}).encode()
    kind = "application/vnd.oci.image.index.v1+json"
    results = {"0": {"media_type": kind, "digest": digest_of(index)}}
    fields = record_fields(
        Result={"Results": results}, Exporters=[{"Attrs": {"name": "r/a:1, r/a:2"}}]
    )
    images = one(fields, {STATUS: SIMPLE}, index=index).images
    assert [(image.digest, image.platform) for image in images] == [
        (digest_of(index), ""),
        ("sha256:m", "linux/arm64"),
    ]
    assert {image.names for image in images} == {("r/a:1", "r/a:2")}


def test_a_manifest_in_the_bundle_gives_layers_and_size() -> None:
    layer = {"digest": "sha256:l", "size": 40, "mediaType": "tar+gzip"}
    config = {"digest": "sha256:c", "size": 2}
    manifest = json.dumps({"config": config, "layers": [layer]}).encode()
    member = {"digest": digest_of(manifest), "platform": {"os": "linux", "architecture": "amd64"}}
    index = json.dumps({"manifests": [member]}).encode()
    kind = "application/vnd.oci.image.index.v1+json"
    by_index = {"media_type": kind, "digest": digest_of(index)}
    by_manifest = {"media_type": "manifest", "digest": digest_of(manifest)}
    for result, place in ((by_index, 1), (by_manifest, 0)):
        fields = record_fields(Result={"Results": {"0": result}}, DefaultPlatform="linux/amd64")
        image = one(fields, {STATUS: SIMPLE}, index=index, manifest=manifest).images[place]
        assert (image.platform, image.size_bytes) == ("linux/amd64", 42)
        assert (image.config_digest, image.layers[0].size_bytes) == ("sha256:c", 40)


def test_a_broken_manifest_leaves_the_image_bare() -> None:
    result = {"media_type": "manifest", "digest": digest_of(b"{")}
    build = one(record_fields(Result={"Results": {"0": result}}), {STATUS: SIMPLE}, broken=b"{")
    assert [(image.digest, image.layers) for image in build.images] == [(digest_of(b"{"), ())]
    assert "not JSON" in build.problems[0].message


def test_an_image_that_only_the_exporter_names() -> None:
    config = {
        "architecture": "amd64",
        "os": "linux",
        "rootfs": {"diff_ids": ["sha256:d"]},
        "history": [{"created_by": "COPY / /"}],
    }
    response = {
        "containerimage.digest": "sha256:i",
        "containerimage.config": json.dumps(config),
        "image.name": "r/x:1",
        "refs.platforms": "{broken",
    }
    build = one(record_fields(ExporterResponse=response), {STATUS: SIMPLE})
    [image] = build.images
    assert (image.digest, image.names, image.platform) == ("sha256:i", ("r/x:1",), "linux/amd64")
    assert [layer.created_by for layer in image.layers] == ["COPY / /"]
    assert [problem.path.rpartition("/")[2] for problem in build.problems] == ["refs.platforms"]


def test_a_result_without_a_digest_is_none() -> None:
    fields = record_fields(Result={"Results": {"0": {"media_type": "manifest"}, "1": None}})
    assert one(fields, {STATUS: SIMPLE}).images == ()


@pytest.mark.parametrize(
    ("fields", "platforms"),
    [
        (
            {"FrontendAttrs": {"platform": "linux/arm64, linux/amd64,"}},
            ("linux/arm64", "linux/amd64"),
        ),
        ({"DefaultPlatform": "linux/amd64"}, ("linux/amd64",)),
        ({}, ()),
    ],
)
def test_platforms(fields: dict[str, Any], platforms: tuple[str, ...]) -> None:
    build = one(record_fields(**fields), {STATUS: SIMPLE})
    assert build.platforms == platforms
    assert build.steps[0].platform == (platforms[0] if len(platforms) == 1 else "")


@pytest.mark.parametrize(
    ("fields", "hint"),
    [
        ({"localState": {"Target": "api"}}, "api"),
        ({"localState": {"Target": "default", "LocalPath": "/src/shop"}}, "shop"),
        ({"FrontendAttrs": {"vcs:source": "https://x/team/web.git"}}, "web"),
        ({"FrontendAttrs": {"label:org.opencontainers.image.title": "My App"}}, "My App"),
        ({"Exporters": [{"Attrs": {"name": "r:5/team/shop:1"}}], **IMAGE}, "shop"),
        ({}, ""),
    ],
)
def test_what_to_call_the_built_thing(fields: dict[str, Any], hint: str) -> None:
    assert one(record_fields(**fields), {STATUS: SIMPLE}).name_hint == hint


def test_gzip_and_plain_bundles_are_the_same() -> None:
    data = bundle(record_fields(), {STATUS: SIMPLE})
    assert read_builds(record=gzip.compress(data)) == read_builds(record=data)


def test_a_changed_blob_is_named() -> None:
    data = bundle(record_fields(), {STATUS: SIMPLE})
    with pytest.raises(ParseError, match=f"record/blobs/sha256/{digest_of(SIMPLE)[7:]}: content"):
        read_builds(record=data.replace(b"RUN x", b"RUN y"))


def nested(depth: int) -> bytes:
    config = json.dumps(record_fields()).encode()
    kind = "application/vnd.buildkit.historyrecord.v0"
    manifest = json.dumps({"config": {"mediaType": kind, "digest": digest_of(config)}}).encode()
    blobs = [config, manifest]
    for _ in range(depth):
        inner = json.dumps({"manifests": [{"digest": digest_of(blobs[-1])}]}).encode()
        blobs.append(inner)
    return index_of([blobs[-1]], blobs)


def test_indexes_nest_up_to_the_limit() -> None:
    assert [record.ref for record in read_bundle(nested(7), Limits())] == ["ref1"]
    with pytest.raises(ParseError, match="nest deeper than 8"):
        read_bundle(nested(9), Limits())


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "no index.json"),
        (tar_of({"other": b""}), "no index.json"),
        (tar_of({"index.json": b"[]"}), "expected a JSON object"),
        (tar_of({"index.json": b"{}"}), "holds no build record"),
        (tar_of({"index.json": b'{"manifests": [{"digest": "sha256:x"}]}'}), "has no blob"),
        (b"not an archive" * 100, "broken archive at byte 0"),
    ],
)
def test_what_is_no_bundle(data: bytes, message: str) -> None:
    with pytest.raises(ParseError, match=message):
        read_bundle(data, Limits())


def test_a_manifest_that_is_no_record_is_passed_over() -> None:
    other = json.dumps({"config": {"mediaType": "other"}}).encode()
    with pytest.raises(ParseError, match="holds no build record"):
        read_bundle(index_of([other], [other]), Limits())


def test_a_record_whose_config_is_missing() -> None:
    kind = "application/vnd.buildkit.historyrecord.v0"
    manifest = json.dumps({"config": {"mediaType": kind, "digest": "sha256:gone"}}).encode()
    with pytest.raises(ParseError, match="/config: the bundle has no blob sha256:gone"):
        read_bundle(index_of([manifest], [manifest]), Limits())


def test_a_record_that_is_named_twice_is_read_once() -> None:
    config = json.dumps(record_fields()).encode()
    kind = "application/vnd.buildkit.historyrecord.v0"
    manifest = json.dumps({"config": {"mediaType": kind, "digest": digest_of(config)}}).encode()
    assert len(read_bundle(index_of([manifest, manifest], [config, manifest]), Limits())) == 1


def test_too_many_records() -> None:
    data = bundle(record_fields(), {STATUS: SIMPLE})
    with pytest.raises(ParseError, match="more than 0 records"):
        read_bundle(data, Limits(max_records=0))
