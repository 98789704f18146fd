"""The trace of a record: requests by host, and nothing of their headers."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buildkit.errors import ParseError
from buildkit.limits import Limits
from buildkit.model import HostTraffic, Trace
from buildkit.trace import read_trace


def span(name: str, url: str, status: int = 200, seconds: int = 1, **extra: Any) -> dict[str, Any]:
    values = {"http.url": url, "http.status_code": status} | extra
    return {
        "Name": name,
        "StartTime": "2026-01-05T10:00:00Z",
        "EndTime": f"2026-01-05T10:00:{seconds:02d}.5Z",
        "Attributes": [
            {"Key": key, "Value": {"Type": "STRING", "Value": str(value)}}
            for key, value in values.items()
        ],
    }


def read(*spans: dict[str, Any]) -> Trace:
    text = "\n".join(json.dumps(item, indent=2) for item in spans)
    return read_trace(text.encode(), "trace", Limits())


def test_requests_add_up_by_host_longest_first():
    url = "https://registry.example/v2/x"
    found = read(
        span("HTTP HEAD", url, status=401),
        span("HTTP GET", url, seconds=2, **{"http.response_content_length": 100}),
        span("remotes.docker.resolver.HTTPRequest", url, seconds=9),
        span("HTTP GET", "https://blobs.example/y", seconds=30),
        span("cache request", "https://registry.example/"),
    )
    # 1.5 s + 2.5 s; the resolver's span wraps one of them
    assert found == Trace(
        5,
        (
            HostTraffic("blobs.example", 1, 0, 30.5, 0),
            HostTraffic("registry.example", 2, 1, 4.0, 100),
        ),
    )


def test_the_present_names_of_attributes_are_known_too():
    now = {
        "url.full": "https://r.example:5000/v2/",
        "http.response.status_code": 404,
        "http.response.body.size": 7,
    }
    item = span("HTTP GET", "")
    item["Attributes"] = [{"Key": key, "Value": {"Value": value}} for key, value in now.items()]
    assert read(item).hosts == (HostTraffic("r.example", 1, 1, 1.5, 7),)


@pytest.mark.parametrize("url", ["", "/var/run/docker.sock", "http://[::1", "file:///etc/passwd"])
def test_what_is_no_web_address_is_no_request(url: str):
    assert read(span("HTTP GET", url)) == Trace(1, ())


def test_half_a_trace_is_an_error_with_its_place():
    with pytest.raises(ParseError, match="trace: not JSON at character"):
        read_trace(b'{"Name": "x"}{"Name', "trace", Limits())


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_rubbish_is_read_or_refused(data: bytes):
    try:
        found = read_trace(data, "trace", Limits())
    except ParseError:
        return
    assert found.hosts == ()
