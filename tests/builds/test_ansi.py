"""Terminal output as HTML: colours kept, everything else escaped or dropped."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builds.ansi import ansi_line, plain_line


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("plain", "plain"),
        ("<script>&", "&lt;script&gt;&amp;"),
        ("\x1b[31mred\x1b[0m.", '<span class="ansi-red">red</span>.'),
        ("\x1b[1;32mok", '<span class="ansi-bold ansi-green">ok</span>'),
        ("\x1b[91mx\x1b[39my", '<span class="ansi-red">x</span>y'),
        ("\x1b[31m<b>", '<span class="ansi-red">&lt;b&gt;</span>'),
        ("a\x1b[2Kb\x1b[1Ac", "abc"),
        ("\x1b]0;title\x07x", "x"),
        ("\x1b]8;;http://evil\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("10 %\r20 %\r100 %", "100 %"),
        ("done\r", "done"),
        ("a\x00b\x07c", "abc"),
        ("\x1b[38;5;200mx", "x"),
    ],
)
def test_lines(text: str, html: str):
    assert ansi_line(text) == html


@given(st.text())
def test_no_markup_and_no_control_character_gets_through(text: str):
    html = ansi_line(text)
    bare = html.replace("</span>", "")
    for name in ("bold", "black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"):
        bare = bare.replace(f"ansi-{name}", "")
    assert "<" not in bare.replace('<span class="', "").replace("<span", "")
    assert "\x1b" not in html
    assert "\x1b" not in plain_line(text)
