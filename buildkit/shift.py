"""Moving a recorded build to another time, for samples that are dated relative to today."""

from dataclasses import replace

from buildkit.model import Build, LogChunk, ResourceSample, Step, Transfer


def shifted(build: Build, nanoseconds: int) -> Build:
    """Return ``build`` with every time moved by ``nanoseconds``; durations stay as they are."""
    if not nanoseconds:
        return build

    def moved(moment: int | None) -> int | None:
        return None if moment is None else moment + nanoseconds

    def moved_log(chunk: LogChunk) -> LogChunk:
        return replace(chunk, timestamp_ns=moved(chunk.timestamp_ns))

    def moved_transfer(transfer: Transfer) -> Transfer:
        return replace(
            transfer,
            started_ns=moved(transfer.started_ns),
            completed_ns=moved(transfer.completed_ns),
        )

    def moved_step(step: Step) -> Step:
        return replace(
            step,
            started_ns=moved(step.started_ns),
            completed_ns=moved(step.completed_ns),
            intervals=tuple((a + nanoseconds, b + nanoseconds) for a, b in step.intervals),
            log=tuple(moved_log(chunk) for chunk in step.log),
            transfers=tuple(moved_transfer(transfer) for transfer in step.transfers),
        )

    def moved_sample(sample: ResourceSample) -> ResourceSample:
        return replace(sample, at_ns=sample.at_ns + nanoseconds)

    return replace(
        build,
        started_ns=moved(build.started_ns),
        completed_ns=moved(build.completed_ns),
        steps=tuple(moved_step(step) for step in build.steps),
        resources=tuple(moved_sample(sample) for sample in build.resources),
    )
