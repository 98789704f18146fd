"""What is wrong with a cache reference: each flag at its threshold and just before it."""

from typing import Any

import pytest

from cache.flags import ENOUGH, flags, net_seconds

QUIET: dict[str, Any] = {
    "imports": 10,
    "failed_imports": 0,
    "import_seconds": 5.0,
    "pull_seconds": 15.0,
    "saved_seconds": 100.0,
    "exports": 10,
    "max_exports": 0,
    "export_seconds": 40.0,
    "crossed_exports": 0,
    "crossed_seconds": 0.0,
    "exporters": 1,
    "disjoint": [],
}


def found(*, named: bool = True, **changes: Any) -> list[str]:
    return [flag.name for flag in flags(QUIET | changes, exports_are_named=named)]


def test_a_useful_reference_is_left_alone():
    assert net_seconds(QUIET) == 40.0
    assert found() == []


@pytest.mark.parametrize(
    ("name", "at", "before"),
    [
        ("costs-more", {"saved_seconds": 59.0}, {"saved_seconds": 61.0}),
        ("imported-only", {"exports": 0, "imports": ENOUGH}, {"exports": 0, "imports": ENOUGH - 1}),
        (
            "unread",
            {"imports": 0, "max_exports": ENOUGH},
            {"imports": 0, "max_exports": ENOUGH - 1},
        ),
        ("overwritten", {"exporters": 2}, {"exporters": 1}),
        ("disjoint", {"disjoint": [("a", "b")]}, {"disjoint": []}),
        (
            "contended",
            {"crossed_exports": 5, "crossed_seconds": 25.0},
            {"crossed_exports": 5, "crossed_seconds": 23.0},
        ),
    ],
)
def test_each_flag_is_raised_where_it_is_true_and_not_before(
    name: str, at: dict[str, Any], before: dict[str, Any]
):
    assert found(**at) == [name]
    assert name not in found(**before)


def test_who_exports_where_must_be_known_to_say_that_nobody_does():
    assert found(exports=0, named=False) == []


def test_a_flag_says_the_numbers_that_it_rests_on():
    [flag] = flags(QUIET | {"saved_seconds": 30.0}, exports_are_named=True)
    assert flag.why == ("10 exports took 40 s, imports and pulls 20 s; at most 30 s were saved.")
