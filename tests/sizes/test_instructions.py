"""One name for an instruction, and one part of an image for each."""

import pytest

from buildkit.instructions import kind_of, normalised
from builds.layerview import LayerRow, rows_of
from builds.models import Layer, Step
from sizes.instructions import Part, named_as_before, parts_of

DIGEST = "sha256:" + "a1" * 32


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("RUN /bin/sh -c npm ci # buildkit", "RUN npm ci"),
        ("RUN |2 NODE_ENV=production V=1 /bin/sh -c npm ci # buildkit", "RUN npm ci"),
        ("[build 3/7] RUN npm  ci", "RUN npm ci"),
        ("[linux/arm64 build 4/8] RUN npm ci", "RUN npm ci"),
        ("/bin/sh -c apt-get update", "RUN apt-get update"),
        ('/bin/sh -c #(nop)  CMD ["node"]', 'CMD ["node"]'),
        (f"/bin/sh -c #(nop) ADD file:{'0a' * 32} in / ", "ADD file:… in /"),
        (f"[deps 1/4] FROM localhost:5000/shop/node:22@{DIGEST}", "FROM localhost:5000/shop/node"),
        ("FROM --platform=linux/amd64 node:22-slim", "FROM node"),
        ("FROM localhost:5000/node", "FROM localhost:5000/node"),
        ("COPY . . # buildkit", "COPY . ."),
        ("", ""),
    ],
)
def test_the_name_is_the_same_however_it_is_written(text: str, key: str):
    assert normalised(text) == key


def test_the_keyword_tells_the_kind():
    assert kind_of("RUN npm ci") == "RUN"
    assert kind_of("layer 3") == ""


def test_the_base_is_one_part_and_equal_instructions_are_one():
    rows = [
        LayerRow("ADD rootfs.tar /", "", 70, base="[a 1/2] FROM node:22"),
        LayerRow("CMD", "", 30, base="[a 1/2] FROM node:22"),
        LayerRow("COPY . .", "", 5),
        LayerRow("ENV A=1", "", 0, empty=True),
        LayerRow("COPY . . # buildkit", "", 2),
        LayerRow("", "", 4),
    ]
    assert parts_of(rows) == [
        Part("FROM node", "FROM node:22", 0, 100),
        Part("COPY . .", "COPY . .", 1, 7),
        Part("layer 3", "layer 3", 3, 4),
    ]


def test_an_image_with_an_unknown_size_has_no_parts():
    assert parts_of([LayerRow("RUN a", "", None), LayerRow("RUN b", "", 5)]) is None
    assert parts_of([]) is None


def layer(digest: str, size: int, created_by: str = "") -> Layer:
    return Layer(digest=digest, size_bytes=size, created_by=created_by)


def step(position: int, name: str, **fields: object) -> Step:
    kind = "from" if "FROM" in name or name.startswith("[context") else "copy"
    values = {"stage": "runtime", "inputs": [], "layer_digest": "", "kind": kind}
    return Step(position=position, name=name, **(values | fields))  # type: ignore[arg-type]


def test_a_base_that_was_not_unpacked_is_told_by_the_step_that_begins_its_stage():
    steps = [
        step(0, "[runtime 1/2] FROM nginx:stable"),
        step(1, "[context files] files", stage=""),
        step(2, "[runtime 2/2] COPY . .", inputs=[1, 0], layer_digest="c"),
    ]
    rows = rows_of([layer("a", 60), layer("b", 40), layer("c", 5)], steps)
    assert [(row.instruction, row.size_bytes, row.layers, row.base) for row in rows] == [
        ("[runtime 1/2] FROM nginx:stable", 100, 2, "[runtime 1/2] FROM nginx:stable"),
        ("[runtime 2/2] COPY . .", 5, 1, ""),
    ]


def test_layers_below_a_later_step_are_not_guessed():
    steps = [
        step(0, "[runtime 1/3] FROM nginx:stable"),
        step(1, "[runtime 2/3] COPY a .", inputs=[0]),
        step(2, "[runtime 3/3] COPY b .", inputs=[1], layer_digest="c"),
    ]
    rows = rows_of([layer("a", 60), layer("b", 40), layer("c", 5)], steps)
    assert [(row.instruction, row.base) for row in rows] == [
        ("", ""),
        ("", ""),
        ("[runtime 3/3] COPY b .", ""),
    ]


def test_credentials_in_a_history_are_masked():
    rows = rows_of([layer("a", 5, "RUN curl https://me:hunter2@example.com/x")], [])
    assert "hunter2" not in rows[0].instruction


def test_a_layer_without_an_instruction_is_named_as_the_same_layer_before():
    bare = [Part("layer 1", "layer 1", 1, 5, "d1"), Part("layer 2", "layer 2", 2, 6, "d2")]
    known = {"d1": ("COPY a .", "COPY a ."), "other": ("COPY b .", "COPY b .")}
    assert [part.key for part in named_as_before(bare, known)] == ["COPY a .", "layer 2"]
    twice = [*bare, Part("COPY a .", "COPY a .", 3, 5, "d1")]
    assert [part.key for part in named_as_before(twice, known)] == [
        "layer 1",
        "layer 2",
        "COPY a .",
    ]
