"""Step names, states and identities; the names are from real builds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buildkit.model import BuildStatus, StepKind, StepState
from buildkit.status import Vertex
from buildkit.steps import find_build_start, find_states, identify, is_canceled, parse_name, runs_on

SECOND = 1_000_000_000
RUNNING, SUCCEEDED, FAILED = BuildStatus.RUNNING, BuildStatus.SUCCEEDED, BuildStatus.FAILED


@pytest.mark.parametrize(
    ("name", "kind", "stage", "platform", "instruction"),
    [
        ("[2/7] RUN make", StepKind.RUN, "", "", "RUN make"),
        ("[build 1/2] COPY a.txt .", StepKind.COPY, "build", "", "COPY a.txt ."),
        ("[stage-2 2/3] ADD x /", StepKind.ADD, "stage-2", "", "ADD x /"),
        ("[base  3/18] WORKDIR /src", StepKind.WORKDIR, "base", "", "WORKDIR /src"),
        ("CACHED [a 1/2] RUN x", StepKind.RUN, "a", "", "RUN x"),
        ("[linux/arm64 a 1/2] RUN x", StepKind.RUN, "a", "linux/arm64", "RUN x"),
        ("[linux/arm/v7 1/2] RUN x", StepKind.RUN, "", "linux/arm/v7", "RUN x"),
        ("[linux/amd64->arm64 a 1/2] RUN x", StepKind.RUN, "a", "linux/arm64", "RUN x"),
        ("[linux/amd64->darwin/arm64 a 1/2] RUN x", StepKind.RUN, "a", "darwin/arm64", "RUN x"),
        ("[a 1/1] FROM busybox:1", StepKind.FROM, "a", "", "FROM busybox:1"),
        ("FROM docker.io/x/y:1", StepKind.FROM, "", "", "FROM docker.io/x/y:1"),
        ("[b 2/2] RUN <<EOF (echo one...)", StepKind.RUN, "b", "", "RUN <<EOF (echo one...)"),
        ("[b 2/2] RUN a   &&\n  b", StepKind.RUN, "b", "", "RUN a && b"),
        ("docker-image://docker.io/d/f:1", StepKind.FROM, "", "", "docker-image://docker.io/d/f:1"),
        ("https://x.org/f.tgz", StepKind.HTTP, "", "", "https://x.org/f.tgz"),
        ("[internal] load build context", StepKind.CONTEXT, "", "", "load build context"),
        ("[context src] load from client", StepKind.CONTEXT, "", "", "load from client"),
        ("[context src] OCI load from client", StepKind.CONTEXT, "", "", None),
        ("[context src] r:5000/x:1", StepKind.FROM, "", "", "r:5000/x:1"),
        ("[context src] load .dockerignore", StepKind.INTERNAL, "", "", "load .dockerignore"),
        ("[internal] load .dockerignore", StepKind.INTERNAL, "", "", "load .dockerignore"),
        (
            "[linux/arm64 internal] load metadata for x:1",
            StepKind.RESOLVE,
            "",
            "linux/arm64",
            "load metadata for x:1",
        ),
        ("resolve image config for x:1", StepKind.RESOLVE, "", "", "resolve image config for x:1"),
        ("[auth] x:pull token", StepKind.INTERNAL, "", "", "auth x:pull token"),
        ("importing cache manifest from r", StepKind.IMPORT_CACHE, "", "", None),
        ("exporting cache to registry", StepKind.EXPORT_CACHE, "", "", None),
        ("exporting to oci image format", StepKind.EXPORT_IMAGE, "", "", None),
        ("[one] resolving provenance for metadata file", StepKind.ATTESTATION, "", "", None),
        ("", StepKind.INTERNAL, "", "", ""),
        ("[", StepKind.INTERNAL, "", "", "["),
        ("[]", StepKind.INTERNAL, "", "", ""),
    ],
)
def test_names(
    name: str, kind: StepKind, stage: str, platform: str, instruction: str | None
) -> None:
    parsed = parse_name(name)
    assert (parsed.kind, parsed.stage, parsed.platform) == (kind, stage, platform)
    if instruction is not None:
        assert parsed.instruction == instruction


@pytest.mark.parametrize(
    ("name", "group", "number"),
    [
        ("[two base 3/4] COPY a .", "two", 3),
        ("[two linux/amd64 base 3/4] COPY a .", "two", 3),
        ("[base 3/4] COPY a .", "", 3),
        ("[two internal] load .dockerignore", "two", 0),
        ("[internal] load .dockerignore", "", 0),
        ("[one] exporting to image", "one", 0),
        ("[context base] load from client", "", 0),
    ],
)
def test_the_word_that_bake_puts_before(name: str, group: str, number: int) -> None:
    parsed = parse_name(name)
    assert (parsed.group, parsed.number) == (group, number)


@given(st.text())
def test_any_name_is_parsed(name: str) -> None:
    parsed = parse_name(name)
    assert "\n" not in parsed.instruction


def vertex(name: str = "", **values: object) -> Vertex:
    made = Vertex(name, name)
    for key, value in values.items():
        setattr(made, key, value)
    return made


def ran(name: str, start: int, end: int) -> Vertex:
    return vertex(name, starts={start: end}, completed_ns=end)


def test_states_of_single_vertices() -> None:
    vertices = [
        ran("executed", 5, 6),
        vertex("cached", cached=True, starts={5: 5}, completed_ns=5),
        vertex("failed", error="exit code: 3", starts={5: 6}, completed_ns=6),
        vertex("given up", error="context canceled", starts={5: 6}, completed_ns=6),
        ran("joined", 2, 6),
        vertex("only its end came", completed_ns=6),
    ]
    assert find_states(vertices, SUCCEEDED, 4) == [
        StepState.EXECUTED,
        StepState.CACHED,
        StepState.FAILED,
        StepState.CANCELED,
        StepState.SHARED,
        StepState.EXECUTED,
    ]


@pytest.mark.parametrize(
    ("status", "silent", "begun"),
    [
        (RUNNING, StepState.PENDING, StepState.RUNNING),
        (FAILED, StepState.CANCELED, StepState.CANCELED),
        (SUCCEEDED, StepState.SHARED, StepState.CANCELED),
    ],
)
def test_states_without_an_end(status: BuildStatus, silent: StepState, begun: StepState) -> None:
    vertices = [vertex("silent"), vertex("begun", starts={5: None})]
    assert find_states(vertices, status, None) == [silent, begun]


def test_both_of_a_merged_pair_are_shared() -> None:
    vertices = [vertex("RUN x"), ran("RUN x", 5, 9), ran("RUN y", 5, 9)]
    expected = [StepState.SHARED, StepState.SHARED, StepState.EXECUTED]
    assert find_states(vertices, SUCCEEDED, 4) == expected


def test_a_restarted_vertex_is_open() -> None:
    again = vertex("x", starts={1: 2, 5: None}, completed_ns=2)
    assert find_states([again], RUNNING, None) == [StepState.RUNNING]


def test_a_build_begins_at_its_first_transfer_or_as_recorded() -> None:
    vertices = [ran("RUN x", 1, 2), ran("[internal] load build definition from D", 5, 6)]
    assert find_build_start(vertices, None) == 5
    assert find_build_start(vertices, 4) == 4
    assert find_build_start(vertices, 7) == 5
    assert find_build_start(vertices[:1], None) is None


def test_identity_ignores_image_digests_and_counts_equals() -> None:
    names = [
        parse_name(f"[a 1/3] FROM x:1@sha256:{'0' * 64}"),
        parse_name("[a 2/3] RUN same"),
        parse_name("[a 3/3] RUN same"),
    ]
    later = [parse_name(f"[a 1/3] FROM x:1@sha256:{'f' * 64}"), names[2], names[1]]
    first = identify(names, ["linux/amd64"] * 3)
    second = identify(later, ["linux/amd64"] * 3)
    assert [item.ordinal for item in first] == [0, 0, 1]
    assert first[0] == second[0]
    # The step's number decides, not the order in which steps came.
    assert first[1:] == [second[2], second[1]]
    assert len({item.key for item in first}) == 3


def test_identity_differs_by_platform() -> None:
    name = parse_name("[a 1/1] RUN x")
    keys = {identify([name], [platform])[0].key for platform in ("", "linux/amd64", "linux/arm64")}
    assert len(keys) == 3


@pytest.mark.parametrize("text", ["context canceled", "Canceled: context canceled", "Cancelled"])
def test_canceled_messages(text: str) -> None:
    assert is_canceled(text)
    assert not is_canceled("exit code: 1")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("[linux/amd64->arm64 build 2/3] RUN go build", "linux/amd64"),
        ("CACHED [bake linux/amd64->linux/arm/v7 build 2/3] RUN go build", "linux/amd64"),
        ("[linux/arm64 build 2/3] RUN echo a->b", "linux/arm64"),
        ("[build 2/3] RUN go build", "linux/arm64"),
        ("[a->b 2/3] RUN go build", "linux/arm64"),
        ("exporting to image", "linux/arm64"),
    ],
)
def test_a_cross_compiling_step_runs_on_the_platform_it_stands_on(name: str, expected: str):
    assert runs_on(name, "linux/arm64") == expected
