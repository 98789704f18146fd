"""Provenance in its versions and wrappings; the documents here have the same content."""

import base64
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from buildkit.assemble import assemble
from buildkit.draft import new_draft
from buildkit.errors import ParseError
from buildkit.limits import Limits
from buildkit.model import Layer, Material, SourceFile, StepKind
from buildkit.provenance import Provenance, read_provenance
from tests.buildkit.making import BEGIN, SECOND, iso

MATERIALS = [
    {"uri": "pkg:docker/busybox@1", "digest": {"sha256": "aa"}},
    {"uri": "git+https://x/y", "digest": {"sha1": "bb"}},
    {"uri": "other", "digest": {"md5": "cc"}},
    {"uri": "bare"},
]
REQUEST = {"frontend": "dockerfile.v0", "args": {"target": "app", "bad": 5}}
LLB = [
    {
        "id": "step0",
        "op": {
            "Op": {"source": {"identifier": "docker-image://busybox"}},
            "platform": {"OS": "linux", "Architecture": "arm", "Variant": "v7"},
        },
    },
    {
        "id": "step1",
        "op": {"Op": {"exec": {}}},
        "inputs": ["step0:0"],
        "resourceUsage": {
            "samples": [
                {"cpuStat": {"usageNanos": 1}, "memoryStat": {"peak": 900}},
                {
                    "cpuStat": {"usageNanos": 1_500_000_000},
                    "memoryStat": {"peak": 700},
                    "ioStat": {"readBytes": 10, "writeBytes": 20},
                    "netStat": {"rxBytes": 30, "txBytes": 40},
                },
            ]
        },
    },
    {"id": "step2", "op": {"Op": {"file": {}}}, "inputs": ["step1:0", "step9:0"]},
    {"id": "step3", "op": {"Op": None}, "inputs": ["step2:0"]},
]
CONFIG = {"llbDefinition": LLB, "digestMapping": {f"sha256:{n}": f"step{n}" for n in range(4)}}
BASE, MADE, UNKNOWN = (
    {"digest": digest, "size": size, "mediaType": "tar"}
    for digest, size in (("sha256:b", 100), ("sha256:m", 7), ("sha256:u", -1))
)
DETAILS = {
    "vcs": {"source": "https://x/y.git", "revision": "abc"},
    "source": {
        "infos": [
            {"filename": "Dockerfile", "data": base64.b64encode(b"FROM x\n").decode()},
            {"filename": "other.Dockerfile", "language": "Other"},
        ],
        "locations": {
            "step0": {
                "locations": [
                    {"ranges": [{"start": {"line": 9}, "end": {"line": 9}}]},
                    {"ranges": [{"start": {"line": 4}, "end": {"line": 4}}]},
                ]
            },
            "step1": {"locations": [{"sourceIndex": 1, "ranges": [{"start": {"line": 7}}]}]},
            "step2": {},
        },
    },
    "layers": {
        "step0:0": [[BASE]],
        "step1:0": [[BASE, MADE], [BASE]],
        "step2:0": [[BASE, MADE, UNKNOWN]],
    },
}


def v02() -> dict[str, Any]:
    return {
        "buildType": "https://mobyproject.org/buildkit@v1",
        "materials": MATERIALS,
        "invocation": {"parameters": REQUEST, "environment": {"platform": "linux/arm/v7"}},
        "buildConfig": CONFIG,
        "metadata": {
            "buildStartedOn": iso(1),
            "buildFinishedOn": iso(9),
            "https://mobyproject.org/buildkit@v1#metadata": DETAILS,
        },
    }


def v1(*, early: bool) -> dict[str, Any]:
    """SLSA v1 as BuildKit writes it, and as its first releases with v1 did."""
    external: dict[str, Any] = {"request": REQUEST}
    internal: dict[str, Any] = {"buildConfig": CONFIG, "builderPlatform": "linux/arm/v7"}
    key = "buildkit_metadata"
    if early:
        external = {"parameters": REQUEST, "buildConfig": CONFIG}
        internal = {"environment": {"platform": "linux/arm/v7"}}
        key = "https://mobyproject.org/buildkit@v1#metadata"
    definition = {
        "externalParameters": external,
        "internalParameters": internal,
        "resolvedDependencies": MATERIALS,
    }
    metadata = {"startedOn": iso(1), "finishedOn": iso(9), key: DETAILS}
    return {"buildDefinition": definition, "runDetails": {"metadata": metadata}}


def statement() -> dict[str, Any]:
    return {"_type": "https://in-toto.io/Statement/v0.1", "predicate": v02()}


def envelope() -> dict[str, Any]:
    payload = base64.b64encode(json.dumps(statement()).encode()).decode()
    return {"payloadType": "application/vnd.in-toto+json", "payload": payload, "signatures": []}


def read(document: object) -> Provenance:
    return read_provenance(json.dumps(document).encode(), "p", Limits())


@pytest.mark.parametrize(
    "document",
    [v1(early=False), v1(early=True), statement(), envelope(), {"SLSA": v02()}],
    ids=["v1", "early-v1", "statement", "envelope", "imagetools"],
)
def test_versions_and_wrappings_say_the_same(document: dict[str, Any]) -> None:
    assert read(document) == read(v02())


def test_facts_of_the_build() -> None:
    found = read(v02())
    assert (found.frontend, found.args) == ("dockerfile.v0", {"target": "app"})
    assert (found.platform, found.revision) == ("linux/arm/v7", "abc")
    assert found.repository_url == "https://x/y.git"
    assert (found.started_ns, found.completed_ns) == (
        (BEGIN + 1) * SECOND,
        (BEGIN + 9) * SECOND,
    )
    assert found.materials == (
        Material("pkg:docker/busybox@1", "sha256:aa"),
        Material("git+https://x/y", "sha1:bb"),
        Material("other", "md5:cc"),
        Material("bare", ""),
    )
    assert found.sources == (
        SourceFile("Dockerfile", "FROM x\n"),
        SourceFile("other.Dockerfile", "", "Other"),
    )


def test_facts_of_steps() -> None:
    steps = read(v02()).steps
    base, command, copy = (steps[f"sha256:{number}"] for number in range(3))
    assert (base.kind, base.platform) == (StepKind.FROM, "linux/arm/v7")
    # Two stages start from it: the upper line counts.
    assert (base.filename, base.line) == ("Dockerfile", 4)
    assert (command.kind, command.filename, command.line) == (StepKind.RUN, "other.Dockerfile", 7)
    assert (copy.kind, copy.line) == (StepKind.COPY, None)


def test_layers_are_those_that_the_step_added() -> None:
    found = read(v02())
    own = [found.steps[f"sha256:{number}"].layers for number in range(4)]
    made, unknown = Layer("sha256:m", 7, "tar"), Layer("sha256:u", None, "tar")
    assert own == [(Layer("sha256:b", 100, "tar"),), (made,), (unknown,), ()]
    assert found.layers == (Layer("sha256:b", 100, "tar"), made, unknown)


def test_a_hidden_input_leaves_only_the_last_layer_certain() -> None:
    document = v02()
    layers = {"step1:0": [[BASE, MADE]]}
    details = {**DETAILS, "layers": layers}
    document["metadata"]["https://mobyproject.org/buildkit@v1#metadata"] = details
    assert read(document).steps["sha256:1"].layers == (Layer("sha256:m", 7, "tar"),)


def test_usage_of_a_step() -> None:
    usage = read(v02()).steps["sha256:1"].usage
    assert usage is not None
    assert (usage.cpu_seconds, usage.memory_peak_bytes) == (1.5, 900)
    assert (usage.disk_read_bytes, usage.disk_write_bytes) == (10, 20)
    assert (usage.network_rx_bytes, usage.network_tx_bytes) == (30, 40)
    assert read(v02()).steps["sha256:0"].usage is None


@pytest.mark.parametrize("document", [{}, {"predicate": {}}, {"payload": "%", "payloadType": ""}])
def test_documents_that_are_no_provenance(document: dict[str, Any]) -> None:
    with pytest.raises(ParseError):
        read(document)


def test_a_predicate_without_any_detail() -> None:
    found = read({"buildType": "x", "materials": None, "invocation": [], "metadata": 5})
    assert (found.steps, found.materials, found.platform) == ({}, (), "")


@pytest.mark.parametrize(
    ("name", "started", "materials", "frontend"),
    [
        ("intoto-v0.2-5df72ae6*.json", 1_686_148_847_483_931_883, 3, "dockerfile.v0"),
        ("intoto-v0.2-8d63b5e4*.json", 1_740_520_626_800_879_795, 3, "dockerfile.v0"),
        ("intoto-v0.2-c90ea216*.json", 1_677_544_785_681_052_515, 3, "dockerfile.v0"),
        ("intoto-v0.2-gcloud*.json", 1_660_603_398_700_638_187, 1, ""),
        ("intoto-v0.2-oci-kubectl*.json", None, 1, ""),
    ],
)
def test_real_statements(name: str, started: int | None, materials: int, frontend: str) -> None:
    paths = list((Path(__file__).resolve().parents[2] / "../shared/fixtures/slsa").glob(name))
    if not paths:
        pytest.skip(f"fixture {name} is not beside the checkout")
    found = read_provenance(paths[0].read_bytes(), "p", Limits())
    assert (found.started_ns, len(found.materials), found.frontend) == (
        started,
        materials,
        frontend,
    )


@pytest.mark.parametrize(
    ("attested", "expected"),
    [
        ((), ""),
        (("linux/arm64", "linux/arm64"), "linux/arm64"),
        (("", "linux/amd64"), "linux/amd64"),
        (("linux/amd64", "linux/arm64"), ""),
    ],
)
def test_the_builders_platform_is_what_all_attestations_agree_on(
    attested: tuple[str, ...], expected: str
) -> None:
    draft = new_draft("record", Limits())
    draft.provenances = [
        (f"linux/{number}", replace(read(v02()), platform=platform))
        for number, platform in enumerate(attested)
    ]
    assert assemble(draft).builder_platform == expected
