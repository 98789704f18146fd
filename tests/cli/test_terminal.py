"""What is in images, registries and answers commands no terminal."""

import json
from typing import Any

import click
import pytest
from click.testing import CliRunner

from cli.errors import UsageError
from cli.gating import Wanted, judge_image
from cli.posting import posted
from cli.settings import Server
from cli.terminal import BREAKS, inert, told

ATTACK = "\x1b]0;owned\x07\x1b[2Ja\r\u202eb\x9b31mc"
HARMLESS = "�]0;owned��[2Ja��b�31mc"


def test_controls_and_changes_of_direction_are_replaced():
    assert inert(ATTACK) == HARMLESS
    assert inert("Größe: 5 µs, „ja“ – 日本") == "Größe: 5 µs, „ja“ – 日本"
    assert inert("a\n\tb\x1b", keep=BREAKS) == "a\n\tb�"
    assert told(["one\n  pass  forged", "two"]) == "one�  pass  forged\ntwo"


def test_errors_are_told_inertly():
    @click.command
    def fail() -> None:
        raise UsageError(f"registry.example: {ATTACK}\nSecond line.")

    output = CliRunner().invoke(fail).output
    assert output == f"Error: registry.example: {HARMLESS}\nSecond line.\n"


def test_a_verdict_of_a_server_is_told_inertly(capsys: pytest.CaptureFixture[str]):
    reason = {"outcome": "fail", "rule": "secrets", "message": ATTACK, "evidence": ["x\n  pass"]}
    waiver = {"finding": ATTACK, "by": ATTACK, "until": None}
    answer: dict[str, Any] = {"verdict": "fail", "policy": ATTACK, "url": ATTACK}
    answer |= {"reasons": [reason], "waivers": [waiver]}
    image = f"sha256:{'a' * 64}"
    assert judge_image(image, lambda *_, **__: answer, Wanted(), as_json=False) == 10
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4
    assert all(line.isprintable() for line in lines)
    judge_image(image, lambda *_, **__: answer, Wanted(), as_json=True)
    shown = capsys.readouterr().out
    assert json.loads(shown) == answer
    assert "\x1b" not in shown


def test_an_answer_that_refuses_is_told_inertly(monkeypatch: pytest.MonkeyPatch):
    class Answer:
        ok, status_code, text = False, 400, ATTACK

    def post(*_: Any, **__: Any) -> Answer:
        return Answer()

    monkeypatch.setattr("requests.post", post)
    assert posted(Server("https://x.example", "t"), "y/", 1) == f"refused: 400 {HARMLESS}"
