"""Which images a Dockerfile's target stands on, and their digests by provenance."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buildkit.dockerfile import read_dockerfile
from buildkit.model import Material
from buildkit.registry import Reference
from supplychain.bases.materials import images_of, standing
from supplychain.bases.names import Tag, describe
from supplychain.bases.stages import Inputs, Role, bases_of
from supplychain.bases.tags import newer_tags, other_variants

ROOT = Path(__file__).resolve().parents[2]
DIGEST = f"sha256:{'a' * 64}"
OTHER = f"sha256:{'b' * 64}"


def found(text: str, **told: object) -> list[tuple[str, str, str]]:
    """Role, stage and reference of each base."""
    bases = bases_of(read_dockerfile(text), Inputs(**told))  # type: ignore[arg-type]
    return [(base.role.value, base.stage, str(base.reference)) for base in bases]


def test_the_final_stage_is_followed_through_its_parents():
    text = (
        "FROM alpine:3 AS one\nFROM one AS two\nFROM debian:12 AS tool\n"
        "FROM two\nCOPY --from=tool /a /a\n"
    )
    assert found(text) == [
        ("final", "one", "docker.io/library/alpine:3"),
        ("build", "tool", "docker.io/library/debian:12"),
    ]


def test_only_what_the_target_needs_counts():
    text = "FROM alpine:3 AS one\nFROM debian:12 AS two\nFROM busybox AS three\n"
    assert found(text, target="TWO") == [("final", "two", "docker.io/library/debian:12")]
    assert found(text, target="0") == [("final", "one", "docker.io/library/alpine:3")]
    assert found(text, target="four") == []


def test_arguments_have_defaults_that_follow_one_another_and_are_given():
    text = "ARG A=node:22\nARG B=${A}\nFROM ${A} AS build\nFROM $B\nCOPY --from=build /a /a\n"
    assert found(text) == [
        ("final", "stage-1", "docker.io/library/node:22"),
        ("build", "build", "docker.io/library/node:22"),
    ]
    assert found(text, arguments={"B": "alpine:3"})[0] == (
        "final",
        "stage-1",
        "docker.io/library/alpine:3",
    )


def test_names_of_stages_may_be_put_together_of_arguments():
    text = (
        "ARG KIND=cpu\nFROM alpine:3 AS base-cpu\nFROM nvidia/cuda:12 AS base-gpu\n"
        "FROM base-${KIND}\n"
    )
    assert found(text) == [("final", "base-cpu", "docker.io/library/alpine:3")]
    assert found(text, arguments={"KIND": "gpu"}) == [
        ("final", "base-gpu", "docker.io/nvidia/cuda:12")
    ]


def test_a_variable_without_a_value_or_of_another_form_is_not_guessed():
    assert found("ARG A\nFROM $A\n") == [("final", "stage-0", "None")]
    assert found("ARG A=x-y\nFROM ${A%-y}\n") == [("final", "stage-0", "None")]
    assert found("ARG A\nFROM ${A:-alpine:3}\n") == [
        ("final", "stage-0", "docker.io/library/alpine:3")
    ]


def test_scratch_and_contexts_that_are_no_images_are_no_bases():
    text = "FROM scratch AS files\nFROM alpine:3\nCOPY --from=files / /\nCOPY --from=more / /\n"
    assert found(text, contexts={"files": "docker-image://shop/files:1", "more": "./more"}) == [
        ("final", "stage-1", "docker.io/library/alpine:3"),
        ("build", "files", "docker.io/shop/files:1"),
    ]
    assert found("FROM scratch\n") == []


def test_images_that_files_are_copied_or_mounted_from_are_bases_of_the_build():
    text = (
        "FROM alpine:3\nCOPY --from=busybox:1 /a /a\n"
        "RUN --mount=type=bind,from=ghcr.io/astral-sh/uv:0.5,target=/uv true\n"
    )
    assert found(text) == [
        ("final", "stage-0", "docker.io/library/alpine:3"),
        ("build", "stage-0", "docker.io/library/busybox:1"),
        ("build", "stage-0", "ghcr.io/astral-sh/uv:0.5"),
    ]


@pytest.mark.parametrize(
    ("path", "told", "expected"),
    [
        (
            "demo/services/web/Dockerfile",
            {"target": "runtime"},
            ["final nginx:stable", "build node:22-bookworm-slim"],
        ),
        ("demo/services/ai/Dockerfile", {}, ["final python:3.11-slim-bookworm"] * 1),
        ("services/shared/Dockerfile", {}, []),
        (
            "buildkit/blueprints/python-ai/Dockerfile",
            {"target": "prod", "arguments": {"ACCELERATOR": "cuda"}},
            ["final nvidia/cuda:12.8.1-runtime-ubuntu24.04"],
        ),
        (
            "buildkit/blueprints/node-api/Dockerfile",
            {"target": "prod"},
            ["final node:22-bookworm-slim", "build node:22-bookworm-slim"],
        ),
    ],
)
def test_dockerfiles_of_this_repository(path: str, told: dict[str, object], expected: list[str]):
    bases = found((ROOT / path).read_text(), **told)
    short = [
        f"{role} {name.removeprefix('docker.io/').removeprefix('library/')}"
        for role, _, name in bases
    ]
    assert list(dict.fromkeys(short))[: len(expected)] == expected


def test_provenance_gives_the_digests_by_name_and_platform():
    text = (
        "FROM --platform=$BUILDPLATFORM alpine:3 AS build\nFROM alpine:3\nCOPY --from=build /a /a\n"
    )
    told = Inputs(platform="linux/arm64", builder_platform="linux/amd64")
    bases = bases_of(read_dockerfile(text), told)
    images = images_of(
        [
            Material("pkg:docker/alpine@3?platform=linux%2Famd64", DIGEST),
            Material("pkg:docker/alpine@3?platform=linux%2Farm64", OTHER),
            Material("pkg:docker/docker/dockerfile@1", DIGEST),
            Material("https://git.example.com/shop.git", "sha1:1"),
        ]
    )
    stood = [(one.role, one.platform, one.digest) for one in standing(bases, images)]
    assert stood == [(Role.FINAL, "linux/arm64", OTHER), (Role.BUILD, "linux/amd64", DIGEST)]


def test_what_is_pinned_keeps_its_digest_and_tells_nothing_of_its_tag():
    bases = bases_of(read_dockerfile(f"FROM alpine:3@{DIGEST}\n"), Inputs())
    uri = f"pkg:docker/alpine@3?digest={DIGEST}&platform=linux%2Famd64"
    [image] = images_of([Material(uri, DIGEST)])
    [one] = standing(bases, [image])
    assert (one.is_pinned, one.digest, one.platform) == (True, DIGEST, "linux/amd64")
    assert image.was_pinned


def test_without_a_dockerfile_no_image_has_a_role():
    images = images_of([Material("pkg:docker/localhost:5000/shop/node@22", DIGEST)])
    [one] = standing((), images)
    assert (one.role, str(one.reference)) == (None, "localhost:5000/shop/node:22")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("node:22-bookworm-slim", ("debian", "node", "bookworm-slim", True)),
        ("localhost:5000/shop/node:22-alpine3.20", ("alpine", "node", "alpine3.20", False)),
        ("gcr.io/distroless/nodejs22-debian12:nonroot", ("distroless", "node", "nonroot", True)),
        ("nvidia/cuda:12.8.1-runtime-ubuntu24.04", ("ubuntu", "", "runtime-ubuntu24.04", False)),
        ("cgr.dev/chainguard/python:latest", ("wolfi", "python", "latest", False)),
        ("nginx:stable", ("", "nginx", "stable", True)),
        ("debian:bookworm-slim", ("debian", "", "bookworm-slim", True)),
    ],
)
def test_what_names_tell(name: str, expected: tuple[object, ...]):
    said = describe(Reference.parse(name))
    assert (said.family, said.runtime, said.variant, said.is_official) == expected


def test_tags_are_newer_only_if_they_differ_by_nothing_else():
    tags = ["24-slim", "22.1-slim", "23-slim", "24", "20-slim", "latest", "22-alpine", "22"]
    assert newer_tags("22-slim", tags) == ["24-slim", "23-slim"]
    assert newer_tags("latest", tags) == []
    assert other_variants("22-slim", tags) == ["22", "22-alpine"]


@given(st.text(max_size=40))
def test_any_tag_can_be_taken_apart(text: str):
    tag = Tag.parse(text)
    assert not (tag.version and tag.channel)


@given(st.text(alphabet="AB$ {}:-+=\nFROM argcopy", max_size=60))
def test_any_name_of_a_base_is_expanded_or_unknown(text: str):
    name = "".join(text.split()) or "x"
    dockerfile = read_dockerfile(
        f"ARG A=1\nARG B=$A\nFROM {name.replace('--', '-').lstrip('-') or 'x'}\n"
    )
    for base in bases_of(dockerfile, Inputs()):
        assert base.reference is None or "$" not in str(base.reference)
