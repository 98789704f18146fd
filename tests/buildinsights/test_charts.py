"""Charts: the same scales as SVG and as a figure, by values worked out by hand."""

import json
import re
from datetime import UTC, date, datetime
from typing import Any

import plotly.graph_objects as go
import pytest
from django.template.loader import render_to_string

from buildinsights.charts import Chart, Level, Mark, Spot, draw
from buildinsights.charts.ticks import ticks
from buildinsights.templatetags.formats import duration, filesize

DAYS = [date(2026, 11, day) for day in (2, 3, 4, 5)]


def spots() -> list[Spot]:
    """10 s, a gap, then 20 and 40 s, with ranges; the last leads to builds."""
    return [
        Spot(DAYS[0], 10.0, ["10 s"], "/one/", 5.0, 15.0, {"90 %": 30.0}),
        Spot(DAYS[1], None),
        Spot(DAYS[2], 20.0, ["20 s"], "/three/", 10.0, 30.0, {"90 %": 100.0}),
        Spot(DAYS[3], 40.0, ["40 s"], "/four/", 20.0, 50.0, {"90 %": 60.0}),
    ]


def chart(**fields: Any) -> Chart:
    values: dict[str, Any] = {
        "spots": spots(),
        "unit": "s",
        "shown": duration,
        "summary": "Wall time",
        "range_name": "25 to 75 %",
    }
    return Chart(**values | fields)


def drawn(**fields: Any) -> dict[str, Any]:
    found = draw(chart(**fields))
    assert found is not None
    # Refuses what Plotly's schema does not know; the browser puts the colours in.
    go.Figure(json.loads(re.sub(r'"--[^"]+"', '"#123456"', json.dumps(found["figure"]))))
    return found


def traces(found: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {trace["name"]: trace for trace in found["figure"]["data"]}


def test_the_line_has_its_gaps_and_leads_to_its_builds():
    line = traces(drawn())["Median"]
    assert line["x"] == ["2026-11-02", "2026-11-03", "2026-11-04", "2026-11-05"]
    assert line["y"] == [10.0, None, 20.0, 40.0]
    assert line["customdata"] == ["/one/", "", "/three/", "/four/"]
    gap = traces(drawn())["Gap"]
    assert (gap["x"], gap["y"]) == (["2026-11-02", "2026-11-04", None], [10.0, 20.0, None])
    assert gap["line"]["dash"] == "dot"


def test_a_range_is_a_polygon_of_neighbours_and_a_bar_of_one_alone():
    polygon, bar = [t for t in drawn()["figure"]["data"] if t["name"] == "25 to 75 %"]
    assert polygon["x"] == ["2026-11-04", "2026-11-05", "2026-11-05", "2026-11-04", None]
    assert polygon["y"] == [30.0, 50.0, 20.0, 10.0, None]
    assert bar["y"] == [15.0, 5.0, None]
    assert "fill" not in bar


def test_further_lines_are_off_until_they_are_switched_on():
    found = drawn()
    line = traces(found)["90 %"]
    assert (line["visible"], line["y"]) == (False, [30.0, None, 100.0, 60.0])
    assert line["text"][0] == "90 %: 30 s"
    assert [(item["name"], item.get("is_switch", False)) for item in found["key"]] == [
        ("Median", False),
        ("25 to 75 %", False),
        ("90 %", True),
    ]


def test_the_scales_of_both_are_the_same():
    found = drawn()
    # The top is 6 % above the highest of what is shown at once: 53. A fifth of it is 10.6, and so
    # there is a mark each 15 s; further lines go up to 100.
    axis = found["figure"]["layout"]["yaxis"]
    assert axis["range"] == [0, 53.0]
    assert axis["tickvals"] == [0, 15, 30, 45, 60, 75, 90]
    assert axis["ticktext"][4] == "1 m 0 s"
    assert [(tick["label"], tick["y"]) for tick in found["svg"]["grid"]] == [
        ("0 s", 200.0),
        ("15 s", 143.4),
        ("30 s", 86.8),
        ("45 s", 30.2),
    ]
    # Three days, of which 1.5 % are left free on both sides: 0.045 of 3.09 days.
    left, right = found["figure"]["layout"]["xaxis"]["range"]
    assert (left, right) == ("2026-11-01 22:55:12", "2026-11-05 01:04:48")
    assert found["svg"]["lines"] == ["14.6,162.3 14.6,162.3", "661.8,124.5 985.4,49.1"]
    assert found["svg"]["gaps"] == ["14.6,162.3 661.8,124.5"]
    assert [end["label"] for end in found["svg"]["axis"]] == ["2 Nov 2026", "5 Nov 2026"]


def test_a_mark_is_a_line_with_a_handle_that_says_what_it_is():
    at = datetime(2026, 11, 4, 12, tzinfo=UTC)
    found = drawn(marks=[Mark(at, "Wall time up 40 %", "worse", "/changes/1/")])
    [shape] = found["figure"]["layout"]["shapes"]
    assert (shape["x0"], shape["x1"]) == ("2026-11-04 12:00:00",) * 2
    assert (shape["yref"], shape["line"]["color"]) == ("paper", "--failed")
    handle = traces(found)["Change"]
    assert (handle["text"], handle["customdata"]) == (["Wall time up 40 %"], ["/changes/1/"])
    assert found["svg"]["marks"] == [{"x": 823.6, "state": "worse"}]


def test_a_level_holds_for_a_time_and_one_far_above_is_left_out():
    near = Level("Before: 15 s", 15.0, last=DAYS[2])
    found = drawn(levels=[near, Level("Limit", 101.0)])
    [shape] = found["figure"]["layout"]["shapes"]
    assert (shape["y0"], shape["y1"], shape["x1"]) == (15.0, 15.0, "2026-11-04")
    assert shape["label"]["text"] == "Before: 15 s"
    assert found["svg"]["levels"] == [{"x1": 0.0, "x2": 661.8, "y": 143.4}]
    layout = drawn(levels=[Level("Limit", 100.0)])["figure"]["layout"]
    assert layout["yaxis"]["range"][1] == 106.0
    assert (shape["label"]["yanchor"], layout["shapes"][0]["label"]["yanchor"]) == ("bottom", "top")


def test_single_values_stand_beside_the_line():
    at = datetime(2026, 11, 4, 6, 30, tzinfo=UTC)
    dots = [Spot(at, 25.0, ["25 s"], "/build/"), Spot(DAYS[3], 40.0)]
    found = drawn(dots=dots, dots_name="Builds")
    trace = traces(found)["Builds"]
    assert (trace["mode"], trace["x"][0]) == ("markers", "2026-11-04 06:30:00")
    assert len(found["svg"]["dots"]) == 2
    assert draw(chart(spots=[], dots=dots)) is not None


def test_two_values_are_the_least():
    assert draw(chart(spots=spots()[:2])) is None
    assert draw(chart(spots=[])) is None
    assert draw(chart(spots=[spots()[0], spots()[2]])) is not None


def test_a_chart_of_zeros_and_one_of_a_single_moment_have_scales():
    zeros = drawn(spots=[Spot(day, 0.0) for day in DAYS])
    assert zeros["figure"]["layout"]["yaxis"]["range"] == [0, 1.06]
    assert drawn(spots=[Spot(DAYS[0], 1.0), Spot(DAYS[0], 2.0)])["svg"]["lines"]


def test_what_others_wrote_is_text_for_plotly_and_for_the_page():
    hostile = "<a href='javascript:x'>&</script><script>x()</script>"
    found = drawn(spots=[Spot(day, 1.0, [hostile, "second"]) for day in DAYS])
    text = traces(found)["Median"]["text"][0]
    assert text.startswith("&lt;a href='javascript:x'&gt;&amp;&lt;/script&gt;")
    assert text.endswith("<br>second")
    page = render_to_string("components/plot.html", {"chart": found})
    assert page.count("</script>") == 2, "that of the data, and that of chart.js"
    assert "<script>" not in page


def test_the_page_has_the_svg_the_data_and_the_way_to_plotly():
    found = drawn(zoom="?metric=wall_seconds", links={"As CSV": "/x/?format=csv"}, table="points")
    page = render_to_string("components/plot.html", {"chart": found})
    for part in (
        'class="chart"',
        'aria-label="Wall time"',
        '<script type="application/json">',
        "plotly.min.js",
        'data-zoom="?metric=wall_seconds"',
        'data-table="points"',
        'href="/x/?format=csv"',
    ):
        assert part in page, part
    assert found["figure"]["layout"]["dragmode"] == "zoom"
    assert drawn()["figure"]["layout"]["dragmode"] is False, "without a place to zoom to"


@pytest.mark.parametrize(
    ("unit", "shown", "most", "expected"),
    [
        ("s", 4.4, 4.4, [0, 1, 2, 3, 4]),
        ("s", 0.42, 0.42, [0, 0.1, 0.2, 0.3, 0.4]),
        ("s", 100, 100, [0, 30, 60, 90]),
        ("s", 7_000, 7_000, [0, 1_800, 3_600, 5_400]),
        ("s", 400_000, 400_000, [0, 86_400, 172_800, 259_200, 345_600]),
        ("s", 40, 550, [0, 60, 120, 180, 240, 300, 360, 420, 480, 540]),
        ("ratio", 0.9, 0.9, [0, 0.2, 0.4, 0.6, 0.8]),
        ("bytes", 95e6, 95e6, [0, 20e6, 40e6, 60e6, 80e6]),
    ],
)
def test_axes_are_marked_with_round_numbers(
    unit: str, shown: float, most: float, expected: list[float]
):
    assert ticks(unit, shown, most) == pytest.approx(expected)


def test_sizes_are_written_as_elsewhere():
    found = drawn(spots=[Spot(day, 95e6) for day in DAYS], unit="bytes", shown=filesize)
    assert found["figure"]["layout"]["yaxis"]["ticktext"][:3] == ["0 B", "50 MB", "100 MB"]
