"""The palette: what is written in a colour can be read, in light and in dark."""

import re
from pathlib import Path

import pytest

TOKENS = Path(__file__).resolve().parents[2] / "static" / "css" / "tokens.css"
PAIR = re.compile(r"--([\w-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)")
PALETTE = {name: (light, dark) for name, light, dark in PAIR.findall(TOKENS.read_text())}

SURFACES = ("paper", "surface", "sunken", "hover")
TEXT = ("ink", "ink-2", "ink-3", "accent")
STATES = ("succeeded", "failed", "running", "queued", "canceled", "lost")
STEP_STATES = ("executed", "cached", "shared", "critical-path")
SEVERITIES = tuple(name for name in PALETTE if name.startswith("severity-"))
BADGE_TINT = 0.10
"""Share of its own colour in a badge's background (components.css)."""


def rgb(colour: str) -> tuple[float, float, float]:
    """Return the channels of ``#rrggbb`` from 0 to 1."""
    red, green, blue = (int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5))
    return red, green, blue


def luminance(channels: tuple[float, float, float]) -> float:
    """Relative luminance, WCAG 2.2."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: tuple[float, float, float], other: tuple[float, float, float]) -> float:
    """Contrast ratio, WCAG 2.2: 1 to 21."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def mixed(colour: str, ground: str, share: float) -> tuple[float, float, float]:
    """Return ``share`` of a colour laid over another."""
    over, under = rgb(colour), rgb(ground)
    red, green, blue = (share * a + (1 - share) * b for a, b in zip(over, under, strict=True))
    return red, green, blue


def test_contrast_of_black_and_white_is_21() -> None:
    assert contrast(rgb("#000000"), rgb("#ffffff")) == pytest.approx(21)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize("surface", SURFACES)
@pytest.mark.parametrize("name", TEXT + STATES + SEVERITIES)
def test_text_keeps_4_5_to_1_on_every_surface(name: str, surface: str, theme: int) -> None:
    assert contrast(rgb(PALETTE[name][theme]), rgb(PALETTE[surface][theme])) >= 4.5


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize("name", STATES + STEP_STATES + SEVERITIES)
def test_badges_keep_4_5_to_1_on_their_own_tint(name: str, theme: int) -> None:
    colour, surface = PALETTE[name][theme], PALETTE["surface"][theme]
    assert contrast(rgb(colour), mixed(colour, surface, BADGE_TINT)) >= 4.5


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize("name", [*STEP_STATES, "control"])
def test_bars_and_controls_keep_3_to_1(name: str, theme: int) -> None:
    assert contrast(rgb(PALETTE[name][theme]), rgb(PALETTE["surface"][theme])) >= 3


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_text_on_a_primary_button_keeps_4_5_to_1(theme: int) -> None:
    assert contrast(rgb(PALETTE["accent-ink"][theme]), rgb(PALETTE["accent"][theme])) >= 4.5


def test_components_name_no_colour_of_their_own() -> None:
    sheets = [sheet for sheet in TOKENS.parent.glob("*.css") if sheet != TOKENS]
    named = {sheet.name: re.findall(r"#[0-9a-f]{3,8}\b", sheet.read_text()) for sheet in sheets}
    assert {name: found for name, found in named.items() if set(found) - {"#ffffff"}} == {}
