"""Provenance of SLSA v0.2 and v1, statements and envelopes: facts, and what is refused."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buildkit.errors import ParseError
from supplychain.intoto import read_envelope, read_statement, statement_of
from supplychain.signing.attached import read_simple_signing
from supplychain.signing.provenance import read_facts, with_source
from supplychain.signing.sources import (
    Source,
    canonical_repository,
    matches,
    read_source,
    ref_matches,
)
from tests.conftest import SHARED_FIXTURES
from tests.supplychain.signed import BUILDER, COMMIT, provenance_v1

V02, V1 = "https://slsa.dev/provenance/v0.2", "https://slsa.dev/provenance/v1"
SHOP = "https://github.com/example/shop"


@pytest.mark.parametrize(
    ("uri", "source"),
    [
        (f"git+{SHOP}@refs/heads/main", Source(SHOP, "", "refs/heads/main")),
        (f"{SHOP}.git#{COMMIT}", Source(SHOP, COMMIT, "")),
        (f"{SHOP}.git#refs/tags/v1:sub", Source(SHOP, "", "refs/tags/v1")),
        ("git@github.com:example/shop.git", Source(SHOP)),
        ("ssh://git@GitHub.com/example/shop.git#main", Source(SHOP, "", "main")),
        ("https://user:password@github.com/example/shop", Source(SHOP)),
        ("https://user@github.com/example/shop@refs/heads/x", Source(SHOP, "", "refs/heads/x")),
        ("/srv/shop", Source("/srv/shop")),
        ("http://[broken", Source("http://[broken")),
    ],
)
def test_addresses_of_sources(uri: str, source: Source):
    assert read_source(uri) == source


def test_addresses_of_repositories_have_one_form():
    forms = ["git@github.com:example/shop.git", f"{SHOP}/", f"git+{SHOP}.git"]
    assert {canonical_repository(form) for form in forms} == {SHOP}


@pytest.mark.parametrize(
    ("pattern", "text", "fits"),
    [
        ("https://ci/*", "https://ci/a", True),
        ("https://ci/*", "https://ci/a/b", False),
        ("https://ci/**", "https://ci/a/b", True),
        ("https://ci/a", "https://ci/ab", False),
        ("https://ci.x/a", "https://ciXx/a", False),
    ],
)
def test_patterns(pattern: str, text: str, fits: bool):
    assert matches(pattern, text) is fits


@pytest.mark.parametrize(
    ("pattern", "ref", "fits"),
    [
        ("main", "refs/heads/main", True),
        ("main", "main", True),
        ("main", "refs/tags/main", False),
        ("refs/heads/main", "main", False),
        ("refs/tags/v*", "refs/tags/v1.2", True),
        ("release/*", "refs/heads/release/1", True),
        ("**", "refs/pull/1/merge", False),
        ("main", "", False),
    ],
)
def test_patterns_of_refs(pattern: str, ref: str, fits: bool):
    assert ref_matches(pattern, ref) is fits


def test_facts_of_v1():
    facts = read_facts(provenance_v1(), V1, "x")
    assert facts.builder == BUILDER
    assert facts.source == Source(SHOP, COMMIT, "refs/heads/main")
    assert facts.entry_point == "ci.yml"
    assert facts.parameters["workflow.repository"] == SHOP
    assert [item.digest for item in facts.materials] == [f"gitCommit:{COMMIT}"]


def test_facts_of_v02_of_buildkit_with_a_work_tree():
    predicate = {
        "builder": {"id": BUILDER},
        "buildType": "https://mobyproject.org/buildkit@v1",
        "invocation": {
            "configSource": {"entryPoint": "Dockerfile"},
            "parameters": {"frontend": "dockerfile.v0", "args": {"build-arg:API_TOKEN": "hush"}},
        },
        "metadata": {
            "buildStartedOn": "2026-01-01T00:00:00Z",
            "https://mobyproject.org/buildkit@v1#metadata": {
                "vcs": {"source": "git@github.com:example/shop.git", "revision": COMMIT}
            },
        },
    }
    facts = read_facts(predicate, V02, "x")
    assert facts.source == Source(SHOP, COMMIT, "")
    assert facts.entry_point == "Dockerfile"
    assert facts.parameters == {
        "frontend": "dockerfile.v0",
        "args.build-arg:API_TOKEN": "(not shown)",
    }
    assert facts.started_at == "2026-01-01T00:00:00Z"


@pytest.mark.parametrize("kind", [V02, V1])
def test_a_signer_completes_the_source_and_contradicts_nothing(kind: str):
    predicate: dict[str, Any] = {"builder": {"id": "x"}, "buildType": "t", "materials": []}
    if kind == V1:
        predicate = {"buildDefinition": {"buildType": "t"}, "runDetails": {"builder": {"id": "x"}}}
    known = Source(SHOP, COMMIT, "refs/heads/main")
    assert read_facts(with_source(predicate, kind, known), kind, "x").source == known
    assert with_source(predicate, kind, Source()) == predicate


@pytest.mark.parametrize(
    ("own", "other", "both"),
    [
        (Source(SHOP, COMMIT), Source(SHOP, COMMIT, "main"), Source(SHOP, COMMIT, "main")),
        (Source(SHOP, COMMIT), Source(SHOP, "f" * 40, "main"), Source(SHOP, COMMIT)),
        (Source(SHOP), Source("https://x/y", COMMIT, "main"), Source(SHOP)),
    ],
)
def test_sources_of_other_repositories_and_revisions_add_nothing(
    own: Source, other: Source, both: Source
):
    assert own.or_else(other) == both


@pytest.mark.parametrize(
    ("name", "builder", "revision", "materials"),
    [
        ("5df72ae6", "https://github.com/slsa-framework/example-package/actions/runs/5201384557",
         "62cb1f1e485829bafe8bbec8b9900c0cb7624fe7", 3),
        ("8d63b5e4", "", "4d329c75e7ec1725f7c9ce917a8799d408d06be3", 3),
        ("c90ea216", "https://github.com/slsa-framework/example-package/actions/runs/4288274909",
         "63d4b1ff9c0e93006cf1768314cf1d0675a33b88", 3),
    ],
)  # fmt: skip
def test_real_provenance_of_buildkit(name: str, builder: str, revision: str, materials: int):
    [path] = real(name)
    statement = read_statement(path.read_bytes(), name)
    facts = read_facts(statement.predicate, statement.predicate_type, name)
    assert facts.builder == builder
    assert facts.source.repository == "https://github.com/slsa-framework/example-package"
    assert facts.source.revision == revision
    assert len(facts.materials) == materials


def real(name: str) -> list[Path]:
    found = sorted((SHARED_FIXTURES / "slsa").glob(f"intoto-v0.2-{name}*"))
    if not found:
        pytest.skip(f"no {name} beside the checkout")
    return found


@pytest.mark.parametrize(
    "document",
    [{}, {"predicateType": V1}, {"predicateType": V1, "subject": [{"digest": {}}]}, {"subject": 1}],
)
def test_what_is_no_statement_is_refused(document: dict[str, Any]):
    with pytest.raises(ParseError):
        read_statement(json.dumps(document).encode(), "x")


def test_an_attestation_is_no_signature_of_the_first_format():
    with pytest.raises(ParseError, match="no signature of an image"):
        read_simple_signing(b'{"critical": {"type": "x", "image": {}}}', "x")


def test_an_envelope_has_one_form():
    payload = base64.b64encode(b"{}").decode()
    document = {"payload": payload, "PAYLOAD": "eA==", "signatures": [{"sig": "eA==", "x": 1}, 2]}
    envelope = read_envelope(document, "x")
    assert envelope.as_json() == {
        "payload": payload,
        "payloadType": "",
        "signatures": [{"sig": "eA=="}],
    }
    with pytest.raises(ParseError):
        read_envelope({"payload": payload, "signatures": []}, "x")
    with pytest.raises(ParseError, match="the envelope holds"):
        statement_of(envelope, "x")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "builder",
                    "id",
                    "buildDefinition",
                    "invocation",
                    "metadata",
                    "materials",
                    "digest",
                    "uri",
                    "configSource",
                    "externalParameters",
                    "workflow",
                    "parameters",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=25,
)


@given(st.dictionaries(st.sampled_from(["buildDefinition", "buildType", "builder"]), JSON))
def test_no_predicate_breaks_the_reader(predicate: dict[str, Any]):
    try:
        facts = read_facts(predicate, V1, "x")
    except ParseError:
        return
    assert isinstance(facts.as_json()["builder"], str)
