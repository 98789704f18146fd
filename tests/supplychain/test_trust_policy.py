"""Trust policies: what is read, and what is refused with its place."""

from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supplychain.trust.policy import Environment, Needs
from supplychain.trust.reading import PolicyError, load_document, read_policy

PEM = """\
-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEYLmFFt96hXUrqZCt7hod7ziL8CGg
dr/anQG/eRofzy/bXlDv5Lmu6kpUbKX9j2FU2ZpSCvGbHvXtVL7Wqi5C7Q==
-----END PUBLIC KEY-----
"""
YAML = f"""\
version: 1
keys:
  - id: release
    public_key: |
      {PEM.replace(chr(10), chr(10) + "      ").strip()}
    valid_from: 2026-01-01
    valid_until: 2027-01-01T02:00:00+02:00
  - id: kms
    kms: awskms:///alias/signing
environments:
  production:
    signers: [release, kms]
    refs: [main]
    needs: {{minimum: 2, sbom: true}}
"""


def errors(document: dict[str, Any], *, allow_files: bool = True) -> dict[str, str]:
    with pytest.raises(PolicyError) as caught:
        read_policy(document, allow_files=allow_files)
    return dict(caught.value.errors)


def simple(**more: Any) -> dict[str, Any]:
    base = {
        "version": 1,
        "keys": [{"id": "a", "public_key": PEM}],
        "environments": {"production": {"signers": ["a"]}},
    }
    return base | more


def test_a_policy_as_people_write_it():
    policy = read_policy(load_document(YAML))
    release, kms = policy.keys
    assert release.valid_from == datetime(2026, 1, 1, tzinfo=UTC)
    assert release.valid_until == datetime(2027, 1, 1, tzinfo=UTC)
    assert kms.reference == "awskms:///alias/signing"
    assert policy.transparency_log is False
    assert policy.environment("production") == Environment(
        name="production",
        signers=("release", "kms"),
        refs=("main",),
        needs=Needs(signatures=2, provenance=True, sbom=True),
    )
    assert policy.environment("elsewhere") is None


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("[1]", "policy", "must be a mapping"),
        ("a: [1\n", "line 2, column 1", ""),
        ("version: 1\nversion: 2\n", "line 2, column 1", "'version' is given twice"),
        ("a: &x 1\nb: *x\n", "line 2, column 4", "aliases are not allowed"),
        ("1: a\n", "line 1, column 1", "names must be text"),
        ("<<: {a: 1}\n", "line 1, column 1", "names must be text"),
    ],
)
def test_text_that_is_no_document(text: str, place: str, words: str):
    with pytest.raises(PolicyError) as caught:
        load_document(text)
    [(told, sentence)] = caught.value.errors
    assert told == place
    assert words in sentence


@pytest.mark.parametrize(
    ("document", "place", "words"),
    [
        (simple(version=2), "version", "must be 1, the version of this form"),
        ({"version": 1}, "policy", "'environments' is missing"),
        (simple(colour=1), "policy", "'colour' is not known here"),
        (simple(keys=[{"id": "a"}]), "keys[0]", "needs one of public_key, kms and file"),
        (
            simple(keys=[{"id": "a", "public_key": PEM, "file": "x"}]),
            "keys[0]",
            "needs one of public_key, kms and file",
        ),
        (
            simple(keys=[{"id": "a", "public_key": "-----BEGIN PRIVATE KEY-----"}]),
            "keys[0].public_key",
            "must be a public key in PEM",
        ),
        (
            simple(keys=[{"id": "a", "kms": "https://x"}]),
            "keys[0].kms",
            "must be an address of a KMS",
        ),
        (
            simple(keys=[{"id": "a", "public_key": PEM}, {"id": "b", "public_key": PEM}]),
            "keys",
            "the same key twice",
        ),
        (
            simple(keys=[{"id": "a", "public_key": PEM}, {"id": "a", "kms": "awskms:///b"}]),
            "keys",
            "the same id twice: a",
        ),
        (
            simple(keys=[{"id": "a", "public_key": PEM, "valid_until": "tomorrow"}]),
            "keys[0].valid_until",
            "must be a moment",
        ),
        (
            simple(keys=[{"id": "a", "public_key": PEM, "valid_until": "2026-01-01T00:00:00"}]),
            "keys[0].valid_until",
            "needs a time zone",
        ),
        (
            simple(
                keys=[
                    {
                        "id": "a",
                        "public_key": PEM,
                        "valid_from": "2026-01-02",
                        "valid_until": "2026-01-02",
                    }
                ]
            ),
            "keys[0].valid_until",
            "must be after valid_from",
        ),
        (
            simple(keys=[{"id": "a", "public_key": PEM, "revoked_at": "2026-01-02"}]),
            "keys[0].revoked_because",
            "say why",
        ),
        (
            simple(environments={"p": {"signers": ["b"]}}),
            "environments.p.signers[0]",
            "there is no key or identity 'b'",
        ),
        (
            simple(environments={"p": {"signers": ["a"], "refs": []}}),
            "environments.p.refs",
            "must not be empty",
        ),
        (
            simple(environments={"p": {"signers": ["a"], "needs": {"minimum": 2}}}),
            "environments.p.needs.minimum",
            "is more than there are signers",
        ),
        (
            simple(
                environments={
                    "p": {"signers": ["a"], "builders": ["x"], "needs": {"provenance": False}}
                }
            ),
            "environments.p.builders",
            "is told by provenance alone",
        ),
        (
            simple(
                environments={
                    "p": {"signers": ["a"], "needs": {"signature": False, "provenance": False}}
                }
            ),
            "environments.p.needs",
            "asks for nothing",
        ),
        (simple(environments={"a b": {"signers": ["a"]}}), "environments", "must be letters"),
        (simple(environments={"p": {"signers": ["a"], "refs": ["\0"]}}), "policy", "be kept"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(document: dict[str, Any], place: str, words: str):
    assert words in errors(document)[place]


def test_files_are_for_one_machine():
    document = simple(keys=[{"id": "a", "file": "release.pub"}])
    assert read_policy(document).keys[0].reference == "release.pub"
    assert list(errors(document, allow_files=False)) == ["keys[0].file"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["id", "keys", "signers", "needs", "version", "environments", "kms"])
            | st.text(max_size=5),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@given(st.dictionaries(st.sampled_from(["version", "keys", "environments"]), JSON))
def test_no_document_is_read_or_refused_otherwise(document: dict[str, Any]):
    with suppress(PolicyError):
        read_policy(document)


@given(st.text())
def test_no_text_is_read_or_refused_otherwise(text: str):
    with suppress(PolicyError):
        load_document(text)
