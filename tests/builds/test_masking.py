"""Credentials are masked; what only looks like one at a glance is not."""

import pytest

from builds.masking import MASK, mask_secrets, mask_values


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("https://user:hunter2@example.com/x", "hunter2"),
        ("Authorization: Bearer abcdef123456", "abcdef123456"),
        ("NPM_TOKEN=abcd1234", "abcd1234"),
        ('password: "s3cr3t-value"', "s3cr3t-value"),
        ("api-key=0123456789", "0123456789"),
        ("ghp_" + "a" * 36, "ghp_" + "a" * 36),
        ("glpat-" + "b" * 20, "glpat-" + "b" * 20),
        ("id AKIAIOSFODNN7EXAMPLE", "AKIAIOSFODNN7EXAMPLE"),
        ("eyJhbGciOiJI.eyJzdWIiOiIx.SflKxwRJSMeK", "eyJhbGciOiJI"),
        ("bi_0123456789ab_" + "c" * 30, "c" * 30),
    ],
)
def test_a_secret_is_masked(text: str, secret: str):
    masked = mask_secrets(text)
    assert secret not in masked
    assert MASK in masked


def test_a_private_key_is_masked_and_lines_stay_in_place():
    text = "a\n-----BEGIN RSA PRIVATE KEY-----\nMIIE\nabc\n-----END RSA PRIVATE KEY-----\nb"
    masked = mask_secrets(text)
    assert "MIIE" not in masked
    assert masked.split("\n").index("b") == text.split("\n").index("b")


@pytest.mark.parametrize(
    "text",
    [
        "sha256:" + "a" * 64,
        "https://example.com:8080/path@v2",
        "tokenizer loaded in 3 s",
        "Installing password-validator (1.2.3)",
        "token",
    ],
)
def test_other_text_stays(text: str):
    assert mask_secrets(text) == text


def test_values_are_masked_by_their_names():
    values = {"NPM_TOKEN": "x", "VERSION": "1.2", "PASSWORD": "", "URL": "https://u:pw99@h/"}
    assert mask_values(values) == {
        "NPM_TOKEN": MASK,
        "VERSION": "1.2",
        "PASSWORD": "",
        "URL": f"https://u:{MASK}@h/",
    }
