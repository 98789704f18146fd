"""What a build printed may be made to cost time or to break a page: it does neither."""

import time

import pytest

from builds.ansi import ansi_line
from builds.masking import MASK, mask_secrets

MEGABYTE = 1_000_000


@pytest.mark.parametrize(
    "piece",
    [
        "a-",
        "a.",
        "token",
        "token.",
        "token=",
        "eyJaaaaaaaa-",
        "eyJaaaaaaaa.",
        "authorization ",
        "://a:",
        "http://u:p:p:",
        "-----BEGIN PRIVATE KEY",
    ],
)
def test_masking_takes_linear_time(piece: str):
    text = piece * (MEGABYTE // len(piece))
    started = time.process_time()
    mask_secrets(text)
    assert time.process_time() - started < 5, "seconds for a log of one megabyte"


@pytest.mark.parametrize("word", ["authorization:", "password"])
def test_masking_gaps_takes_linear_time(word: str):
    started = time.process_time()
    mask_secrets(word + " " * MEGABYTE)
    assert time.process_time() - started < 5


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("Proxy-Authorization: Basic dXNlcjpwdw==", f"Proxy-Authorization: Basic {MASK}"),
        ("authorization = abcdef", f"authorization = {MASK}"),
        ('my.db_password = "hunter22"', f'my.db_password = "{MASK}"'),
        ("NPM_TOKEN_FILE: abcd1234", f"NPM_TOKEN_FILE: {MASK}"),
        ("--mount=type=secret,id=npmrc", "--mount=type=secret,id=npmrc"),
        ("cat /run/secrets/key", "cat /run/secrets/key"),
    ],
)
def test_only_the_value_is_masked(text: str, masked: str):
    assert mask_secrets(text) == masked


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("\x1b[" + "1" * 5000 + "mx", "x"),
        ("\x1b[38;5;1mx", "x"),
        ("\x1b[38;5;208;1mx", '<span class="ansi-bold">x</span>'),
        ("\x1b[1;48;2;1;31;4mx", '<span class="ansi-bold">x</span>'),
        ("\x1b[38;5mx", "x"),
    ],
)
def test_numbers_of_other_palettes_are_no_codes(text: str, html: str):
    assert ansi_line(text) == html
