"""Bake's plan as a drawing: text, Mermaid, DOT and SVG, all from the same edges."""

import json
from collections.abc import Callable
from xml.sax.saxutils import escape

from buildkit.bake import Plan
from buildkit.boxes import Boxes, Place

BOXES = Boxes(width=168, height=36, gap_x=56, gap_y=16, margin=12)


def as_plain(plan: Plan) -> str:
    """One line a target in build order, with what it needs."""
    lines = []
    for number, wave in enumerate(plan.waves(), start=1):
        for name in wave:
            needs = plan.targets[name].needs
            lines.append(f"{number}. {name}" + (f"  needs {', '.join(needs)}" if needs else ""))
    return "\n".join(lines) + "\n"


def as_mermaid(plan: Plan) -> str:
    """A Mermaid flowchart; arrows go from a target to those that need it."""
    ids = {name: f"t{index}" for index, name in enumerate(plan.order())}
    boxes = [f'  {ids[name]}["{_mermaid(name)}"]' for name in ids]
    arrows = [f"  {ids[need]} --> {ids[name]}" for need, name in edges(plan)]
    return "\n".join(["flowchart LR", *boxes, *arrows]) + "\n"


def as_dot(plan: Plan) -> str:
    """A graph for Graphviz."""
    boxes = [f"  {_dot(name)};" for name in plan.order()]
    arrows = [f"  {_dot(need)} -> {_dot(name)};" for need, name in edges(plan)]
    return (
        "\n".join(["digraph bake {", "  rankdir=LR;", "  node [shape=box];", *boxes, *arrows, "}"])
        + "\n"
    )


def as_svg(plan: Plan) -> str:
    """A drawing with one column a wave, in one colour that reads on light and dark."""
    waves = plan.waves()
    places = BOXES.places(waves)
    width, height = BOXES.size(waves)
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}"'
            f' viewBox="0 0 {width} {height}" role="img" aria-label="Targets and what they need"'
            ' fill="none" stroke="#64748b" font-family="sans-serif" font-size="13">',
            *(_arrow(places[need], places[name]) for need, name in edges(plan)),
            *(_box(name, *place) for name, place in places.items()),
            "</svg>",
            "",
        ]
    )


def edges(plan: Plan) -> list[tuple[str, str]]:
    """Return (needed, needing) pairs in build order."""
    return [(need, name) for name in plan.order() for need in plan.targets[name].needs]


def _arrow(start: Place, end: Place) -> str:
    return f'<path d="{BOXES.arrow(start, end)}"/>'


def _box(name: str, x: int, y: int) -> str:
    shown = name if len(name) <= 22 else name[:21] + "…"
    return (
        f'<g><title>{escape(name)}</title><rect x="{x}" y="{y}" width="{BOXES.width}"'
        f' height="{BOXES.height}" rx="6"/><text x="{x + BOXES.width // 2}" y="{y + 23}"'
        f' text-anchor="middle" fill="#64748b" stroke="none">{escape(shown)}</text></g>'
    )


def _mermaid(name: str) -> str:
    return name.replace('"', "#quot;")


def _dot(name: str) -> str:
    return json.dumps(name)


FORMATS: dict[str, Callable[[Plan], str]] = {
    "text": as_plain,
    "mermaid": as_mermaid,
    "dot": as_dot,
    "svg": as_svg,
}
