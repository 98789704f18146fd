"""Drift of tags, changes of Dockerfiles, and what they are expected to bring."""

from datetime import UTC, datetime, timedelta

import pytest

from buildkit.dockerfile import read_dockerfile
from buildkit.registry import Reference
from supplychain.bases.candidates import candidates_for, variants_in
from supplychain.bases.drifting import Sighting, drift_of, history_of, newest_of
from supplychain.bases.editing import with_base
from supplychain.bases.judging import Found, Subject, Word, judge
from supplychain.bases.proposing import Expected, Kind, Known, Measured, in_order, proposals
from supplychain.bases.stages import Inputs, bases_of
from supplychain.reports.model import Severity

START = datetime(2026, 6, 1, tzinfo=UTC)
DIGEST = f"sha256:{'a' * 64}"
OTHER = f"sha256:{'b' * 64}"
THIRD = f"sha256:{'c' * 64}"
NEW = Reference.parse(f"node:24-slim@{DIGEST}")


def seen(digest: str, first: int, last: int, *, is_look: bool = False) -> Sighting:
    day = timedelta(days=1)
    return Sighting(digest, START + first * day, START + last * day, is_look)


def test_a_digest_is_behind_all_that_were_first_seen_after_it():
    sightings = [seen(DIGEST, 0, 9), seen(OTHER, 5, 6), seen(THIRD, 8, 8)]
    drift = drift_of(DIGEST, sightings)
    assert (drift.newest, drift.behind, drift.since) == (THIRD, 2, START + timedelta(days=5))
    assert drift_of(THIRD, sightings).behind == 0
    assert drift_of("sha256:x", sightings).behind == 0
    assert newest_of([]) == ""


def test_a_look_at_the_registry_says_which_digest_a_tag_went_back_to():
    sightings = [seen(DIGEST, 0, 1), seen(OTHER, 2, 3), seen(DIGEST, 4, 4, is_look=True)]
    assert newest_of(sightings) == DIGEST
    assert [one.digest for one in history_of(sightings)] == [OTHER, DIGEST]
    assert drift_of(OTHER, sightings).behind == 1
    assert newest_of([*sightings, seen(THIRD, 5, 5)]) == THIRD


def changed(text: str, to: Reference = NEW, **told: object) -> tuple[str, str]:
    """Return the diff of the first base, and why there is none."""
    dockerfile = read_dockerfile(text)
    base = bases_of(dockerfile, Inputs(**told))[0]  # type: ignore[arg-type]
    edit = with_base(dockerfile, base, to)
    return edit.diff("Dockerfile", text), edit.problem or edit.remark


def test_the_line_of_the_stage_is_changed_and_nothing_else():
    text = "# node:22\nFROM --platform=linux/amd64 node:22 AS run # node:22\n".replace(
        " # node:22", ""
    )
    diff, problem = changed(text)
    assert problem == ""
    assert diff.splitlines()[3:] == [
        " # node:22",
        "-FROM --platform=linux/amd64 node:22 AS run",
        f"+FROM --platform=linux/amd64 node:24-slim@{DIGEST} AS run",
    ]


@pytest.mark.parametrize("default", ["node:22", '"node:22"'])
def test_an_argument_gets_another_default(default: str):
    diff, problem = changed(f"ARG A={default}\nARG B=${{A}}\nFROM $B\n")
    assert problem == ""
    assert f"-ARG A={default}\n" in diff
    assert f"+ARG A={default.replace('node:22', f'node:24-slim@{DIGEST}')}\n" in diff


def test_an_argument_that_builds_give_has_to_be_changed_there_too():
    diff, remark = changed("ARG A=node:22\nFROM $A\n", arguments={"A": "node:20"})
    assert f"+ARG A=node:24-slim@{DIGEST}" in diff
    assert "Builds give A themselves" in remark


@pytest.mark.parametrize(
    ("text", "to", "why"),
    [
        ("ARG V=22\nFROM node:$V\n", NEW, "put together of parts"),
        (f"FROM node:22@{OTHER}\n", Reference.parse("node:24"), "digest of what would take"),
        ("ARG A=node:22 B=node:22\nFROM $A\n", NEW, ""),
    ],
)
def test_what_is_not_sure_is_not_changed(text: str, to: Reference, why: str):
    diff, problem = changed(text, to)
    assert why in problem
    assert bool(diff) is not bool(why)


def test_a_base_of_a_context_stands_in_no_line():
    text = "FROM scratch AS files\n"
    diff, problem = changed(text, contexts={"files": "docker-image://shop/files:1"})
    assert diff == ""
    assert problem.startswith("The context files gives it")


def test_a_name_that_is_split_over_lines_is_not_found():
    diff, problem = changed("FROM node:\\\n22\n")
    assert diff == ""
    assert problem == "node:22 is not in line 1 of the Dockerfile."


def test_steps_are_proposed_from_the_smallest_on():
    old = Reference.parse("node:22-slim")
    own = Measured(old, 100, 7, builds=3, scans=1)
    newest = Measured(Reference.parse(f"node:22-slim@{OTHER}"), 90, 4, builds=2, scans=1)
    alpine = Measured(Reference.parse("node:22-alpine"), 40, None, builds=1)
    larger = Measured(Reference.parse("node:22"), 300, 0, builds=1, scans=1)
    drift = drift_of(DIGEST, [seen(DIGEST, 0, 1), seen(OTHER, 2, 2)])
    other = Measured(Reference.parse("busybox:1"), 1, 0, builds=1, scans=1)
    known = Known(drift, {"24-slim": THIRD, "23-slim": ""}, [larger, newest, alpine, other])
    found = proposals(old, DIGEST, own, known)
    assert [(one.kind, str(one.new).rpartition("/")[2][:20], one.expected) for one in found] == [
        (Kind.DIGEST, f"node:22-slim@{OTHER}"[:20], Expected(-10, -3, 5, 2)),
        (Kind.TAG, f"node:24-slim@{THIRD}"[:20], Expected()),
        (Kind.OTHER, "node:22-alpine", Expected(-60, None, 4, 1)),
    ]
    assert found[0].why == "The tag 22-slim has meant 1 newer digest since 3 June 2026."


def test_what_is_not_behind_is_to_be_pinned_first():
    old = Reference.parse("node:22")
    [pin] = proposals(old, DIGEST, None, Known(drift_of(DIGEST, [seen(DIGEST, 0, 1)])))
    assert (pin.kind, pin.new.digest) == (Kind.PIN, DIGEST)
    assert proposals(Reference.parse(f"node:22@{DIGEST}"), DIGEST, None, Known()) == []


def test_distroless_and_alpine_stand_first():
    names = [
        "node:22",
        "x.example/node:22",
        "node:22-alpine",
        "gcr.io/distroless/nodejs22-debian12",
    ]
    found = in_order([Measured(Reference.parse(name), 5) for name in names])
    assert [one.reference.repository for one in found] == [
        "distroless/nodejs22-debian12",
        "library/node",
        "library/node",
        "node",
    ]
    assert found[1].reference.tag == "22-alpine"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("localhost:5000/x/node:22-slim", ["distroless/nodejs22-debian12", "library/node"]),
        ("python:3.12", ["library/python"]),
        ("python:3.11-slim", ["distroless/python3-debian12", "library/python"]),
        ("nginx:stable", ["library/nginx"]),
        ("node:22-alpine", []),
        ("shop/packages:demo", []),
    ],
)
def test_official_candidates_are_of_the_same_runtime_and_version(name: str, expected: list[str]):
    found = candidates_for(Reference.parse(name))
    assert [one.reference.repository for one in found] == expected


def subject(size: int | None, *findings: tuple[str, str], checks: str = "") -> Subject:
    """An image with that size, vulnerabilities by id and severity, and checks that fail."""
    found = frozenset(Found(name, "openssl", Severity(severity)) for name, severity in findings)
    return Subject(size, 3, found, dict.fromkeys(checks.split(), Severity.LOW))


@pytest.mark.parametrize(
    ("before", "after", "word", "reason"),
    [
        (subject(100), subject(100), Word.SAME, "size: 100 bytes before, 100 after (+0.0%)"),
        (subject(1000), subject(980), Word.BETTER, "size: 1,000 bytes before, 980 after (-2.0%)"),
        (subject(1000), subject(995), Word.SAME, "layers: 3 before, 3 after"),
        (subject(100), subject(120), Word.WORSE, "it grows by 20%, and nothing less is wrong"),
        (
            subject(100, ("A", "HIGH")),
            subject(120),
            Word.BETTER,
            "HIGH vulnerabilities: 1 before, 0 after",
        ),
        (
            subject(100, ("A", "LOW")),
            subject(50, ("B", "HIGH")),
            Word.WORSE,
            "HIGH vulnerabilities: 0 before, 1 after",
        ),
        (subject(100), subject(100, ("A", "LOW")), Word.SAME, "size"),
        (subject(100), subject(50, checks="user"), Word.WORSE, "the check user fails and did not"),
        (subject(100, checks="user"), subject(100), Word.BETTER, "the check user fails no more"),
        (subject(None), subject(100), Word.SAME, "size: not known"),
        (Subject(100, 3, None, None), subject(100), Word.SAME, "vulnerabilities: not compared"),
    ],
)
def test_a_verdict_says_why(before: Subject, after: Subject, word: Word, reason: str):
    verdict = judge(before, after)
    assert verdict.word is word
    assert any(text.startswith(reason) for text in verdict.reasons), verdict.reasons


def test_smaller_variants_of_the_same_version_are_named_from_the_repository():
    tags = ["22", "22-slim", "22-alpine", "22-bookworm", "24-alpine", "22-alpine3.20"]
    found = variants_in(Reference.parse("localhost:5000/shop/node:22"), tags)
    assert [one.reference.tag for one in found] == ["22-alpine", "22-alpine3.20", "22-slim"]


def test_another_repository_goes_into_the_argument_that_a_stage_has_for_itself():
    text = (
        "ARG A=node:22\nARG B=${A}\nFROM $A AS build\nFROM ${B} AS run\nCOPY --from=build /a /a\n"
    )
    distroless = Reference.parse("gcr.io/distroless/nodejs22-debian12")
    diff, remark = changed(text, distroless)
    assert "-ARG B=${A}\n+ARG B=gcr.io/distroless/nodejs22-debian12:latest\n" in diff
    assert remark == ""
    diff, remark = changed(text)
    assert f"-ARG A=node:22\n+ARG A=node:24-slim@{DIGEST}\n" in diff
    assert remark == "It is what build begins with, too."


def test_an_argument_without_a_default_is_changed_where_builds_begin():
    diff, problem = changed("ARG A\nFROM $A\n", arguments={"A": "node:22"})
    assert (diff, problem) == ("", "Builds give it as A: change it where they begin.")
