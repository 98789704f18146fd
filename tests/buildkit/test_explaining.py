"""Why steps ran, from builds made by hand."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buildkit.explaining import Cause, Confidence, Evidence, Removal, explain, read_context
from buildkit.explaining.chains import chains, missing_evidence
from buildkit.explaining.comparing import NO_FILES, NO_OPERATIONS
from buildkit.explaining.files import changed_files, patterns_of
from buildkit.explaining.operations import copied, differences
from buildkit.limits import Limits
from buildkit.model import Build, Step, StepKind, StepState
from tests.builds.making import build, cached, step


def running(*env: str) -> dict[str, Any]:
    """The operation of a command in that environment."""
    return {"exec": {"meta": {"args": ["sh", "-c", "make"], "env": list(env), "cwd": "/"}}}


def named(position: int, text: str, **fields: Any) -> Step:
    """A numbered step of stage ``build`` that ran for a second."""
    name = f"[build {position + 1}/9] {text}"
    values = {"name": name, "instruction": text, "identity": text, "op": running("V=1")}
    return step(position, position, position + 1, **(values | fields))


def reasons(after: Build, before: Build | None) -> dict[int, tuple[Cause, int]]:
    told = explain(Evidence(after), Evidence(before) if before else None)
    return {place: (reason.cause, reason.first) for place, reason in told.reasons.items()}


def test_without_an_earlier_build_everything_is_seen_for_the_first_time():
    after = build(named(0, "RUN a"), named(1, "RUN b"))
    assert reasons(after, None) == {0: (Cause.FIRST, 0), 1: (Cause.FIRST, 1)}


def test_a_chain_is_followed_to_its_first_step():
    before = build(named(0, "RUN a"), named(1, "RUN b"), named(2, "RUN c"))
    after = build(
        cached(0, identity="RUN a"), named(1, "RUN B"), named(2, "RUN c"), named(3, "RUN d")
    )
    told = explain(Evidence(after), Evidence(before))
    assert reasons(after, before) == {
        1: (Cause.INSTRUCTION, 1),
        2: (Cause.PARENT, 1),
        3: (Cause.PARENT, 1),
    }
    assert told.reasons[1].evidence == ("RUN b before, RUN B now",)
    [chain] = chains(after, told)
    assert (chain.step.position, len(chain.cascade), chain.seconds) == (1, 2, 3.0)


def test_an_argument_is_told_from_an_edit():
    before = build(named(0, "RUN a"), build_args={"V": "1"})
    after = build(named(0, "RUN a", op=running("V=2")), build_args={"V": "2"})
    told = explain(Evidence(after), Evidence(before)).reasons[0]
    assert (told.cause, told.evidence) == (Cause.ARGUMENT, ("V: 1 before, 2 now",))
    undeclared = reasons(replace(after, build_args={}), replace(before, build_args={}))
    assert undeclared == {0: (Cause.INSTRUCTION, 0)}


def test_the_value_of_a_secret_argument_is_not_shown():
    old, new = (
        build(named(0, "RUN a", op=running(f"NPM_TOKEN={value}")), build_args={"NPM_TOKEN": value})
        for value in ("abc", "xyz")
    )
    told = explain(Evidence(new), Evidence(old)).reasons[0]
    assert told.evidence == ("NPM_TOKEN has another value",)


def test_an_argument_in_a_copied_path_is_an_argument():
    before = build(named(0, "COPY app-1.2.tar /", identity="a"), build_args={"V": "1.2"})
    after = build(named(0, "COPY app-1.3.tar /", identity="b"), build_args={"V": "1.3"})
    assert reasons(after, before) == {0: (Cause.ARGUMENT, 0)}


def copying(**fields: Any) -> tuple[Step, Step]:
    """A context, and a step that copies ``src`` from it."""
    op = {"file": {"actions": [{"Action": {"copy": {"src": "/src", "dest": "/src"}}}]}}
    context = step(0, 0, 1, kind=StepKind.CONTEXT, identity="context", stage="")
    values = {"kind": StepKind.COPY, "op": op, "inputs": (0,)}
    return context, named(1, "COPY src /src", **(values | fields))


def test_files_are_compared_as_far_as_they_are_copied():
    one = build(*copying())
    files = {"src/a": "1", "other": "1"}
    for changed, cause in ({"src/a": "2"}, Cause.FILES), ({"other": "2"}, Cause.GONE):
        told = explain(Evidence(one, files | changed), Evidence(one, files))
        assert told.reasons[1].cause is cause


def test_which_builder_it_was_is_not_assumed():
    files = {"src/a": "1"}
    for builder, sure in ("", Confidence.LOW), ("a", Confidence.MEDIUM):
        one = Evidence(build(*copying(), builder=builder), files)
        reason = explain(one, one).reasons[1]
        assert (reason.cause, reason.confidence) == (Cause.GONE, sure)
        assert ("same builder" in reason.evidence[0]) == bool(builder)


def test_an_entry_that_went_is_evidence_for_its_own_step_alone():
    one = Evidence(build(*copying(), builder="a"), {"src/a": "1"})
    name = one.build.steps[1].name
    for description, sure in (name, Confidence.HIGH), ("[1/9] COPY x /", Confidence.MEDIUM):
        reason = explain(one, one, (Removal(description, "It went."),)).reasons[1]
        assert (reason.cause, reason.confidence) == (Cause.GONE, sure)
        assert ("It went." in reason.evidence) == (sure is Confidence.HIGH)


def test_missing_evidence_is_named_and_nothing_is_guessed():
    one = build(*copying())
    told = explain(Evidence(one, {"src/a": "1"}), Evidence(one))
    assert (told.reasons[1].cause, told.reasons[1].confidence) == (Cause.UNKNOWN, Confidence.LOW)
    assert missing_evidence(told) == (NO_FILES,)
    bare = build(*copying(op=None))
    assert missing_evidence(explain(Evidence(bare), Evidence(bare))) == (NO_OPERATIONS, NO_FILES)


def test_a_known_reason_for_an_empty_cache_needs_less_evidence():
    one, other = build(*copying(), builder="a"), build(*copying(), builder="b")
    told = explain(Evidence(other), Evidence(one)).reasons[1]
    assert (told.cause, told.confidence) == (Cause.GONE, Confidence.MEDIUM)
    assert told.evidence == ("Built on b; the build before on a.",)


def test_an_import_that_failed_comes_before_what_is_only_likely():
    failed = step(
        2,
        0,
        1,
        kind=StepKind.IMPORT_CACHE,
        state=StepState.FAILED,
        error="not found",
        instruction="importing cache manifest from r/c:1",
        identity="import",
        inputs=(),
    )
    files = {"src/a": "1"}
    after = Evidence(build(*copying(), failed), files)
    told = explain(after, Evidence(build(*copying()), files)).reasons[1]
    assert told.cause is Cause.NOT_IMPORTED
    assert told.evidence == ("r/c:1 was not imported: not found",)


def test_another_digest_of_a_base_is_told_with_both():
    def of(digest: str) -> Build:
        base = cached(
            0,
            kind=StepKind.FROM,
            identity="from",
            instruction=f"FROM r/node:22@sha256:{digest * 64}",
        )
        return build(base, named(1, "RUN a", inputs=(0,)))

    told = explain(Evidence(of("b")), Evidence(of("a"))).reasons[1]
    assert told.cause is Cause.BASE
    assert told.evidence == (f"r/node:22: sha256:{'a' * 64} before, sha256:{'b' * 64} now",)


def test_what_one_base_has_caused_is_one_chain():
    def of(digest: str) -> Build:
        base = step(
            0,
            0,
            1,
            kind=StepKind.FROM,
            identity="from",
            instruction=f"FROM r/node:22@sha256:{digest * 64}",
        )
        return build(
            base,
            named(1, "RUN a", inputs=(0,)),
            named(2, "RUN b", inputs=(1,)),
            named(3, "RUN c", inputs=(0,)),
        )

    after = of("b")
    [chain] = chains(after, explain(Evidence(after), Evidence(of("a"))))
    assert chain.step.kind is StepKind.FROM
    assert [item.position for item in chain.cascade] == [1, 2, 3]
    assert chain.seconds == 4.0


@pytest.mark.parametrize(
    ("pattern", "paths"),
    [
        ("/src", ["src/a.ts", "src/x/b.ts"]),
        ("src/*.ts", ["src/a.ts"]),
        ("/", ["a.json", "b.json", "src/a.ts", "src/x/b.ts"]),
        (".", ["a.json", "b.json", "src/a.ts", "src/x/b.ts"]),
        ("/?.json", ["a.json", "b.json"]),
        ("/[ac].json", ["a.json"]),
        ("a.jso", []),
    ],
)
def test_patterns_match_as_docker_has_them(pattern: str, paths: list[str]):
    files = dict.fromkeys(("a.json", "b.json", "src/a.ts", "src/x/b.ts"), "1")
    assert list(changed_files({}, files, [pattern]).added) == paths


FILES = st.dictionaries(st.sampled_from(["a", "b/c", "b/d", "e.txt"]), st.sampled_from("12"))


@given(FILES, FILES)
def test_changes_are_the_difference_and_its_opposite(before: dict[str, str], after: dict[str, str]):
    there, back = changed_files(before, after, ["/"]), changed_files(after, before, ["/"])
    assert (there.added, there.changed, there.removed) == (back.removed, back.changed, back.added)
    touched = {*there.added, *there.changed, *there.removed}
    assert touched == {path for path in {*before, *after} if before.get(path) != after.get(path)}


@given(st.text(max_size=30))
def test_no_pattern_is_too_strange(pattern: str):
    changed_files({}, {"a": "1"}, [pattern])


def test_sources_are_read_from_the_text_where_nothing_else_tells():
    assert patterns_of("COPY --chown=1:1 --link a.txt src/ /app/") == ["a.txt", "src/"]


def test_a_bind_mount_reads_the_context():
    mounts = [{"dest": "/"}, {"input": 1, "selector": "/src", "dest": "/s"}]
    assert copied({"exec": {"mounts": mounts}}) == ["/src"]
    assert [item.text for item in differences({"exec": {}}, {"exec": {"mounts": mounts}})] == [
        "Its mounts are others."
    ]


def test_a_context_is_read_by_target_and_refused_where_it_is_only_counted():
    files = b'{"api": {"files_total": 1, "files": {"a": {"sha256": "x", "mode": "0644"}}}}'
    assert read_context(files, "api", Limits()) == {"a": "x 0644"}
    assert read_context(files, "", Limits()) == {"a": "x 0644"}, "the only one"
    assert read_context(files.replace(b'total": 1', b'total": 9'), "api", Limits()) is None
    assert read_context(b"[]", "api", Limits()) is None
