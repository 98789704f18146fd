"""Resource samples: of the whole builder (``sysUsage``, a sampler) and of one step's cgroup."""

from buildkit.limits import Limits
from buildkit.model import ResourceSample, StepUsage
from buildkit.status import Problems
from buildkit.times import NANOSECONDS, parse_time
from buildkit.values import Json, as_dict, as_dicts, as_float, as_size, load_object

_KIBIBYTE = 1024
_BUSY = ("user", "nice", "system", "irq", "softirq")
_NOT_BUSY = ("idle", "iowait", "steal")
_SIZES = (
    "memory_used_bytes",
    "memory_total_bytes",
    "disk_read_bytes",
    "disk_write_bytes",
    "network_rx_bytes",
    "network_tx_bytes",
)


def read_sys_usage(samples: list[Json]) -> tuple[ResourceSample, ...]:
    """Builder-wide samples of provenance, in order of time.

    Processor counters are cumulative seconds over all processors (``/proc/stat``), so the busy
    share of the first sample is unknown. Memory is in KiB (``/proc/meminfo``).
    """
    result: list[ResourceSample] = []
    previous: Json = {}
    for sample in sorted(samples, key=lambda item: parse_time(item.get("timestamp")) or 0):
        at_ns = parse_time(sample.get("timestamp"))
        if at_ns is None:
            continue
        cpu = as_dict(sample.get("cpuStat"))
        memory = as_dict(sample.get("memoryStat"))
        total = as_size(memory.get("total"))
        available = as_size(memory.get("available"))
        used = None if total is None or available is None else max(0, total - available)
        result.append(
            ResourceSample(
                at_ns=at_ns,
                cpu_ratio=cpu_ratio(previous, cpu),
                memory_used_bytes=None if used is None else used * _KIBIBYTE,
                memory_total_bytes=None if total is None else total * _KIBIBYTE,
            )
        )
        previous = cpu
    return tuple(result)


def cpu_ratio(before: Json, after: Json) -> float | None:
    """Busy share (0-1) between two cumulative samples.

    Busy is user, nice, system and interrupts; the whole adds idle, waiting for disks, and what
    the hypervisor gave to others.
    """
    if not before or not after:
        return None
    busy = sum(_grown(before, after, name) for name in _BUSY)
    total = busy + sum(_grown(before, after, name) for name in _NOT_BUSY)
    return busy / total if total > 0 else None


def read_step_usage(usage: Json) -> StepUsage | None:
    """What one step used: counters of its last sample, and the highest peak of memory."""
    samples = as_dicts(usage.get("samples"))
    if not samples:
        return None
    last = samples[-1]
    cpu_nanos = as_size(as_dict(last.get("cpuStat")).get("usageNanos"))
    peaks = [as_size(as_dict(sample.get("memoryStat")).get("peak")) for sample in samples]
    io = as_dict(last.get("ioStat"))
    network = as_dict(last.get("netStat"))
    return StepUsage(
        cpu_seconds=None if cpu_nanos is None else cpu_nanos / NANOSECONDS,
        memory_peak_bytes=max((peak for peak in peaks if peak is not None), default=None),
        disk_read_bytes=as_size(io.get("readBytes")),
        disk_write_bytes=as_size(io.get("writeBytes")),
        network_rx_bytes=as_size(network.get("rxBytes")),
        network_tx_bytes=as_size(network.get("txBytes")),
    )


def read_samples(
    data: bytes, path: str, limits: Limits, problems: Problems
) -> tuple[ResourceSample, ...]:
    """Samples of a sampler, one JSON object a line; a broken line is a problem."""
    samples: list[ResourceSample] = []
    for number, line in enumerate(data.splitlines(), start=1):
        if not line.strip():
            continue
        place = f"{path}/line {number}"
        try:
            values = load_object(line, place, limits)
        except ValueError as error:
            problems.add(place, str(error).removeprefix(f"{place}: "))
            continue
        at_ns = parse_time(values.get("timestamp"))
        if at_ns is None:
            problems.add(place, "a sample without a timestamp")
            continue
        sizes = {name: as_size(values.get(name)) for name in _SIZES}
        ratio = as_float(values.get("cpu_ratio"))
        samples.append(ResourceSample(at_ns=at_ns, cpu_ratio=ratio, **sizes))
    return tuple(sorted(samples, key=lambda sample: sample.at_ns))


def _grown(before: Json, after: Json, name: str) -> float:
    """Growth of a counter; a counter that went back was reset and counts from zero."""
    first, last = as_float(before.get(name)) or 0.0, as_float(after.get(name)) or 0.0
    return last - first if last >= first else last
