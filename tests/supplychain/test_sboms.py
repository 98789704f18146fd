"""Bills of materials from their bytes: real ones, made ones, and what is none."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buildkit.errors import ParseError
from buildkit.limits import Limits
from supplychain.sboms import cyclonedx, packages
from supplychain.sboms.model import Package, Sbom
from supplychain.sboms.packages import supplier_of
from supplychain.sboms.reading import is_sbom, read_sbom
from tests.conftest import SHARED_FIXTURES
from tests.sboms.bills import cyclonedx as bill
from tests.sboms.bills import spdx, statement
from tests.security.making import digest

REAL = SHARED_FIXTURES / "slsa"
REAL_CYCLONEDX = SHARED_FIXTURES / "trivy"
COUNTS = {
    "spdx-trivy-bom-d1e1b5.json": 6,
    "spdx-trivy-ca-certificates-spdx-aaabcd.json": 1,
    "spdx-trivy-conda-spdx-76558b.json": 2,
    "spdx-trivy-invalid-purl-d65067.json": 1,
    "spdx-trivy-julia-spdx-10cc95.json": 3,
    "spdx-trivy-package-hashes-fdc418.json": 1,
    "spdx-trivy-unrelated-bom-b87b03.json": 2,
    "spdx-trivy-with-files-in-relationships-bom-c41a7f.json": 1,
    "trivy-cyclonedx-bom-03d8e5.json": 7,
    "trivy-cyclonedx-bom-ae5a1a.json": 6,
    "trivy-cyclonedx-bom-missing-refs-c18238.json": 2,
    "trivy-cyclonedx-conda-cyclonedx-dabb7a.json": 2,
    "trivy-cyclonedx-conda-environment-cyclonedx-c0bcbf.json": 1,
    "trivy-cyclonedx-empty-bom-352644.json": 0,
    "trivy-cyclonedx-license-cyclonedx-a730fd.json": 3,
    "trivy-cyclonedx-pom-cyclonedx-b4b766.json": 2,
}
"""Packages of each real file: its entries without systems, lock files, images and directories."""


def real(name: str) -> Path:
    folder = REAL_CYCLONEDX if name.startswith("trivy-") else REAL
    if not folder.is_dir():
        pytest.skip(f"no {folder}")
    return folder / name


def read(document: Any, **limits: int) -> Sbom:
    return read_sbom(json.dumps(document).encode(), limits=Limits(**limits))


@pytest.mark.parametrize("name", sorted(COUNTS))
def test_real_bills_are_read_whole(name: str):
    found = read_sbom(real(name).read_bytes())
    assert len(found.packages) == COUNTS[name]
    assert found.problems == ()
    assert found.tools[0].startswith("trivy")


def test_a_real_spdx_document_is_read_right():
    found = read_sbom(real("spdx-trivy-bom-d1e1b5.json").read_bytes())
    image = "sha256:49193a2310dbad4c02382da87ac624a80a92387a4f7536235f9ba590e5bcd7b5"
    assert (found.format, found.spec_version, found.digests) == ("spdx", "2.2", (image,))
    assert found.packages[-1] == Package(
        ref="SPDXRef-Package-b7ebaf0233f1ef7b",
        ecosystem="apk",
        namespace="alpine",
        name="musl",
        version="1.2.3-r0",
        purl="pkg:apk/alpine/musl@1.2.3-r0?distro=3.16.0",
        licences=("MIT",),
        is_direct=True,
    )
    debian = read_sbom(real("spdx-trivy-ca-certificates-spdx-aaabcd.json").read_bytes())
    assert debian.packages[0].supplier == "Julien Cristau"


def test_a_real_cyclonedx_document_is_read_right():
    found = read_sbom(real("trivy-cyclonedx-pom-cyclonedx-b4b766.json").read_bytes())
    told = [(package.name, package.version, package.is_direct) for package in found.packages]
    assert told == [("log4shell", "1.0-SNAPSHOT", True), ("jackson-databind", "2.9.1", False)]
    assert not is_sbom(real("trivy-cyclonedx-pom-cyclonedx-b4b766.json").read_bytes())


def test_attestations_of_something_else_are_no_bills():
    if not REAL.is_dir():
        pytest.skip(f"no {REAL}")
    for path in REAL.glob("intoto-*"):
        assert not is_sbom(path.read_bytes()), path
        with pytest.raises(ParseError, match="holds no bill of materials"):
            read_sbom(path.read_bytes())


@pytest.mark.parametrize("spec", cyclonedx.VERSIONS)
def test_components_within_components_are_read(spec: str):
    inner = {"type": "library", "name": "inner", "version": "1"}
    outer = {"type": "application", "name": "outer", "version": "2", "components": [inner]}
    system = {"type": "operating-system", "name": "debian", "version": "12", "components": [outer]}
    document = bill(None) | {"specVersion": spec, "components": [system]}
    assert [package.name for package in read(document).packages] == ["outer", "inner"]


def test_what_a_bill_is_of_is_a_package_if_it_is_no_image():
    document = bill(None)
    document["metadata"]["component"] = {
        "type": "application",
        "name": "shop",
        "version": "3",
        "purl": "pkg:npm/%40us/shop@3",
    }
    [package] = read(document).packages
    assert package.identity == ("npm", "@us", "shop")
    assert read(bill(1)).packages == ()


@pytest.mark.parametrize(
    ("purl", "version", "expected"),
    [
        ("pkg:rpm/centos/bash@4.2-1?arch=x86_64&epoch=1", "4.2-1", "1:4.2-1"),
        ("pkg:rpm/centos/bash@4.2-1?epoch=0", "4.2-1", "4.2-1"),
        ("pkg:deb/debian/bash@1%3A4.2-1?epoch=1", "", "1:4.2-1"),
        ("pkg:npm/left-pad", "1.3.0", "1.3.0"),
        ("pkg:npm/left-pad@1.3.0", "v1.3", "1.3.0"),
    ],
)
def test_the_version_is_that_of_the_package_url_with_its_epoch(
    purl: str, version: str, expected: str
):
    document = bill(None, purl)
    document["components"][0]["version"] = version
    assert read(document).packages[0].version == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Organization: Acme Inc. (security@acme.example)", "Acme Inc."),
        ("Person: Jane Doe <jane@acme.example>", "Jane Doe"),
        ("jane@acme.example", ""),
        ("NOASSERTION", ""),
        ("Acme", "Acme"),
    ],
)
def test_suppliers_are_names_without_addresses(text: str, expected: str):
    assert supplier_of(text) == expected


def test_licences_that_are_concluded_go_before_those_that_are_declared():
    document = spdx(("a", "pkg:npm/a@1"), ("b", "pkg:npm/b@1"), ("c", "pkg:npm/c@1"))
    first, second, third = document["packages"]
    first |= {"licenseConcluded": "MIT", "licenseDeclared": "ISC"}
    second |= {"licenseConcluded": "NOASSERTION", "licenseDeclared": "ISC"}
    third |= {"licenseConcluded": "NONE"}
    assert [package.licences for package in read(document).packages] == [("MIT",), ("ISC",), ()]


def test_dependencies_are_read_whichever_way_they_are_written():
    document = spdx(("a", "pkg:npm/a@1"), ("b", "pkg:npm/b@1"), ("c", "pkg:npm/c@1"))
    document["documentDescribes"] = ["SPDXRef-lock"]
    document["relationships"] = [
        {
            "spdxElementId": "SPDXRef-0",
            "relationshipType": "DEPENDENCY_OF",
            "relatedSpdxElement": "SPDXRef-lock",
        },
        {
            "spdxElementId": "SPDXRef-0",
            "relationshipType": "DEPENDS_ON",
            "relatedSpdxElement": "SPDXRef-1",
        },
    ]
    assert [package.is_direct for package in read(document).packages] == [True, False, None]


def test_attestations_are_read_in_all_their_wrappings():
    document = spdx(("a", "pkg:npm/a@1"))
    plain = statement(document, 1)
    for wrapped in (
        plain,
        plain | {"predicateType": "https://spdx.dev/Document/v2.3"},
        plain | {"predicate": {"Data": json.dumps(document), "Timestamp": ""}},
        plain | {"predicate": {"Data": document}},
    ):
        found = read(wrapped)
        assert (found.is_attested, found.digests) == (True, (digest(1),))
        assert len(found.packages) == 1
        assert is_sbom(json.dumps(wrapped).encode())
    assert read({"SPDX": document}).is_attested


def test_too_much_is_refused_with_its_place(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(cyclonedx, "MAX_PACKAGES", 1)
    with pytest.raises(ParseError, match=r"^sbom: more than 1 packages"):
        read(bill(None, "pkg:npm/a@1", "pkg:npm/b@1"))
    with pytest.raises(ParseError, match=r"^sbom/dependencies: more than 0"):
        read(bill(None, "pkg:npm/a@1"), max_edges=0)
    with pytest.raises(ParseError, match="JSON of"):
        read(spdx(), max_json_bytes=10)


def test_what_is_too_deep_is_left_out_and_told():
    component: dict[str, Any] = {"type": "library", "name": "deep", "version": "1"}
    for _ in range(cyclonedx.MAX_DEPTH + 5):
        component = {"type": "library", "name": "deep", "version": "1", "components": [component]}
    found = read(bill(None) | {"components": [component]})
    assert len(found.packages) == cyclonedx.MAX_DEPTH
    assert found.problems[0].endswith("is more than 20 components deep")


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda children: (
        st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=8), children, max_size=3)
    ),
    max_leaves=8,
)
PURLS = st.sampled_from(
    ["pkg:npm/a@1", "pkg:oci/a@sha256%3Aabc", "pkg:", "pkg:deb/debian/b@1?epoch=x"]
)
COMPONENT = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(["library", "container", "file"]) | VALUES,
        "name": st.text(max_size=8) | VALUES,
        "version": st.text(max_size=8) | VALUES,
        "purl": PURLS | VALUES,
        "bom-ref": st.text(max_size=2) | VALUES,
        "group": VALUES,
        "licenses": VALUES,
        "supplier": VALUES,
        "components": VALUES,
        "SPDXID": st.text(max_size=2) | VALUES,
        "versionInfo": st.text(max_size=8) | VALUES,
        "externalRefs": VALUES,
        "annotations": VALUES,
        "properties": VALUES,
    },
)


def read_or_refused(document: Any) -> Sbom:
    try:
        return read(document)
    except ParseError as error:
        place = error.path
    assert place.startswith("sbom")
    return Sbom("", "", "", None, (), (), ())


@given(
    version=st.sampled_from(["1.2", "1.6", "2.2", "2.3"]) | VALUES,
    entries=st.lists(COMPONENT | VALUES, max_size=5) | VALUES,
    metadata=st.fixed_dictionaries({}, optional={"component": COMPONENT, "tools": VALUES}) | VALUES,
    edges=st.lists(VALUES, max_size=3) | VALUES,
)
def test_any_document_is_read_or_refused_with_its_place(
    version: object, entries: object, metadata: object, edges: object
):
    documents: list[Any] = [
        {
            "bomFormat": "CycloneDX",
            "specVersion": version,
            "components": entries,
            "metadata": metadata,
            "dependencies": edges,
        },
        {
            "spdxVersion": f"SPDX-{version}",
            "packages": entries,
            "creationInfo": metadata,
            "relationships": edges,
            "documentDescribes": edges,
        },
        {"predicateType": "https://spdx.dev/Document", "predicate": entries, "subject": edges},
    ]
    for document in documents:
        found = read_or_refused(document)
        for package in found.packages:
            assert package.name
            assert "\0" not in package.name + package.version + package.supplier
            assert len(package.licences) == len(set(package.licences))
        assert len(found.packages) <= packages.MAX_PACKAGES


@given(data=st.binary(max_size=60))
def test_any_bytes_are_no_bill(data: bytes):
    assert not is_sbom(data)
    with pytest.raises(ParseError):
        read_sbom(data)
