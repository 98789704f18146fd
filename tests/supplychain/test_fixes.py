"""What to change in a Dockerfile, as diffs."""

import pytest

from supplychain.imagechecks.fixes import bases_of, fix_of

DIGEST = "sha256:" + "a" * 64
FILE = """\
FROM alpine:3.20 AS build
RUN make
FROM r.example:5000/base
COPY --from=build /a /a
CMD ["/a"]
"""
BASES = {
    "pkg:docker/alpine@3.20?platform=linux%2Famd64": DIGEST,
    "pkg:docker/r.example%3A5000/base@latest?platform=linux%2Famd64": DIGEST,
}


def changes(check_id: str, text: str = FILE, target: str = "") -> list[str]:
    """The lines that a fix removes and adds."""
    found = fix_of(check_id, text, path="Dockerfile", target=target, bases=BASES)
    return [line for line in found.splitlines()[2:] if line[:1] in "+-"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (FILE, ["+USER 10001:10001"]),
        (FILE + "USER root\n", ["-USER root", "+USER 10001:10001"]),
        ("FROM scratch", ["-FROM scratch", "\\", "+FROM scratch", "+USER 10001:10001"]),
        ("FROM scratch\nUSER \\\n root\n", []),
        ("no Dockerfile", []),
    ],
)
def test_a_user(text: str, expected: list[str]):
    assert changes("user", text) == [line for line in expected if line != "\\"]


def test_a_user_is_set_before_what_is_started():
    found = fix_of("user", FILE, path="Dockerfile", bases={})
    assert found.index("+USER") < found.index(' CMD ["/a"]')


def test_the_stage_that_was_built_is_changed():
    assert "@@ -1,5 +1,6 @@" in fix_of("user", FILE, path="D", target="build", bases={})
    assert changes("user", target="unknown") == []


def test_a_health_check():
    assert changes("healthcheck") == ['+HEALTHCHECK CMD ["/path/to/your/check"]']
    assert changes("healthcheck", FILE + "HEALTHCHECK NONE\n") == []


def test_bases_are_pinned_by_what_the_build_took():
    assert changes("base-pinned") == [
        "-FROM alpine:3.20 AS build",
        f"+FROM alpine:3.20@{DIGEST} AS build",
        "-FROM r.example:5000/base",
        f"+FROM r.example:5000/base@{DIGEST}",
    ]
    assert changes("base-pinned", f"FROM alpine:3.20@{DIGEST}\nFROM $BASE\n") == []


def test_other_checks_have_no_diff():
    assert changes("setuid") == []


def test_bases_of_facts_of_any_form():
    assert bases_of({"bases": [{"uri": "a", "digest": "b"}, 1]}) == {"a": "b"}
    assert bases_of({"bases": 1}) == {}
