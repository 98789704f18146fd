"""Charts of reports as PNG, for where no SVG is shown: the same chart is the same bytes.

Colours lie between light and dark and the ground is see-through, so that they are read on both.
"""

import io
from typing import Any

import structlog

from buildinsights.templatetags.formats import duration, filesize, ratio
from reports.scheduled.optimisation import Chart

log = structlog.get_logger(__name__)

WIDTH, HEIGHT, DPI = 5.92, 1.7, 200
"""Inches, and dots of each: about twice of what e-mails show."""

LINE, INK, GRID = "#3b82f6", "#7c8594", "#7c859455"
SHOWN = {"s": duration, "bytes": filesize, "ratio": ratio}
MOST_LABELS = 6


def png_of(chart: Chart) -> bytes:
    """Return the picture; nothing if it cannot be drawn, as its words say the same."""
    try:
        return _drawn(chart)
    except Exception:
        log.exception("report_chart_failed", chart=chart.title)
        return b""


def _drawn(chart: Chart) -> bytes:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure  # heavy: only who draws pays for it

    figure = Figure(figsize=(WIDTH, HEIGHT), dpi=DPI, facecolor="none", layout="constrained")
    FigureCanvasAgg(figure)
    axes: Any = figure.add_subplot(facecolor="none")
    places = range(len(chart.points))
    values = [float("nan") if p.value is None else p.value for p in chart.points]
    axes.plot(places, values, color=LINE, linewidth=1.6, marker="o", markersize=3)
    axes.set_ylim(bottom=0, top=1 if chart.unit == "ratio" else None)
    axes.set_xlim(-0.3, len(chart.points) - 0.7)
    axes.yaxis.set_major_locator(_round_ticks())
    axes.yaxis.set_major_formatter(lambda value, _: str(SHOWN[chart.unit](value)))
    step = -(-len(chart.points) // MOST_LABELS)
    told = [at for at in places if (len(chart.points) - 1 - at) % step == 0]
    axes.set_xticks(told, [chart.points[at].label for at in told])
    axes.tick_params(colors=INK, labelsize=7, length=0)
    axes.grid(axis="y", color=GRID, linewidth=0.5)
    for spine in axes.spines.values():
        spine.set_visible(False)
    page = io.BytesIO()
    figure.savefig(page, format="png", transparent=True, metadata={"Software": None})
    return page.getvalue()


def _round_ticks() -> Any:
    from matplotlib.ticker import MaxNLocator

    return MaxNLocator(nbins=3, min_n_ticks=2)
