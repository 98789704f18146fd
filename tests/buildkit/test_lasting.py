"""What differs for good on the two sides of a change, from builds made by hand."""

from collections.abc import Sequence
from dataclasses import replace

from buildkit.explaining import Cause, Evidence, Lasting, above, lasting
from buildkit.model import Step, StepKind
from tests.builds.making import build, step

CONTEXT = step(0, 0, 0, kind=StepKind.CONTEXT, name="[internal] load build context")


def steps(copy: str = "COPY lock ./", base: str = "sha256:1") -> list[Step]:
    """A context, a base, a copy of the lock file, an install, a copy of the rest, a compile."""

    def ran(position: int, text: str, *inputs: int, kind: StepKind = StepKind.RUN) -> Step:
        name = f"[build {position}/5] {text}"
        values = {"name": name, "instruction": text, "identity": text, "stage": "build"}
        return step(position, position, position + 1, kind=kind, inputs=inputs, **values)

    source = replace(ran(1, f"FROM debian@{base}", kind=StepKind.FROM), identity="FROM debian")
    return [
        CONTEXT,
        source,
        ran(2, copy, 1, 0, kind=StepKind.COPY),
        ran(3, "RUN install", 2),
        ran(4, "COPY . .", 3, 0, kind=StepKind.COPY),
        ran(5, "RUN compile", 4),
    ]


def made(number: int, lock: str = "1", made_of: Sequence[Step] = ()) -> Evidence:
    """A build whose sources are others than those of any other build."""
    files = {"lock": lock, "main.c": str(number), "README": "same"}
    return Evidence(build(*(made_of or steps())), files)


CALM = [made(number) for number in range(5)]


def test_sources_that_change_with_every_build_are_no_difference():
    assert lasting(CALM, [made(number) for number in range(5, 10)]) == []


def test_a_lock_file_is_named_with_all_that_read_it():
    found = lasting(CALM, [made(number, lock="2") for number in range(5, 10)])
    words = ("Changed: lock",)
    assert found == [Lasting(Cause.FILES, words, ("COPY lock ./", "COPY . ."), since=0)]


def test_the_build_it_came_with_is_found_although_the_level_began_elsewhere():
    late = [made(5), *(made(number, lock="2") for number in range(6, 10))]
    assert [item.since for item in lasting(CALM, late)] == [1]
    early = [*CALM[:4], made(4, lock="2")]
    after = [made(number, lock="2") for number in range(5, 10)]
    assert [item.since for item in lasting(early, after)] == [-1]


def test_a_base_and_an_instruction_are_told():
    drifted = [made(number, made_of=steps(base="sha256:2")) for number in range(5, 10)]
    [base] = lasting(CALM, drifted)
    assert base.cause is Cause.BASE
    assert base.evidence == ("debian: sha256:1 before, sha256:2 now",)
    assert base.steps == ("FROM debian", "COPY lock ./")
    edited = [made(number, made_of=steps(copy="COPY . /app")) for number in range(5, 10)]
    [edit] = lasting(CALM, edited)
    assert (edit.cause, edit.steps) == (Cause.INSTRUCTION, ("COPY . /app",))
    assert edit.evidence == ("COPY lock ./ before, COPY . /app now",)


def test_a_base_that_drifts_with_every_build_is_no_difference():
    drifting = [made(number, made_of=steps(base=f"sha256:{number}")) for number in range(10)]
    assert lasting(drifting[:5], drifting[5:]) == []


def test_what_came_once_and_went_is_no_difference():
    once = [made(5, lock="2"), *(made(number) for number in range(6, 10))]
    assert lasting(CALM, once) == []


def test_too_few_builds_tell_nothing():
    assert lasting(CALM[:1], CALM) == []


def test_what_a_step_builds_on():
    made_of = build(*steps())
    assert above(made_of, "RUN install") == {
        "RUN install",
        "COPY lock ./",
        "FROM debian",
        CONTEXT.identity,
    }
    assert above(made_of, "RUN other") == frozenset()
