"""A chart as a figure for Plotly: a plain dictionary of its schema, without colours and fonts.

A colour is the name of a custom property of the page's style sheet, such as ``--executed``, with
``@0.16`` for its opacity; ``chart.js`` reads them, so that one figure does for light and dark.
``plotly.graph_objects`` would take 0.17 s of each start and add nothing; tests hold
figures against it.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from html import escape
from typing import Any, TypedDict

from buildinsights.charts.model import Chart, Level, Mark, Moment, Spot
from buildinsights.charts.runs import gaps, ranges
from buildinsights.charts.scales import Scales

TONES = {"worse": "--failed", "better": "--succeeded"}
MORE_TONES = ("--shared", "--lost")
"""Of further lines, in their order."""

NEAR_TOP = 0.9
"""Of the scale: a level further up has its name below."""

RANGE = "--executed@0.16"
FLAG_HEIGHT = 0.97
"""Of the chart's: where the handle of a mark is."""


class Figure(TypedDict):
    """What ``Plotly.react`` takes."""

    data: list[dict[str, Any]]
    layout: dict[str, Any]


def figure_of(chart: Chart, known: Sequence[Spot], scales: Scales) -> Figure:
    return {"data": _traces(chart, known), "layout": _layout(chart, scales)}


def _traces(chart: Chart, known: Sequence[Spot]) -> list[dict[str, Any]]:
    """Return the traces; ``name`` is what the key switches them by."""
    traces = [*_band(chart), *_bridges(chart.spots)]
    if known:
        traces.append(
            _hovered(chart.spots)
            | {"name": chart.name, "mode": "lines+markers", "line": _pen("--executed", 2)}
            | {"marker": {"color": "--executed", "size": 5}}
        )
    traces += [_more(chart, name, tone) for name, tone in further(known)]
    if chart.dots:
        dots = {"name": chart.dots_name, "mode": "markers"}
        traces.append(_hovered(chart.dots) | dots | {"marker": {"color": "--ink-3", "size": 6}})
    if chart.marks:
        traces.append(_flags(chart.marks))
    return traces


def _pen(color: str, width: float, dash: str = "solid") -> dict[str, Any]:
    return {"color": color, "width": width, "dash": dash}


def _hovered(spots: Sequence[Spot]) -> dict[str, Any]:
    """Return the part that places spots, and says what they are and where they lead."""
    return {
        "type": "scatter",
        "x": [_written(spot.at) for spot in spots],
        "y": [spot.value for spot in spots],
        "text": [_said(spot.lines) for spot in spots],
        "customdata": [spot.href for spot in spots],
        "hovertemplate": "%{text}<extra></extra>",
    }


def _said(lines: Iterable[str]) -> str:
    """Write lines for a label of Plotly, which understands some tags: none that a value brings."""
    return "<br>".join(escape(str(line), quote=False) for line in lines)


def _quiet(name: str, xs: list[str | None], ys: list[float | None]) -> dict[str, Any]:
    """Return a trace that says nothing."""
    return {"type": "scatter", "name": name, "x": xs, "y": ys, "mode": "lines", "hoverinfo": "skip"}


def _band(chart: Chart) -> list[dict[str, Any]]:
    """Return a polygon for each run of neighbours with a range, and a bar for one that has none."""
    xs: tuple[list[str | None], list[str | None]] = [], []
    ys: tuple[list[float | None], list[float | None]] = [], []
    for run in ranges(chart.spots):
        at, is_bar = [_written(spot.at) for spot in run], len(run) == 1
        xs[is_bar].extend([*at, *reversed(at), None])
        ys[is_bar].extend([*(s.high for s in run), *(s.low for s in reversed(run)), None])
    looks: tuple[dict[str, Any], ...] = (
        {"fill": "toself", "fillcolor": RANGE, "line": _pen(RANGE, 0)},
        {"line": _pen(RANGE, 6)},
    )
    name = chart.range_name
    return [_quiet(name, xs[n], ys[n]) | look for n, look in enumerate(looks) if xs[n]]


def _bridges(spots: Sequence[Spot]) -> list[dict[str, Any]]:
    """Return a dotted trace over the gaps, so that a line can be followed across them."""
    xs: list[str | None] = []
    ys: list[float | None] = []
    for left, right in gaps(spots):
        xs += [_written(left.at), _written(right.at), None]
        ys += [left.value, right.value, None]
    return [_quiet("Gap", xs, ys) | {"line": _pen("--executed@0.6", 1, "dot")}] if xs else []


def further(known: Sequence[Spot]) -> list[tuple[str, str]]:
    """Return names and colours of the further lines."""
    names = list(dict.fromkeys(name for spot in known for name in spot.more))
    return list(zip(names, MORE_TONES, strict=False))


def _more(chart: Chart, name: str, tone: str) -> dict[str, Any]:
    values = [spot.more.get(name) for spot in chart.spots]
    said = ["" if value is None else f"{name}: {chart.shown(value)}" for value in values]
    return _hovered(chart.spots) | {
        "name": name,
        "y": values,
        "text": [escape(text, quote=False) for text in said],
        "mode": "lines+markers",
        "line": _pen(tone, 1.5, "dash"),
        "marker": {"color": tone, "size": 4},
        "visible": False,
    }


def _flags(marks: Sequence[Mark]) -> dict[str, Any]:
    """Return what is hovered and clicked of the marks: a triangle on top of each line."""
    spots = [Spot(mark.at, FLAG_HEIGHT, (mark.text,), mark.href) for mark in marks]
    colors = [TONES[mark.state] for mark in marks]
    return _hovered(spots) | {
        "name": "Change",
        "mode": "markers",
        "yaxis": "y2",
        "marker": {"symbol": "triangle-down", "size": 11, "color": colors},
    }


def _layout(chart: Chart, scales: Scales) -> dict[str, Any]:
    is_fixed = not chart.zoom
    return {
        "showlegend": False,
        "hovermode": "x",
        "dragmode": False if is_fixed else "zoom",
        "paper_bgcolor": "--clear",
        "plot_bgcolor": "--clear",
        "font": {"color": "--ink-3"},
        "hoverlabel": {
            "bgcolor": "--surface",
            "bordercolor": "--line-strong",
            "font": {"color": "--ink"},
            "align": "left",
        },
        "xaxis": _x_axis(chart, scales) | {"fixedrange": is_fixed},
        "yaxis": _y_axis(chart, scales),
        "yaxis2": {"overlaying": "y", "range": [0, 1], "visible": False, "fixedrange": True},
        "shapes": [
            *(_mark_line(mark) for mark in chart.marks),
            *(_level_shape(level, scales) for level in scales.levels),
        ],
    }


def _x_axis(chart: Chart, scales: Scales) -> dict[str, Any]:
    day = timedelta(days=1) / timedelta(milliseconds=1)
    return {
        "type": "date",
        "range": [_written(_moment(scales.first)), _written(_moment(scales.last))],
        "hoverformat": chart.hover,
        "tickformatstops": [
            {"dtickrange": [None, day - 1], "value": "%H:%M\n%-d %b %Y"},
            {"dtickrange": [day, "M1"], "value": "%-d %b\n%Y"},
            {"dtickrange": ["M1", None], "value": "%b\n%Y"},
        ],
        "tickangle": 0,
        "showgrid": False,
        "linecolor": "--line-strong",
        "showline": True,
    }


def _y_axis(chart: Chart, scales: Scales) -> dict[str, Any]:
    return {
        "range": [0, scales.top],
        "tickvals": list(scales.ticks),
        "ticktext": [str(chart.shown(tick)) for tick in scales.ticks],
        "fixedrange": True,
        "gridcolor": "--line",
        "zeroline": False,
    }


def _mark_line(mark: Mark) -> dict[str, Any]:
    at = _written(mark.at)
    line = _pen(TONES[mark.state], 1.5, "dash")
    return {"type": "line", "x0": at, "x1": at, "yref": "paper", "y0": 0, "y1": 1, "line": line}


def _level_shape(level: Level, scales: Scales) -> dict[str, Any]:
    first = _moment(scales.first) if level.first is None else level.first
    last = _moment(scales.last) if level.last is None else level.last
    return {
        "type": "line",
        "x0": _written(first),
        "x1": _written(last),
        "y0": level.value,
        "y1": level.value,
        "line": _pen("--ink-2", 1, "dash"),
        "label": {
            "text": _said([level.text]),
            "textposition": "start",
            "yanchor": "top" if level.value > NEAR_TOP * scales.top else "bottom",
            "font": {"color": "--ink-2"},
        },
    }


def _written(at: Moment) -> str:
    """Write a time as Plotly reads it: in UTC, without saying so."""
    if isinstance(at, datetime):
        return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
    return at.isoformat()


def _moment(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)
