"""Whatever is sent: a report or ``ParseError``; and counts are those of the JSON itself."""

import contextlib
import dataclasses
import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from buildkit.errors import ParseError
from supplychain.reports.model import Report
from supplychain.reports.purls import package_identity
from supplychain.reports.reading import read_report
from tests.supplychain.corpus import KEY, load, load_json, names
from tests.supplychain.making import result, rule, sarif

LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(["\0", "\ud800", "9" * 30, "0001-01-01T00:00:00+14:00", "pkg:a", "CVSSv3"])
)
JSON = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)
HEADS: list[dict[str, Any]] = [
    {"SchemaVersion": 2},
    {"bomFormat": "CycloneDX"},
    {"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "Trivy"}}}]},
]
RECORDED = [
    *names("sarif", "operator", "k8s", "cyclonedx"),
    *names("v2-npm", "v2-license", "v2-dockerfile", "v2-centos", "legacy-list-trivy"),
]
SEVERITIES = st.sampled_from(["UNKNOWN", "LOW", "MEDIUM", "HIGH", "CRITICAL"])
FINDINGS = st.lists(st.fixed_dictionaries({"Severity": SEVERITIES}), max_size=5) | st.none()
CHECKS = st.lists(
    st.fixed_dictionaries({"Severity": SEVERITIES, "Status": st.sampled_from(["FAIL", "PASS"])}),
    max_size=5,
)
RESULTS = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "Vulnerabilities": FINDINGS,
            "Misconfigurations": CHECKS,
            "Secrets": FINDINGS,
            "Licenses": FINDINGS,
        },
    ),
    max_size=4,
)


def strings(value: Any) -> Iterator[str]:
    """Every string in a report."""
    if isinstance(value, str):
        yield value
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        for field in dataclasses.fields(value):
            yield from strings(getattr(value, field.name))
    elif isinstance(value, tuple):
        for item in value:
            yield from strings(item)


def attempt(document: object) -> None:
    """Read, and check what holds of every report."""
    with contextlib.suppress(ParseError):
        check(read_report(json.dumps(document).encode("utf-8", "surrogatepass"), key=KEY))


def check(report: Report) -> None:
    for text in strings(report):
        assert "\0" not in text
        text.encode("utf-8")
        assert len(text) <= 4_000
    for item in report.vulnerabilities:
        assert item.cvss_score is None or 0 <= item.cvss_score <= 10
        assert item.published_at is None or item.published_at.tzinfo
        assert item.id not in item.aliases
        assert package_identity(item.package)
    assert report.distinct_vulnerabilities() <= len(report.vulnerabilities)


@given(data=st.binary(max_size=200))
def test_random_bytes(data: bytes):
    with contextlib.suppress(ParseError):
        read_report(data, key=KEY)


@given(document=JSON)
def test_random_json(document: object):
    attempt(document)


@given(head=st.sampled_from(HEADS), document=st.dictionaries(st.text(max_size=5), JSON))
def test_random_json_under_a_known_head(head: dict[str, Any], document: dict[str, Any]):
    attempt(document | head)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Paths to everything in a document."""
    yield path
    children = dict(enumerate(value)) if isinstance(value, list) else value
    for key, item in children.items() if isinstance(children, dict) else ():
        yield from places(item, (*path, key))


def changed(value: Any, path: tuple[Any, ...], put: Any) -> Any:
    """The document with something else at a path."""
    if not path:
        return put
    copy = value.copy()
    copy[path[0]] = changed(value[path[0]], path[1:], put)
    return copy


def mutate(document: Any, data: st.DataObject) -> None:
    for _ in range(data.draw(st.integers(1, 3))):
        path = data.draw(st.sampled_from(list(places(document))))
        document = changed(document, path, data.draw(JSON))
    attempt(document)


@pytest.mark.parametrize("name", RECORDED)
@settings(max_examples=40)
@given(data=st.data())
def test_damaged_reports(name: str, data: st.DataObject):
    mutate(load_json(name), data)


@settings(max_examples=100)
@given(data=st.data())
def test_damaged_sarif_of_every_kind(data: st.DataObject):
    kinds = ("Vulnerability", "Misconfiguration", "Secret", "License")
    rules = [rule(kind, kind, kind.lower(), "HIGH", cvssv3_baseScore=8) for kind in kinds]
    told = "Package: a\nSeverity: LOW\nMessage: b\nLink: c\nPkgName: d\nMatch: e"
    mutate(sarif(rules, [result(kind, told) for kind in kinds]), data)


@pytest.mark.parametrize("name", RECORDED)
def test_shortened_reports(name: str):
    data = load(name)
    for end in range(0, len(data), max(1, len(data) // 20)):
        with contextlib.suppress(ParseError):
            read_report(data[:end], key=KEY)


@given(results=RESULTS)
def test_counts_are_those_of_the_json(results: list[dict[str, Any]]):
    report = read_report(json.dumps({"SchemaVersion": 2, "Results": results}).encode(), key=KEY)

    def counted(kind: str, *keys: str) -> dict[str, int]:
        entries = [entry for item in results for entry in item.get(kind) or []]
        return dict(Counter(":".join(entry[key] for key in keys) for entry in entries))

    assert report.counts() == {
        "vulnerabilities": counted("Vulnerabilities", "Severity"),
        "misconfigurations": counted("Misconfigurations", "Status", "Severity"),
        "secrets": counted("Secrets", "Severity"),
        "licenses": counted("Licenses", "Severity"),
    }
    assert report.problems == ()


# The signs around it keep it from being a word of the report's own fields.
@given(match=st.text(st.characters(codec="utf-8", categories=["L"])).map(lambda x: f"€{x}€"))
def test_no_match_is_kept(match: str):
    secret = {"RuleID": f"a{match}", "Title": match, "Category": f"{match}b", "Match": match}
    document = {"SchemaVersion": 2, "Results": [{"Secrets": [secret, secret | {"Layer": match}]}]}
    report = read_report(json.dumps(document).encode(), key=KEY)
    assert len(report.secrets) == 1
    assert match not in repr(report)
    assert match not in "".join(strings(report))
