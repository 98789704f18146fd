"""Moving a build in time changes times and nothing else."""

from dataclasses import replace

from buildkit.model import (
    Build,
    BuildStatus,
    CacheCounts,
    LogChunk,
    ResourceSample,
    Step,
    StepKind,
    StepState,
    Timing,
    Transfer,
)
from buildkit.shift import shifted

STEP = Step(
    position=0,
    vertex_digest="sha256:aa",
    name="RUN true",
    kind=StepKind.RUN,
    state=StepState.EXECUTED,
    stage="build",
    platform="linux/amd64",
    instruction="RUN true",
    ordinal=0,
    identity="x",
    inputs=(),
    intervals=((100, 200), (300, 400)),
    started_ns=100,
    completed_ns=400,
    busy_seconds=2e-7,
    slack_seconds=0.0,
    critical=True,
    what_if_seconds=2e-7,
    transfers=(Transfer("t", "t", 1, 2, 100, None),),
    log=(LogChunk(150, 1, b"x"), LogChunk(None, 1, b"y")),
)
BUILD = Build(
    buildkit_ref="ref",
    status=BuildStatus.SUCCEEDED,
    target="",
    platforms=("linux/amd64",),
    started_ns=50,
    completed_ns=500,
    timing=Timing(4.5e-7, 2e-7, 2e-7, 0.4, 2.5e-7),
    cache=CacheCounts(1, 0, 1, 0),
    steps=(STEP,),
    resources=(ResourceSample(60, cpu_ratio=0.5),),
)


def test_every_time_moves():
    build = shifted(BUILD, 1000)
    [step] = build.steps
    assert (build.started_ns, build.completed_ns) == (1050, 1500)
    assert (step.started_ns, step.completed_ns) == (1100, 1400)
    assert step.intervals == ((1100, 1200), (1300, 1400))
    assert [chunk.timestamp_ns for chunk in step.log] == [1150, None]
    assert (step.transfers[0].started_ns, step.transfers[0].completed_ns) == (1100, None)
    assert build.resources[0].at_ns == 1060


def test_there_and_back_is_the_same():
    assert shifted(shifted(BUILD, 1000), -1000) == BUILD


def test_unknown_times_stay_unknown():
    build = shifted(replace(BUILD, started_ns=None, completed_ns=None), 1000)
    assert (build.started_ns, build.completed_ns) == (None, None)
