"""Which steps a change comes from: hand-computed, and whatever the builds."""

from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.attribution import attribute


def rows(before: Iterable[dict[str, float]], after: Iterable[dict[str, float]]) -> list[Any]:
    """Rows of builds, each given as seconds by step; zero is a step from the cache."""
    sides = [(False, list(before)), (True, list(after))]
    return [
        {
            "build": f"{is_after} {number}",
            "is_after": is_after,
            "identity": name,
            "platform": "linux/amd64",
            "amount": seconds,
            "ran": seconds > 0,
        }
        for is_after, builds in sides
        for number, steps in enumerate(builds)
        for name, seconds in steps.items()
    ]


def test_the_step_that_takes_longer_has_its_share():
    found = attribute(
        rows([{"a": 10, "b": 5, "c": 1}] * 3, [{"a": 16, "b": 7, "c": 1}] * 2), is_more=True
    )
    assert [(part.identity, part.delta, part.share) for part in found] == [
        ("a", 6, 0.75),
        ("b", 2, 0.25),
    ]
    assert (found[0].median_before, found[0].median_after, found[0].runs_more) == (10, 16, False)


def test_a_step_that_misses_more_often_is_told_from_one_that_is_more():
    before = [{"a": 0, "b": 4}] * 3 + [{"a": 20, "b": 4}]
    [part] = attribute(rows(before, [{"a": 20, "b": 4}] * 4), is_more=True)
    assert (part.identity, part.before, part.after) == ("a", 5, 20)
    assert (part.ran_before, part.ran_after, part.share, part.runs_more) == (0.25, 1, 1, True)


def test_a_new_step_and_one_that_is_gone_are_seen():
    [new] = attribute(rows([{"a": 5}] * 2, [{"a": 5, "new": 3}] * 2), is_more=True)
    assert (new.identity, new.before, new.median_before) == ("new", 0, None)
    [gone] = attribute(rows([{"a": 5, "old": 3}] * 2, [{"a": 5}] * 2), is_more=False)
    assert (gone.identity, gone.delta, gone.share) == ("old", -3, 1)


def test_what_changed_the_other_way_is_not_told():
    [part] = attribute(rows([{"a": 10, "b": 1}], [{"a": 1, "b": 9}]), is_more=True)
    assert (part.identity, part.share) == ("b", 1)


@pytest.mark.parametrize(("before", "after"), [([], []), ([{"a": 1.0}], []), ([{"a": 1.0}],) * 2])
def test_without_two_sides_or_a_change_there_is_nothing(before: Any, after: Any):
    assert attribute(rows(before, after), is_more=True) == []


STEPS = st.dictionaries(st.sampled_from("abcdef"), st.floats(0, 1000), min_size=1)


@given(st.lists(STEPS, min_size=1, max_size=5), st.lists(STEPS, min_size=1, max_size=5))
def test_shares_are_of_one_whole(before: list[dict[str, float]], after: list[dict[str, float]]):
    for is_more in (True, False):
        found = attribute(rows(before, after), is_more=is_more)
        assert sum(part.share for part in found) <= 1 + 1e-9
        assert [part.share for part in found] == sorted(
            (part.share for part in found), reverse=True
        )
        assert all((part.delta > 0) is is_more for part in found)
