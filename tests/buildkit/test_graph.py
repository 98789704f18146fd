"""Longest paths, checked by hand and against a naive search on random graphs."""

import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buildkit import graph

# A diamond: 0 (3) feeds 1 (5) and 2 (4), both feed 3 (2); 4 (6) stands alone.
DIAMOND = [(), (0,), (0,), (1, 2), ()]
WEIGHTS = [3, 5, 4, 2, 6]


@st.composite
def weighted_graphs(draw: st.DrawFn) -> tuple[list[tuple[int, ...]], list[int]]:
    count = draw(st.integers(1, 9))
    inputs = [
        tuple(sorted(draw(st.sets(st.integers(0, node - 1), max_size=3)))) if node else ()
        for node in range(count)
    ]
    weights = draw(st.lists(st.integers(0, 20), min_size=count, max_size=count))
    return inputs, weights


def naive_longest(inputs: list[tuple[int, ...]], weights: list[int]) -> int:
    def ending(node: int) -> int:
        return weights[node] + max((ending(source) for source in inputs[node]), default=0)

    return max(ending(node) for node in range(len(weights)))


def with_weight(weights: list[int], node: int, weight: int) -> list[int]:
    return [*weights[:node], weight, *weights[node + 1 :]]


def test_union_joins_what_overlaps_or_touches() -> None:
    assert graph.merge_intervals([(5, 7), (1, 3), (2, 4), (4, 5)]) == ((1, 7),)
    assert graph.merge_intervals([(1, 2), (4, 6), (5, 5)]) == ((1, 2), (4, 6))
    assert graph.union_length([(0, 10), (2, 3), (20, 25)]) == 15
    assert graph.union_length([]) == 0


def test_longest_path_by_hand() -> None:
    paths = graph.longest_paths(DIAMOND, WEIGHTS)
    assert paths.length == 3 + 5 + 2
    assert paths.path == (0, 1, 3)
    # Node 2 lies on 3 + 4 + 2 = 9, so 1 is spare; node 4 takes 6 of 10.
    assert paths.slack == (0, 0, 1, 0, 4)
    # Without 0: 5 + 2 = 7. Without 1: 3 + 4 + 2 = 9. Without 3: 8. Without 2 or 4: still 10.
    assert paths.gain == (3, 1, 0, 2, 0)


def test_no_nodes() -> None:
    assert graph.longest_paths([], []) == graph.Paths(0, (), (), ())
    assert graph.topological_order([], []) == graph.Order((), ())


def test_order_prefers_low_priority() -> None:
    order = graph.topological_order([(2,), (), ()], [(0, 0), (5, 1), (1, 2)])
    assert order == graph.Order((2, 0, 1), ())


def test_a_cycle_is_shown_and_put_last() -> None:
    order = graph.topological_order([(2,), (0,), (1,), ()], [(0,), (1,), (2,), (9,)])
    assert order.nodes == (3, 0, 1, 2)
    assert order.cycle == (1, 2, 0)


def test_a_node_that_waits_for_itself_is_a_cycle() -> None:
    assert graph.topological_order([(0,)], [(0,)]) == graph.Order((0,), (0,))


@given(weighted_graphs())
def test_length_and_path_match_a_naive_search(
    data: tuple[list[tuple[int, ...]], list[int]],
) -> None:
    inputs, weights = data
    paths = graph.longest_paths(inputs, weights)
    assert paths.length == naive_longest(inputs, weights)
    assert sum(weights[node] for node in paths.path) == paths.length
    assert all(a in inputs[b] for a, b in zip(paths.path, paths.path[1:], strict=False))


@given(weighted_graphs())
def test_gain_is_that_of_a_path_without_the_node(
    data: tuple[list[tuple[int, ...]], list[int]],
) -> None:
    inputs, weights = data
    paths = graph.longest_paths(inputs, weights)
    for node in range(len(weights)):
        shorter = naive_longest(inputs, with_weight(weights, node, 0))
        assert paths.gain[node] == paths.length - shorter


@given(weighted_graphs())
def test_slack_is_what_may_be_added_and_no_more(
    data: tuple[list[tuple[int, ...]], list[int]],
) -> None:
    inputs, weights = data
    paths = graph.longest_paths(inputs, weights)
    for node, slack in enumerate(paths.slack):
        slower = with_weight(weights, node, weights[node] + slack)
        too_slow = with_weight(weights, node, weights[node] + slack + 1)
        assert naive_longest(inputs, slower) == paths.length
        assert naive_longest(inputs, too_slow) == paths.length + 1


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 10)), max_size=8))
def test_union_length_counts_every_moment_once(pairs: list[tuple[int, int]]) -> None:
    intervals = [(start, start + length) for start, length in pairs]
    moments = {moment for start, end in intervals for moment in range(start, end)}
    assert graph.union_length(intervals) == len(moments)


@given(st.lists(st.sets(st.integers(0, 7), max_size=3), min_size=1, max_size=8))
def test_order_respects_every_input_or_shows_a_cycle(raw: list[set[int]]) -> None:
    inputs = [tuple(source for source in nodes if source < len(raw)) for nodes in raw]
    order = graph.topological_order(inputs, [(node,) for node in range(len(raw))])
    assert sorted(order.nodes) == list(range(len(raw)))
    place = {node: index for index, node in enumerate(order.nodes)}
    if order.cycle:
        following = (*order.cycle[1:], order.cycle[0])
        assert all(a in inputs[b] for a, b in zip(order.cycle, following, strict=True))
    else:
        assert all(place[a] < place[b] for b, nodes in enumerate(inputs) for a in nodes)


@pytest.mark.parametrize("shape", ["chain", "fan", "ladder"])
def test_a_hundred_thousand_nodes_take_seconds(shape: str) -> None:
    count = 100_000
    shapes: dict[str, Callable[[int], tuple[int, ...]]] = {
        "chain": lambda node: (node - 1,) if node else (),
        "fan": lambda node: (0,) if node else (),
        "ladder": lambda node: (node - 2, node - 1) if node > 1 else (),
    }
    inputs = [shapes[shape](node) for node in range(count)]
    begun = time.perf_counter()
    order = graph.topological_order(inputs, [(node,) for node in range(count)])
    paths = graph.longest_paths(inputs, [1] * count)
    assert time.perf_counter() - begun < 10
    assert len(order.nodes) == count
    assert paths.length == {"chain": count, "fan": 2, "ladder": count - 1}[shape]
