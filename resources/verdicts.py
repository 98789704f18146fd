"""What is recommended for a builder, in words with its evidence."""

from collections.abc import Mapping
from typing import Any

from analytics.alike import ENOUGH
from analytics.slots import HALF_BELOW, HALF_BUILDS, MEMORY_RATIO, Verdict, half_would_do
from buildinsights.templatetags.formats import filesize, ratio, signed_ratio

GROUP = "service, target, variant, platforms and cache state"
MIXED = "Machines with different memory go by this name: what it takes is not told."


def short_verdict(slots: Mapping[str, Any] | None) -> str:
    """Return what is recommended in a few words."""
    if slots is None:
        return "not worked out yet"
    number = slots["slots"]
    return {
        Verdict.TOO_FEW: "not enough evidence",
        Verdict.NO_SLOWDOWN: "no slow-down seen",
        Verdict.SLOTS: f"{number}",
        Verdict.OR_MORE: f"{number} or more",
        Verdict.MEMORY: "memory too small",
    }[Verdict(slots["verdict"])]


def long_verdict(found: Mapping[str, Any]) -> str:
    """Return the same as a sentence with its evidence."""
    slots, slowdown = found["slots"], found["slowdown"]
    verdict, number = Verdict(slots["verdict"]), slots["slots"]
    if verdict is Verdict.TOO_FEW:
        return _too_few(found["groups"])
    cost = (
        f"the steps of a build take {signed_ratio(slowdown['slope'])} time for each other build "
        f"beside it (95 % interval {signed_ratio(slowdown['low'])} to "
        f"{signed_ratio(slowdown['high'])})"
    )
    if verdict is Verdict.NO_SLOWDOWN:
        return f"No slow-down is sure: {cost}. Nothing here speaks for other slots."
    if verdict is Verdict.MEMORY:
        return "Not even one build is sure to fit into 90 % of the memory."
    load = next(load for load in slots["loads"] if load["at_once"] == number)
    more = "; more at once were not seen often enough" if verdict is Verdict.OR_MORE else ""
    return (
        f"{number} at once get {load['throughput']:.2f} builds done in the time of one "
        f"alone{more}. {cost[0].upper()}{cost[1:]}."
    )


def _too_few(groups: list[Mapping[str, Any]]) -> str:
    needed = (
        f"Not enough evidence: it takes {ENOUGH} builds alone and {ENOUGH} beside others "
        f"with the same {GROUP}"
    )
    if not groups:
        return f"{needed}. No build was beside another for half of its time."
    best = max(groups, key=lambda group: min(group["alone"], group["beside"]))
    return f"{needed}; the group with most has {best['alone']} alone and {best['beside']} beside."


def memory_sentence(found: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """Say what a build takes of the memory, or why that is not known."""
    memory = found["memory"]
    if memory is not None:
        return (
            f"A build adds up to {filesize(memory['per_build'])} (95 % of {memory['builds']} "
            f"alone) to the {filesize(memory['idle'])} in use without builds. Up to "
            f"{ratio(MEMORY_RATIO)} of {filesize(memory['total'])} may be taken."
        )
    if now["memory_total_low_bytes"] != now["memory_total_bytes"]:
        return MIXED
    if now["memory_peak_bytes"] is None:
        return "Memory is not recorded: whether builds at once fit is not known."
    return f"What one build takes is not known: fewer than {ENOUGH} alone have samples of memory."


def size_sentences(now: Mapping[str, Any]) -> list[str]:
    """Return what could be made smaller, as an upper bound, where the evidence carries it."""
    builds, found = now["sampled_builds"], []
    if half_would_do(now["cpu_p95"], builds):
        found.append(
            f"Half of the processors would do at most: their busy share was below "
            f"{ratio(now['cpu_p95'])} in 95 % of the time of {builds} builds."
        )
    peak, total = now["memory_p99_bytes"], now["memory_total_bytes"]
    is_one = total is not None and total == now["memory_total_low_bytes"]
    if is_one and half_would_do(None if peak is None else peak / total, builds):
        found.append(
            f"Half of the memory would do at most: less than {filesize(peak)} of "
            f"{filesize(total)} was in use in 99 % of the time of {builds} builds."
        )
    return found or [_no_smaller(builds)]


def _no_smaller(builds: int) -> str:
    if builds < HALF_BUILDS:
        return f"Whether less would do takes {HALF_BUILDS} builds with samples; there are {builds}."
    return f"Nothing says that half would do: use is above {ratio(HALF_BELOW)} or not known."
