"""Identity of packages."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supplychain.reports.model import Package, Target
from supplychain.reports.purls import IDENTITY_LIMIT, package_identity

NPM = Target("package-lock.json", "lang-pkgs", "npm")
DEBIAN = Target("app (debian 12)", "os-pkgs", "debian")


@pytest.mark.parametrize(
    ("package", "identity"),
    [
        (Package(DEBIAN, "libssl3", "3.0", "pkg:deb/debian/libssl3@3.0?arch=amd64"), None),
        (Package(DEBIAN, "libssl3", "3.1", "pkg:deb/debian/libssl3@3.1"), None),
        (Package(NPM, "ms", "2", "pkg:pypi/Some_Name@2"), "pkg:pypi/some-name"),
        (Package(DEBIAN, "libssl3", "3.1", path="ignored"), "debian:libssl3"),
        (Package(NPM, "ms", "2", "pkg:npm/%40a/ms@2?x=y#sub/path"), "pkg:npm/%40a/ms"),
        (Package(NPM, "ms", "2", "pkg:npm/@a/ms@2"), "pkg:npm/%40a/ms"),
        (Package(NPM, "ms", "2", "no package URL"), "npm:ms"),
        (Package(NPM, "ms", "2", path="app/ms/package.json"), "npm:ms:app/ms/package.json"),
    ],
)
def test_identity_is_without_version(package: Package, identity: str | None):
    assert package_identity(package) == (identity or "pkg:deb/debian/libssl3")


@pytest.mark.parametrize("purl", ["pkg:npm/a\ud800", "pkg:npm", "pkg:", "npm/a@1", "pkg:/a"])
def test_a_package_url_that_is_none(purl: str):
    assert package_identity(Package(NPM, "ms", "2", purl)) == "npm:ms"


def test_identities_are_bounded():
    purl = f"pkg:npm/{'é' * 990}@1"
    assert len(package_identity(Package(NPM, "ms", "2", purl))) == IDENTITY_LIMIT


@given(purl=st.text(max_size=40) | st.text(max_size=30).map(lambda rest: f"pkg:{rest}"))
def test_every_package_has_an_identity(purl: str):
    assert package_identity(Package(NPM, "ms", "2", purl))
