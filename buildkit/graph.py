"""The graph of a build: order, critical path, slack and what-if, in whole nanoseconds.

Nodes are ``0 … n-1``; ``inputs[v]`` are the nodes that ``v`` waits for. Nothing here recurses, so
that depth costs nothing; everything is O((V + E) log V) or better.
"""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass

Interval = tuple[int, int]
Inputs = Sequence[Sequence[int]]


@dataclass(frozen=True, slots=True)
class Order:
    """A topological order of all nodes and, if inputs form a cycle, one such cycle."""

    nodes: tuple[int, ...]
    cycle: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Paths:
    """Longest paths through inputs by weight.

    ``path`` is one longest path (of equal ones, the one with the earliest inputs);
    ``slack[v]`` is how much longer ``v`` could take without lengthening ``length``;
    ``gain[v]`` is how much shorter the longest path is with ``v`` at zero.
    """

    length: int
    path: tuple[int, ...]
    slack: tuple[int, ...]
    gain: tuple[int, ...]


def merge_intervals(intervals: Sequence[Interval]) -> tuple[Interval, ...]:
    """Intervals in order, with those that overlap or touch joined."""
    merged: list[Interval] = []
    for start, end in sorted(intervals):
        if merged and start <= merged[-1][1]:
            if end > merged[-1][1]:
                merged[-1] = (merged[-1][0], end)
        else:
            merged.append((start, end))
    return tuple(merged)


def union_length(intervals: Sequence[Interval]) -> int:
    """Length of the union of intervals."""
    return sum(end - start for start, end in merge_intervals(intervals))


def topological_order(inputs: Inputs, priority: Sequence[tuple[int, ...]]) -> Order:
    """Order every node after its inputs; of those that are free, the lowest priority first.

    Nodes on or behind a cycle come last, by priority; the caller has to drop their backward edges.
    """
    consumers = _consumers(inputs)
    waiting = [len(set(nodes)) for nodes in inputs]
    free = [(priority[node], node) for node, count in enumerate(waiting) if count == 0]
    heapq.heapify(free)
    done: list[int] = []
    while free:
        _, node = heapq.heappop(free)
        done.append(node)
        for consumer in consumers[node]:
            waiting[consumer] -= 1
            if waiting[consumer] == 0:
                heapq.heappush(free, (priority[consumer], consumer))
    if len(done) == len(inputs):
        return Order(tuple(done), ())
    rest = sorted((node for node, n in enumerate(waiting) if n), key=lambda node: priority[node])
    return Order((*done, *rest), _find_cycle(inputs, waiting, rest[0]))


def longest_paths(inputs: Inputs, weights: Sequence[int]) -> Paths:
    """Longest paths of nodes that are numbered in topological order (``inputs[v]`` all below v)."""
    if not weights:
        return Paths(0, (), (), ())
    ending = _ending_at(inputs, weights)
    starting = _starting_at(inputs, weights)
    length = max(ending)
    through = [a + b - weight for a, b, weight in zip(ending, starting, weights, strict=True)]
    avoiding = _avoiding(inputs, ending, starting)
    gain = tuple(
        length - max(around, via - weight)
        for around, via, weight in zip(avoiding, through, weights, strict=True)
    )
    slack = tuple(length - via for via in through)
    return Paths(length, _one_path(inputs, ending), slack, gain)


def _consumers(inputs: Inputs) -> list[list[int]]:
    consumers: list[list[int]] = [[] for _ in inputs]
    for node, nodes in enumerate(inputs):
        for source in set(nodes):
            consumers[source].append(node)
    return consumers


def _find_cycle(inputs: Inputs, waiting: Sequence[int], node: int) -> tuple[int, ...]:
    """Walk from a waiting node to waiting inputs until one repeats: every such node has one."""
    seen: dict[int, int] = {}
    walk: list[int] = []
    while node not in seen:
        seen[node] = len(walk)
        walk.append(node)
        node = next(source for source in inputs[node] if waiting[source])
    return tuple(reversed(walk[seen[node] :]))


def _ending_at(inputs: Inputs, weights: Sequence[int]) -> list[int]:
    ending: list[int] = []
    for node, weight in enumerate(weights):
        ending.append(weight + max((ending[source] for source in inputs[node]), default=0))
    return ending


def _starting_at(inputs: Inputs, weights: Sequence[int]) -> list[int]:
    starting = list(weights)
    after = [0] * len(weights)
    for node in range(len(weights) - 1, -1, -1):
        starting[node] = weights[node] + after[node]
        for source in inputs[node]:
            after[source] = max(after[source], starting[node])
    return starting


def _avoiding(inputs: Inputs, ending: Sequence[int], starting: Sequence[int]) -> list[int]:
    """Per node, the longest path that does not pass it.

    Such a path ends before the node in topological order, starts after it, or jumps over it by
    one edge ``(a, b)`` with ``a < node < b``; the best path by that edge is ``ending[a] +
    starting[b]``. The edges over the current node are kept in a heap while the node moves on.
    """
    count = len(ending)
    jumps: list[list[tuple[int, int]]] = [[] for _ in range(count)]
    for node, nodes in enumerate(inputs):
        for source in nodes:
            jumps[source].append((-(ending[source] + starting[node]), node))
    after = [0] * (count + 1)
    for node in range(count - 1, -1, -1):
        after[node] = max(after[node + 1], starting[node])
    best: list[int] = []
    heap: list[tuple[int, int]] = []
    before = 0
    for node in range(count):
        while heap and heap[0][1] <= node:
            heapq.heappop(heap)
        over = -heap[0][0] if heap else 0
        best.append(max(before, after[node + 1], over))
        before = max(before, ending[node])
        for jump in jumps[node]:
            heapq.heappush(heap, jump)
    return best


def _one_path(inputs: Inputs, ending: Sequence[int]) -> tuple[int, ...]:
    """Walk back from the last node of a longest path, so that it reaches the end of the build."""
    node = max(range(len(ending)), key=lambda item: (ending[item], item))
    path = [node]
    while inputs[node]:
        node = max(inputs[node], key=lambda item: (ending[item], -item))
        path.append(node)
    return tuple(reversed(path))
