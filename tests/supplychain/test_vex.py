"""Statements: of real documents, of anything that is sent, and those that we write ourselves."""

import contextlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buildkit.errors import ParseError
from supplychain.vex.model import Document, Product, Statement, Status
from supplychain.vex.products import product_of, within
from supplychain.vex.reading import read_vex
from supplychain.vex.writing import to_cyclonedx, to_openvex
from tests.conftest import SHARED_FIXTURES
from tests.supplychain.test_properties import JSON

DIGEST = "sha256:" + "ab" * 32
AT = datetime(2026, 11, 1, 12, tzinfo=UTC)


@pytest.fixture(scope="session")
def vex_fixtures() -> Path:
    """The folder of real documents; tests that need it are skipped without it."""
    folder = SHARED_FIXTURES / "vex"
    if not folder.is_dir():
        pytest.skip(f"no {folder}")
    return folder


def test_every_real_document_is_read_whole(vex_fixtures: Path):
    for path in sorted(vex_fixtures.glob("*.json")):
        document = read_vex(path.read_bytes())
        raw = json.loads(path.read_text())
        assert document.problems == (), path.name
        assert len(document.statements) == len(raw["statements"]), path.name
        for told, entry in zip(document.statements, raw["statements"], strict=True):
            assert told.status == entry["status"], path.name
            parts = [
                max(1, len(product.get("subcomponents", [])) if isinstance(product, dict) else 1)
                for product in entry["products"]
            ]
            assert len(told.products) == sum(parts), path.name


def test_products_of_real_documents(vex_fixtures: Path):
    def products(name: str) -> list[Product]:
        [path] = vex_fixtures.glob(f"*-{name}-??????.json")
        return [item for told in read_vex(path.read_bytes()).statements for item in told.products]

    [bash] = products("oci")
    assert (bash.image, bash.package, bash.version, bash.is_known) == (
        "debian",
        "pkg:deb/debian/bash",
        "",
        True,
    )
    assert products("many-vuln")[-1].package == "pkg:apk/alpine/openssl"
    # An application of which nothing tells where it runs.
    assert [item.is_known for item in products("given-vulnerability")] == [False, False]


def cyclonedx(**more: Any) -> bytes:
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "serialNumber": "urn:uuid:1",
        "version": 3,
        "metadata": {
            "timestamp": "2026-11-01T12:00:00Z",
            "authors": [{"name": "Vendor"}],
            "component": {
                "type": "container",
                "bom-ref": "image",
                "name": "shop/api",
                "purl": f"pkg:oci/api@{DIGEST}?repository_url=registry/shop/api",
            },
        },
        "components": [
            {"bom-ref": "a", "name": "left-pad", "purl": "pkg:npm/left-pad@1.0.0"},
            {"bom-ref": "b", "name": "bash", "purl": "pkg:deb/debian/bash@5.2?epoch=1"},
        ],
        "vulnerabilities": [
            {
                "id": "CVE-1",
                "references": [{"id": "GHSA-1", "source": {"name": "GitHub"}}],
                "analysis": {
                    "state": "not_affected",
                    "justification": "code_not_reachable",
                    "detail": "Never called.",
                    "lastUpdated": "2026-11-02T00:00:00Z",
                },
                "affects": [{"ref": "a"}, {"ref": "urn:cdx:1/1#b"}],
            },
            {"id": "CVE-2", "analysis": {"state": "in_triage"}, "affects": [{"ref": "image"}]},
            {"id": "CVE-3", "affects": [{"ref": "a"}]},
        ],
    }
    return json.dumps(document | more).encode()


def test_cyclonedx_states_by_analysis():
    document = read_vex(cyclonedx())
    assert (document.identifier, document.version, document.author) == ("urn:uuid:1", 3, "Vendor")
    first, second = document.statements
    assert (first.status, first.justification, first.said, first.aliases) == (
        Status.NOT_AFFECTED,
        "code_not_reachable",
        "Never called.",
        ("GHSA-1",),
    )
    assert first.stated_at == datetime(2026, 11, 2, tzinfo=UTC)
    assert [(item.package, item.version, item.image_digest) for item in first.products] == [
        ("pkg:npm/left-pad", "1.0.0", DIGEST),
        ("pkg:deb/debian/bash", "1:5.2", DIGEST),
    ]
    [whole] = second.products
    assert (whole.image, whole.package, second.stated_at) == ("registry/shop/api", "", AT)


def affected(**entry: Any) -> list[tuple[str, bool]]:
    """Of each product that an entry of ``affects`` names the version, and whether it is known."""
    analysis = {"state": "not_affected"}
    one = {"id": "CVE-1", "analysis": analysis, "affects": [entry]}
    [told] = read_vex(cyclonedx(vulnerabilities=[one])).statements
    return [(item.version, item.is_known and item.is_part_known) for item in told.products]


@pytest.mark.parametrize(
    ("ref", "versions", "products"),
    [
        ("pkg:npm/left-pad", [], [("", True)]),
        ("pkg:npm/left-pad", [{"version": "1.0"}], [("1.0", True)]),
        ("pkg:npm/left-pad", [{"version": "1"}, {"version": "2"}], [("1", True), ("2", True)]),
        ("pkg:npm/left-pad", [{"range": "vers:npm/<2"}], [("", False)]),
        (
            "pkg:npm/left-pad",
            [{"version": "1"}, {"range": "vers:npm/<2"}],
            [("1", True), ("", False)],
        ),
        ("a", [{"version": "1.1.0"}], [("1.1.0", True)]),
        ("b", [{"version": "5.2"}], [("1:5.2", True)]),
        ("image", [{"version": "1.0"}], [("", False)]),
    ],
)
def test_versions_of_cyclonedx_are_a_product_each(
    ref: str, versions: list[dict[str, str]], products: list[tuple[str, bool]]
):
    assert affected(ref=ref, versions=versions) == products


@pytest.mark.parametrize(
    ("name", "is_known"),
    [
        ("pkg:oci/api", True),
        ("pkg:oci/api?repository_url=registry/shop/api", True),
        ("pkg:oci/api?tag=1.0", False),
        ("pkg:oci/api?repository_url=registry/shop/api&tag=1.0", False),
        ("pkg:oci/api?arch=arm64", False),
        ("pkg:docker/shop/api?platform=linux/arm64", False),
        ("pkg:docker/shop/api@1.0", False),
        (f"pkg:oci/api@{DIGEST}?tag=1.0&arch=arm64", True),
    ],
)
def test_an_image_that_a_tag_or_platform_tells_is_not_known(name: str, is_known: bool):
    assert product_of(name).is_known == is_known
    assert within(product_of(name), product_of("pkg:npm/a@1")).is_known == is_known


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"[]", "no JSON object"),
        (b"{}", "neither OpenVEX"),
        (b"{", "not"),
        (b'{"document": {}, "product_tree": {}}', "CSAF"),
        (b'{"@context": "https://openvex.dev/ns/v0.2.0", "statements": 1}', "a number"),
        (b'{"@context": "https://openvex.dev/ns/v0.2.0"}', "no statement"),
        (
            b'{"@context": "https://openvex.dev/ns", "statements": [{"vulnerability": "CVE-1",'
            b' "status": "fine"}]}',
            "statements[0]: status is none of",
        ),
        (cyclonedx(vulnerabilities=[{"id": "CVE-1"}]), "no statement"),
    ],
)
def test_what_states_nothing_is_refused_in_a_sentence(body: bytes, words: str):
    with pytest.raises(ParseError) as refused:
        read_vex(body)
    assert refused.value.path == "document"
    assert words.lower() in refused.value.message.lower()


def test_a_misshapen_statement_does_not_spoil_the_others():
    good = {"vulnerability": "CVE-1", "status": "fixed", "products": ["pkg:npm/a@1"]}
    bad = [{**good, "products": [7]}, {**good, "vulnerability": []}, 5]
    body = {"@context": "https://openvex.dev/ns", "statements": [*bad, good]}
    document = read_vex(json.dumps(body).encode())
    assert [item.vulnerability for item in document.statements] == ["CVE-1"]
    assert [problem.split(":")[0] for problem in document.problems] == [
        f"document/statements[{index}]" for index in range(3)
    ]


@given(
    st.sampled_from([{"@context": "https://openvex.dev/ns"}, {"bomFormat": "CycloneDX"}]),
    st.dictionaries(
        st.sampled_from(["statements", "vulnerabilities", "metadata", "components", "version"]),
        JSON
        | st.lists(
            st.dictionaries(
                st.sampled_from(
                    [
                        "status",
                        "vulnerability",
                        "products",
                        "analysis",
                        "affects",
                        "id",
                        "subcomponents",
                    ]
                ),
                JSON,
            ),
            max_size=3,
        ),
    ),
)
def test_whatever_is_sent_is_read_or_refused(head: dict[str, Any], rest: dict[str, Any]):
    body = json.dumps(head | rest, ensure_ascii=True).encode()
    with contextlib.suppress(ParseError):
        assert read_vex(body).statements


NAMES = st.from_regex(r"[a-z][a-z0-9]{0,8}", fullmatch=True)
VERSIONS = st.sampled_from(["", "1.0", "1:2.0-3+b1", "v1.2.3"])
PRODUCTS = st.builds(
    lambda package, version, image, digest: Product(
        "", f"pkg:deb/debian/{package}", version, image, digest
    ),
    NAMES,
    VERSIONS,
    st.sampled_from(["", "localhost:5000/shop/api", "api"]),
    st.sampled_from(["", DIGEST]),
).filter(lambda item: bool(item.image) or not item.image_digest)
STATEMENTS = st.builds(
    Statement,
    vulnerability=st.from_regex(r"CVE-[0-9]{1,6}", fullmatch=True),
    aliases=st.sampled_from([(), ("GHSA-1",)]),
    products=st.lists(PRODUCTS, min_size=1, max_size=4).map(tuple),
    status=st.sampled_from(Status),
    justification=st.sampled_from(["", "code_not_reachable", "component_not_present"]),
    said=st.sampled_from(["", "Because."]),
    stated_at=st.just(AT),
)


def meaning(document: Document) -> list[Any]:
    return [
        (
            told.vulnerability,
            told.aliases,
            told.status,
            told.stated_at,
            sorted({(p.package, p.version, p.image, p.image_digest) for p in told.products}),
        )
        for told in document.statements
    ]


@given(st.lists(STATEMENTS, min_size=1, max_size=4).map(tuple))
def test_what_is_written_is_read_again(statements: tuple[Statement, ...]):
    document = Document("", "https://shop.example/vex/api", 7, "Shop", AT, statements)
    for write in (to_openvex, to_cyclonedx):
        again = read_vex(json.dumps(write(document)).encode())
        assert again.problems == ()
        assert (again.version, again.author, again.issued_at) == (7, "Shop", AT)
        assert meaning(again) == meaning(document)
        assert all(product.is_known for told in again.statements for product in told.products)
