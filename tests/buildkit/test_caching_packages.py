"""Versions by the rules of their ecosystems, packages of layers, and caches without some layers."""

import gzip
import io
import tarfile
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buildkit.caching.installing import Bound
from buildkit.caching.packages import Package, read_layer, same_name
from buildkit.caching.surgery import parents, without
from buildkit.caching.versions import Ecosystem, NoVersionError, is_below
from buildkit.errors import ParseError

NPM, PYPI, DEB = Ecosystem.NPM, Ecosystem.PYPI, Ecosystem.DEB

ASCENDING = {
    # Semantic Versioning 2.0.0, section 11.
    NPM: [
        "1.0.0-alpha",
        "1.0.0-alpha.1",
        "1.0.0-alpha.beta",
        "1.0.0-beta",
        "1.0.0-beta.2",
        "1.0.0-beta.11",
        "1.0.0-rc.1",
        "1.0.0",
        "1.2.0",
        "1.10.0",
        "v2",
    ],
    PYPI: ["1.0.dev1", "1.0a1", "1.0rc1", "1.0", "1.0.post1", "1.9", "1.10", "1!0.1"],
    # deb-version(7), and what Debian's archive has.
    DEB: [
        "1.0~rc1-1",
        "1.0",
        "1.0-1",
        "1.0-1+deb12u1",
        "1.0a-1",
        "1.0+dfsg-1",
        "1.9",
        "1.10-1",
        "3.0.11-1~deb12u1",
        "3.0.11-1~deb12u2",
        "3.0.11-1",
        "1:0.9",
    ],
}


@pytest.mark.parametrize("ecosystem", list(Ecosystem))
def test_versions_ascend(ecosystem: Ecosystem):
    for lower, higher in pairwise(ASCENDING[ecosystem]):
        assert is_below(ecosystem, lower, higher), (lower, higher)
        assert not is_below(ecosystem, higher, lower), (lower, higher)


@pytest.mark.parametrize(
    ("ecosystem", "one", "other"),
    [(NPM, "1.0.0+a", "1.0.0+b"), (PYPI, "1.0", "1.0.0"), (DEB, "0:1.0-0", "1.0")],
)
def test_what_differs_in_writing_only_is_neither_below(ecosystem: Ecosystem, one: str, other: str):
    assert not is_below(ecosystem, one, other)
    assert not is_below(ecosystem, other, one)


@pytest.mark.parametrize(
    ("ecosystem", "text"), [(NPM, "latest"), (PYPI, "not-a-version"), (DEB, "-1"), (DEB, "a b")]
)
def test_what_is_no_version_is_named(ecosystem: Ecosystem, text: str):
    with pytest.raises(NoVersionError, match=f"'{text}' is no version of {ecosystem.value}"):
        is_below(ecosystem, text, "1.0.0")


def test_a_bound_is_of_the_ecosystems_that_have_its_version():
    debian = Bound("openssl", "3.0.11-1~deb12u2")
    assert debian.ecosystems() == (DEB,)
    assert debian.holds(DEB, "openssl", "3.0.9-1")
    assert not debian.holds(DEB, "openssl", "3.0.11-1")
    assert not debian.holds(NPM, "openssl", "1.0.0")
    assert Bound("left-pad", "1.3.0").ecosystems() == (NPM, PYPI, DEB)
    for bound in (Bound("a", "no version"), Bound("a", "1.0-1~x", NPM)):
        with pytest.raises(NoVersionError, match="is no version of npm"):
            bound.ecosystems()


STATUS = """\
Package: libssl3
Status: install ok installed
Version: 3.0.11-1~deb12u2
Description: Secure Sockets Layer
 toolkit

Package: gone
Status: deinstall ok config-files
Version: 1.0
"""
FILES = {
    "app/node_modules/lodash/package.json": '{"name": "other", "version": "4.17.20"}',
    "app/node_modules/@scope/kit/package.json": '{"version": "1.0.0-beta.2"}',
    "app/node_modules/lodash/lib/package.json": '{"version": "9.9.9"}',
    "app/node_modules/broken/package.json": "{",
    "usr/lib/python3/site-packages/Django_App-4.2.dist-info/METADATA": (
        "Metadata-Version: 2.1\nName: Django_App\nVersion: 4.2\n\nVersion: 1\n"
    ),
    "var/lib/dpkg/status": STATUS,
    "etc/passwd": "root",
}


def tar_of(files: dict[str, str], prefix: str = "") -> bytes:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as archive:
        for name, text in files.items():
            member = tarfile.TarInfo(prefix + name)
            member.size = len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))
    return data.getvalue()


def in_pieces(data: bytes, size: int = 777) -> Iterator[bytes]:
    yield from (data[at : at + size] for at in range(0, len(data), size))


@pytest.mark.parametrize("prefix", ["", "./"])
@pytest.mark.parametrize("compress", [bytes, gzip.compress])
def test_a_layer_tells_its_packages(prefix: str, compress: Any):
    found = read_layer(in_pieces(compress(tar_of(FILES, prefix))), "sha256:x")
    assert {(item.ecosystem, item.name, item.version) for item in found} == {
        (NPM, "lodash", "4.17.20"),
        (NPM, "@scope/kit", "1.0.0-beta.2"),
        (PYPI, "Django_App", "4.2"),
        (DEB, "libssl3", "3.0.11-1~deb12u2"),
    }


@pytest.mark.parametrize(
    "data",
    [b"", b"\x28\xb5\x2f\xfd zstd", b"rubbish" * 200, gzip.compress(tar_of(FILES), mtime=0)[:400]],
)
def test_what_cannot_be_read_is_an_error_and_not_empty(data: bytes):
    with pytest.raises(ParseError, match="sha256:x: the layer cannot be read"):
        list(read_layer(in_pieces(data), "sha256:x"))


def test_names_of_pypi_are_equal_but_for_case_and_separators():
    assert same_name(PYPI, "Django_App", "django-app")
    assert not same_name(NPM, "Lodash", "lodash")
    assert Package(PYPI, "a", "1", "p") == Package(PYPI, "a", "1", "p")


def config() -> dict[str, Any]:
    """A base of two layers, an install on it, a last step on that, and a branch beside them."""
    return {
        "layers": [
            {"blob": "base1", "parent": -1},
            {"blob": "base2"},
            {"blob": "install", "parent": 1},
            {"blob": "last", "parent": 2},
            {"blob": "beside", "parent": 1},
        ],
        "records": [
            {"digest": "source"},
            {"digest": "install", "layers": [{"layer": 2}], "inputs": [[{"link": 0}]]},
            {"digest": "last", "layers": [{"layer": 3}], "inputs": [[{"link": 1}]]},
            {"digest": "beside", "layers": [{"layer": 4}], "inputs": [[{"link": 0}]]},
        ],
    }


def test_what_stands_on_a_layer_goes_with_it_and_the_rest_is_numbered_anew():
    cut = without(config(), ["install"])
    assert (cut.records, cut.layers, cut.kept) == (2, 2, ("base1", "base2", "beside"))
    assert cut.config["layers"] == [
        {"blob": "base1", "parent": -1},
        {"blob": "base2", "parent": 0},
        {"blob": "beside", "parent": 1},
    ]
    assert cut.config["records"] == [
        {"digest": "source"},
        {"digest": "beside", "layers": [{"layer": 2}], "inputs": [[{"link": 0}]]},
    ]


def test_a_parent_that_is_left_out_is_the_first_layer():
    assert parents(config()) == {
        "base2": "base1",
        "install": "base2",
        "last": "install",
        "beside": "base2",
    }


def test_a_record_that_another_input_can_still_give_stays():
    two_ways = config()
    two_ways["records"][2]["inputs"] = [[{"link": 1}, {"link": 3}]]
    two_ways["layers"][3]["parent"] = 4
    cut = without(two_ways, ["install"])
    assert [record["digest"] for record in cut.config["records"]] == ["source", "last", "beside"]
    assert cut.config["records"][1]["inputs"] == [[{"link": 2}]]


@given(st.sets(st.sampled_from(["base1", "base2", "install", "last", "beside", "none"])))
def test_no_link_of_what_is_left_leads_nowhere(layers: set[str]):
    left = without(config(), layers).config
    assert not {item["blob"] for item in left["layers"]} & layers
    for item in left["layers"]:
        assert -1 <= item["parent"] < len(left["layers"])
    for record in left["records"]:
        assert all(0 <= item["layer"] < len(left["layers"]) for item in record.get("layers", ()))
        for links in record.get("inputs", ()):
            assert links
            assert all(0 <= link["link"] < len(left["records"]) for link in links)
