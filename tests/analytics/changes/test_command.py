"""The command: requests and answers, and what is no request."""

import json
import subprocess
import sys

import pytest

from analytics.changes.command import answers
from tests.analytics.changes.series import times

VALUES = times((40, 100), (20, 150)).tolist()


def ask(*requests: object) -> list[dict[str, object]]:
    lines = [one if isinstance(one, str) else json.dumps(one) for one in requests]
    return [json.loads(line) for line in answers(lines)]


def test_online_answers_alerts_and_else_changes():
    online = {"values": VALUES, "unit": "s", "mode": "online"}
    assert ask(online, {"values": VALUES, "unit": "s"}) == [
        {"alerts": [[44, 40]]},
        {"changes": [40]},
    ]


def test_timestamps_and_covariates_are_read():
    request = {
        "values": VALUES,
        "unit": "s",
        "mode": "online",
        "timestamps": [1.7e9 + 3600 * place for place in range(60)],
        "covariates": {"cache_hit": [1, 0] * 30, "runner": ["a", None, "b"] * 20},
    }
    assert ask(request, {**request, "mode": "offline"})[1] == {"changes": [40]}
    assert "alerts" in ask(request)[0]


def test_short_series_have_nothing_to_tell():
    assert ask({"values": [], "mode": "online"}, {"values": [1]}) == [
        {"alerts": []},
        {"changes": []},
    ]


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        ("nonsense", "no JSON"),
        ("[" * 100_000, "no JSON"),
        ("[1, 2]", "JSON object"),
        ({}, "values is a list"),
        ({"values": [1, "two"]}, "values[1] is no number"),
        ({"values": [1, None]}, "values[1] is no number"),
        ({"values": [1, True]}, "values[1] is no number"),
        ('{"values": [NaN]}', "values[0] is not finite"),
        ('{"values": [1e400]}', "values[0] is not finite"),
        ({"values": [10**400]}, "values[0] is not finite"),
        ({"values": [-1], "unit": "s"}, "not below 0"),
        ({"values": [2], "unit": "ratio"}, "within 0 and 1"),
        ({"values": [1], "unit": "weeks"}, "unit is one of s, bytes, ratio"),
        ({"values": [1], "unit": ["s"]}, "unit is one of"),
        ({"values": [1], "mode": "sometimes"}, "mode is one of online, offline"),
        ({"values": [1, 2], "timestamps": [1]}, "1 timestamps of 2 values"),
        ({"values": [1], "timestamps": ["now"]}, "timestamps[0] is no number"),
        ({"values": [1], "covariates": {"runner": []}}, "0 of covariate runner for 1 values"),
        ({"values": [1], "covariates": {"runner": "a"}}, "covariate runner is a list"),
        ({"values": [1], "covariates": []}, "changes"),
        ({"values": [1], "covariates": [1]}, "covariates is an object"),
    ],
)
def test_a_bad_request_is_answered_by_why(request_: object, words: str):
    first, second = ask(request_, {"values": VALUES, "unit": "s"})
    assert words in json.dumps(first)
    assert second == {"changes": [40]}


def test_the_process_outlives_bad_lines():
    lines = b'\xff\xfe\n{"values": 1}\n\n{"values": [1, 2], "mode": "online"}\n'
    command = [sys.executable, "-m", "analytics.changes"]
    done = subprocess.run(command, input=lines, capture_output=True, check=True)
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert [next(iter(one)) for one in found] == ["error", "error", "alerts"]
