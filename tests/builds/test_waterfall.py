"""The timeline's numbers, by hand and by property."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builds.models import Build, Step
from builds.waterfall import (
    axis,
    busy_curve,
    idle_gaps,
    longest,
    polygon,
    sample_curve,
    short_name,
    waterfall,
)

INTERVALS = st.lists(
    st.tuples(st.floats(0, 100), st.floats(0, 100)).map(lambda pair: tuple(sorted(pair)))
)


def make_step(position: int, *intervals: tuple[float, float], **fields) -> Step:
    busy = sum(end - begin for begin, end in intervals)
    values = {"position": position, "name": f"[s 1/2] RUN {position}", "state": "executed"}
    values |= {"intervals": [list(pair) for pair in intervals], "busy_seconds": busy}
    return Step(**(values | {"critical": False, "slack_seconds": 0.0} | fields))


def test_bars_and_links_lie_where_the_steps_ran():
    build = Build(wall_seconds=10.0, critical_path_seconds=7.0, parallelism=1.2, idle_seconds=1.0)
    steps = [
        make_step(0, (0, 2), critical=True),
        make_step(1, (2, 4), (5, 6), slack_seconds=3.0),
        make_step(2, (5, 10), critical=True),
        make_step(3),
    ]
    drawn = waterfall(build, steps)
    first, second, third = drawn["rows"]
    assert first["bars"] == [{"x": 0.0, "width": 20.0}]
    assert second["bars"] == [{"x": 20.0, "width": 20.0}, {"x": 50.0, "width": 10.0}]
    assert second["slack_bar"] == {"x": 60.0, "end": 90.0}
    assert third["slack_bar"] is None
    # from the end of row 1 of 3 to the start of row 3 of 3
    assert drawn["links"] == [{"x1": 20.0, "y1": 16.667, "x2": 50.0, "y2": 83.333}]
    assert [row["label"] for row in drawn["not_started"]] == ["RUN 3"]
    assert drawn["busy_lane"]["max_label"] == "2"


def test_the_axis_has_round_times():
    assert [tick["label"] for tick in axis(10.0)] == ["0 s", "2 s", "4 s", "6 s", "8 s", "10 s"]
    assert axis(0) == []


@given(st.floats(0.01, 1e6))
def test_the_axis_never_crowds(seconds: float):
    ticks = axis(seconds)
    assert 1 <= len(ticks) <= 9
    assert all(0 <= tick["x"] <= 100 for tick in ticks)


def test_the_busy_curve_is_a_staircase():
    curve = busy_curve([(0, 2), (1, 3)], 4.0)
    assert curve.points == [
        (0, 0),
        (0, 0),
        (0, 1),
        (1, 1),
        (1, 2),
        (2, 2),
        (2, 1),
        (3, 1),
        (3, 0),
        (4, 0),
    ]
    assert (curve.peak, curve.mean) == (2, 1.0)


@given(INTERVALS)
def test_busy_and_idle_add_up_to_the_whole(intervals):
    idle = sum(end - begin for begin, end in idle_gaps(intervals, 100.0))
    curve = busy_curve(intervals, 100.0)
    busy = sum(
        after[0] - before[0]
        for before, after in zip(curve.points, curve.points[1:], strict=False)
        if before[1] > 0
    )
    assert idle + busy == pytest.approx(100.0)
    assert curve.mean * 100 == pytest.approx(sum(end - begin for begin, end in intervals))


def test_samples_outside_the_timeline_are_left_out():
    curve = sample_curve([-1, 0, 1, 2, 99], [9, 0.5, None, 1.0, 9], 10.0)
    assert curve is not None
    assert curve.points == [(0, 0.5), (2, 1.0)]
    assert polygon(curve, 10.0) == "0.0,100.0 0.0,50.0 200.0,0.0 200.0,100.0"
    assert sample_curve([1], [1], 10.0) is None


def test_of_very_many_steps_the_critical_and_longest_are_shown_in_order():
    steps = [make_step(i, (0, i), critical=i == 0) for i in range(5)]
    assert [step.position for step in longest(steps, most=3)] == [0, 3, 4]


@pytest.mark.parametrize(
    ("name", "short"),
    [
        ("[build 2/7] RUN make", "RUN make"),
        ("[internal] load build context", "[internal] load build context"),
        ("exporting to image", "exporting to image"),
        ("[odd", "[odd"),
    ],
)
def test_short_names(name: str, short: str):
    assert short_name(name) == short
