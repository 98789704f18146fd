"""The order of versions: the examples of each ecosystem's own rules, and what any order keeps."""

from itertools import combinations, pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from supplychain.versions.errors import InvalidRangeError, InvalidVersionError
from supplychain.versions.ranges import Range, is_within
from supplychain.versions.schemes import SCHEMES, compare, scheme_of

ASCENDING = {
    # semver.org, section 11, and the release beyond it.
    "npm": (
        "1.0.0-alpha 1.0.0-alpha.1 1.0.0-alpha.beta 1.0.0-beta 1.0.0-beta.2 1.0.0-beta.11"
        " 1.0.0-rc.1 1.0.0 1.0.1 1.2.0 1.10.0 2.0.0"
    ),
    "golang": "v0.0.0-20200101000000-abcdef123456 v0.1.0 v1.0.0-rc.1 v1.0.0 v1.2.3 v1.11.0",
    "nuget": "1.0.0-Alpha 1.0.0-beta 1.0.0 1.0.0.1 1.0.1",
    # RubyGems' documentation of Gem::Version.
    "gem": "1.a 1.b 1 1.0.1 1.1.rc1 1.1 1.9 1.10",
    # PEP 440, "Summary of permitted suffixes and relative ordering".
    "pypi": "1.dev0 1.0.dev456 1.0a1 1.0a2.dev456 1.0a12 1.0b1.dev456 1.0b2 1.0rc1 1.0 1.0.post456"
    " 1.1.dev1 1!0.1",
    # Maven's POM reference, "Version Order Specification".
    "maven": (
        "1-alpha-1 1-beta-1 1-milestone-1 1-rc-1 1-snapshot 1 1-sp 1-foo2 1-foo10 1-1 1.1"
        " 1.1.2 2.9 2.10 2.17.0"
    ),
    # deb-version(7): a tilde is before the end; letters are before all else.
    "deb": (
        "1.0~~ 1.0~~a 1.0~ 1.0 1.0-1~deb12u1 1.0-1 1.0-1+b1 1.0a 1.0+dfsg-1 1.0.1 1.2 1.10 1:0.1"
    ),
    # RPM's manual, "Version comparison": a tilde is before, a caret after the end.
    "rpm": ("1.0~rc1 1.0 1.0-1 1.0-1.el8 1.0-2.el8 1.0^git1 1.0^git2 1.0a 1.0.1 1.2 1.10 1:0.9"),
    # apk's package specification: suffixes before and after a release.
    "apk": (
        "1.0_alpha 1.0_alpha2 1.0_beta 1.0_pre1 1.0_rc1 1.0 1.0-r0 1.0-r1 1.0_git20200101"
        " 1.0_p1 1.0a 1.0.01 1.0.1 1.2 1.10"
    ),
}
SAME = [
    ("npm", "1.0.0+build.1", "v1.0.0"),
    ("gem", "1.0", "1"),
    ("gem", "1.0.0-rc1", "1.0.0.pre.rc1"),
    ("pypi", "1.0.0-rc.1", "1rc1"),
    ("maven", "1.ga", "1"),
    ("maven", "1-ga", "1.0"),
    ("maven", "1.0.0-foo.0.0", "1-foo"),
    ("maven", "1.0.0-0.0.0", "1-final-ga"),
    ("maven", "1.foo", "1-foo"),
    ("maven", "1-a1", "1-alpha-1"),
    ("maven", "1-cr", "1-rc"),
    ("maven", "2.17.0.Final", "2.17"),
    ("deb", "0:1.0-0", "1.0"),
    ("deb", "1.0-01", "1.0-1"),
    ("rpm", "0:1.0-1", "1.0-1"),
    ("rpm", "1.0.0", "1_0_0"),
    ("apk", "1.0~abc123", "1.0"),
]
MORE_MAVEN = [("1-sp-1", "1-ga-1"), ("1-ga.1", "1-sp.1"), ("1-foo", "1-1"), ("1.x", "1-1")]
INVALID = [
    ("npm", "1.1.1q"),
    ("npm", ""),
    ("npm", "latest"),
    ("gem", "one"),
    ("pypi", "1.0-SNAPSHOT"),
    ("maven", ""),
    ("maven", "1 2"),
    ("deb", ""),
    ("deb", "x:1"),
    ("deb", "1 0"),
    ("rpm", "a:b:c"),
    ("apk", "v1"),
    ("apk", "1.0_what"),
    ("npm", "1" * 301),
]


@pytest.mark.parametrize("ecosystem", sorted(ASCENDING))
def test_versions_are_in_the_order_of_their_ecosystem(ecosystem: str):
    versions = ASCENDING[ecosystem].split()
    for one, other in combinations(versions, 2):
        assert compare(ecosystem, one, other) == -1, (one, other)
        assert compare(ecosystem, other, one) == 1, (one, other)


@pytest.mark.parametrize(("ecosystem", "one", "other"), SAME)
def test_versions_that_are_the_same(ecosystem: str, one: str, other: str):
    assert compare(ecosystem, one, other) == compare(ecosystem, other, one) == 0


@pytest.mark.parametrize(("one", "other"), MORE_MAVEN)
def test_qualifiers_of_maven_are_before_numbers(one: str, other: str):
    assert compare("maven", one, other) == -1


@pytest.mark.parametrize(("ecosystem", "version"), INVALID)
def test_what_is_no_version_is_told(ecosystem: str, version: str):
    scheme = SCHEMES[ecosystem]
    with pytest.raises(InvalidVersionError):
        scheme.key(version)
    assert compare(ecosystem, version, version) is None


def test_the_order_of_a_foreign_ecosystem_is_not_guessed():
    assert scheme_of("conda") is None
    assert compare("conda", "1", "2") is None
    assert is_within("1", Range.parse("<2"), scheme_of("conda")) is None
    assert is_within("2", Range.parse("=2"), scheme_of("conda")) is True
    assert is_within("2", Range.parse(""), scheme_of("conda")) is True


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        ("<2.17", "2.9 2.16.9", "2.17 2.17.1 10"),
        (">=1.0 <2", "1 1.5", "0.9 2 2.1"),
        (">=1.0,<2", "1.0 1.99", "2"),
        ("> 1.0 , <= 2.0", "1.1 2", "1 2.1"),
        ("1.0", "1 1.0", "1.1"),
        ("==1.0", "1.0.0", "2"),
        ("!=1.0", "2", "1"),
        ("", "1 2 3", ""),
    ],
)
def test_ranges_hold_what_they_say(text: str, inside: str, outside: str):
    wanted, scheme = Range.parse(text), SCHEMES["maven"]
    assert all(wanted.admits(version, scheme) for version in inside.split())
    assert not any(wanted.admits(version, scheme) for version in outside.split())


@pytest.mark.parametrize("text", ["<", "<>1", "1 <", "=>1", "< < 1", " ".join(["<1"] * 11)])
def test_what_is_no_range_is_refused(text: str):
    with pytest.raises(InvalidRangeError):
        Range.parse(text)


LIKELY = st.from_regex(r"v?[0-9]{1,3}([.\-_+~^:]?([0-9]{1,3}|[a-z]{1,5})){0,6}", fullmatch=True)


@pytest.mark.parametrize("ecosystem", sorted(SCHEMES))
@given(texts=st.lists(LIKELY | st.text(max_size=12), min_size=3, max_size=6))
def test_any_texts_have_one_order_or_none(ecosystem: str, texts: list[str]):
    scheme, keys = SCHEMES[ecosystem], []
    for text in texts:
        try:
            keys.append(scheme.key(text))
        except InvalidVersionError:
            continue
    for one in keys:
        assert not one < one
    for one, other in combinations(keys, 2):
        assert [one < other, one == other, other < one].count(True) == 1
    ordered = sorted(keys)
    assert all(not other < one for one, other in pairwise(ordered))
    assert not ordered or not ordered[-1] < ordered[0]


@given(text=st.text(max_size=40))
@example(text="1.²")  # a digit, and no number
@example(text="1:²-³")
def test_any_text_is_a_range_or_refused(text: str):
    try:
        wanted = Range.parse(text)
    except InvalidRangeError:
        return
    for scheme in SCHEMES.values():
        assert is_within("1.0", wanted, scheme) in {True, False, None}
