"""Registries that answer what none should: too much, not what was asked, or with a way inside."""

import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from urllib3.connection import HTTPConnection

from buildkit.registry import (
    Reference,
    Registry,
    RegistryError,
    RegistryLimits,
    reaching,
    transport,
)
from tests.buildkit.test_registry import DIGEST, _TokenRegistry, served

type Hostile = tuple[str, type[_TokenRegistry]]


@pytest.fixture
def hostile() -> Iterator[Hostile]:
    """A registry whose token service answers with ``token``."""

    class Handler(_TokenRegistry):
        token = b""

        def do_GET(self) -> None:  # noqa: N802
            if self.path.startswith("/token"):
                self._answer(200, self.token)
            else:
                super().do_GET()

    with served(Handler) as host:
        Handler.realm = f"http://{host}/token"
        yield host, Handler


@pytest.mark.parametrize(
    "token",
    [b"[]", b'"text"', b"7", b"null", b"[" * 50_000, b"\xff\xfe", b'{"token": ["x"]}', b"{}"],
)
def test_a_token_that_is_none_is_an_error_of_the_registry(hostile: Hostile, token: bytes):
    host, handler = hostile
    handler.token = token  # type: ignore[attr-defined]
    with pytest.raises(RegistryError):
        Registry(host).tags("team/api")


def test_of_a_token_service_no_more_is_read_than_a_token_may_be(
    hostile: Hostile, monkeypatch: pytest.MonkeyPatch
):
    host, handler = hostile
    handler.token = json.dumps({"token": "x" * 10_000_000}).encode()  # type: ignore[attr-defined]
    read: list[int] = []
    whole = transport.read_bounded

    def counted(answer: Any, most: int, place: object) -> bytes:
        read.append(most)
        return whole(answer, most, place)

    monkeypatch.setattr(transport, "read_bounded", counted)
    with pytest.raises(RegistryError, match="more than 65536 bytes"):
        Registry(host).tags("team/api")
    assert read == [65536]


def test_pages_of_tags_are_bounded_together(hostile: Hostile):
    host, handler = hostile
    pages = {"Link": f'<http://{host}/v2/team/api/tags/list?next>; rel="next"'}

    def answer(self: Any) -> None:
        self._answer(200, json.dumps({"tags": ["x" * 400]}).encode(), pages)

    handler.do_GET = answer  # type: ignore[method-assign]
    limits = RegistryLimits(answer_bytes=500, list_bytes=2_000)
    with pytest.raises(RegistryError, match="more than 2000 bytes"):
        Registry(host, limits=limits).tags("team/api")


OUTSIDE, PRIVATE, METADATA, HERE = "93.184.216.34", "10.1.2.3", "169.254.169.254", "127.0.0.1"
NAMES = {"r.example": OUTSIDE, "inside.example": PRIVATE, "store.example": "93.184.216.35"}


@pytest.mark.parametrize(
    ("registry", "to", "allowed"),
    [
        ("r.example", "store.example", True),
        ("r.example", "inside.example", False),
        ("r.example", PRIVATE, False),
        ("r.example", METADATA, False),
        ("r.example", "[::ffff:10.1.2.3]", False),
        ("r.example", "[::1]", False),
        ("r.example", "0.0.0.0", False),  # noqa: S104
        ("inside.example", "10.9.9.9", True),
        ("inside.example", "store.example", True),
        ("inside.example", METADATA, False),
        ("inside.example", HERE, False),
    ],
)
@pytest.mark.parametrize("way", ["redirect", "token"])
def test_a_registry_leads_no_further_inside_than_it_is_itself(
    registry: str, to: str, allowed: bool, way: str, monkeypatch: pytest.MonkeyPatch
):
    asked: list[str] = []
    place = f"https://{to}:8443/secret"

    class Answer:
        ok, status_code = False, 404
        links: dict[str, Any] = {}
        headers: dict[str, str] = {}

        def close(self) -> None: ...
        def __enter__(self) -> "Answer":
            return self

        def __exit__(self, *_: object) -> None: ...
        def iter_content(self, _: int) -> list[bytes]:
            return [b"{}"]

    def request(self: object, method: str, address: str, **_: object) -> Answer:
        asked.append(address)
        answer = Answer()
        if registry in address:
            answer.status_code = 307 if way == "redirect" else 401
            answer.headers = {
                "Location": place,
                "WWW-Authenticate": f'Bearer realm="{place}",service="x"',
            }
        return answer

    def resolve(host: str, *_: object, **__: object) -> list[Any]:
        return [(0, 0, 0, "", (NAMES.get(host, host), 0))]

    monkeypatch.setattr(transport.requests.Session, "request", request)
    monkeypatch.setattr(reaching.socket, "getaddrinfo", resolve)
    with pytest.raises(RegistryError):
        list(Registry(registry).blob(Reference.parse(f"{registry}/team/api:1"), DIGEST))
    assert any(address.startswith(place) for address in asked) is allowed


class _Changing:
    """A resolver that tells one address first and another from then on, and what was connected."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **names: list[str]) -> None:
        self.names, self.connected = names, []  # type: ignore[var-annotated]
        self.plain = socket.getaddrinfo
        monkeypatch.setattr(socket, "getaddrinfo", self.resolve)
        monkeypatch.setattr(transport, "is_local", lambda _: True)  # no certificates here
        monkeypatch.setattr(HTTPConnection, "_new_conn", lambda own: self.connect(own))

    def resolve(self, host: str, port: Any, *rest: Any, **more: Any) -> Any:
        known = self.names.get(host.partition(".")[0])
        if known is None:
            return self.plain(host, port, *rest, **more)
        address = known.pop(0) if len(known) > 1 else known[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port or 0))]

    def connect(self, connection: Any) -> socket.socket:
        """Note where to, and lead here."""
        self.connected.append(connection._dns_host)
        made = socket.socket()
        made.connect((HERE, connection.port))
        return made


@pytest.mark.parametrize("way", ["redirect", "token"])
@pytest.mark.parametrize(
    "later",
    [HERE, METADATA, PRIVATE, "::ffff:10.1.2.3", "64:ff9b::a01:203", "2002:a01:203::", "0.0.0.0"],  # noqa: S104
)
@pytest.mark.parametrize("who", ["other", "own"])
def test_a_name_that_means_another_address_later_leads_no_further_inside(
    hostile: Hostile, monkeypatch: pytest.MonkeyPatch, way: str, later: str, who: str
):
    """Whether it is the other's name that changes, or its own, as if it were inside itself."""
    host, handler = hostile
    port = host.rpartition(":")[2]
    target = "other.example" if who == "other" else later
    place = f"http://{'[' + target + ']' if ':' in target else target}:{port}/inside"
    own = [OUTSIDE] if who == "other" else [OUTSIDE, later]
    names = _Changing(monkeypatch, r=own, other=["93.184.216.35", later])
    asked: list[str] = []

    def answer(self: Any) -> None:
        asked.append(self.path)
        code = 307 if way == "redirect" else 401
        told = {"Location": place, "WWW-Authenticate": f'Bearer realm="{place}"'}
        self._answer(200 if self.path == "/inside" else code, b"{}", told)

    handler.do_GET = answer  # type: ignore[method-assign]
    registry = Registry(f"r.example:{port}")
    with pytest.raises(RegistryError, match=r"leads to where it must not|must not be asked"):
        registry.tags("team/api")
    assert "/inside" not in asked
    assert names.connected == [OUTSIDE]


def test_a_connection_is_to_the_address_that_was_looked_at(
    hostile: Hostile, monkeypatch: pytest.MonkeyPatch
):
    host, handler = hostile
    names = _Changing(monkeypatch, r=[OUTSIDE, HERE])

    def answer(self: Any) -> None:
        assert self.headers["Host"].startswith("r.example:")
        self._answer(200, b'{"tags": ["1"]}')

    handler.do_GET = answer  # type: ignore[method-assign]
    assert Registry(f"r.example:{host.rpartition(':')[2]}").tags("team/api") == ["1"]
    assert names.connected == [OUTSIDE]


@pytest.mark.parametrize(
    "host", ["2130706433", "0x7f000001", "127.1", "[::ffff:127.0.0.1]", "[::]"]
)
def test_other_ways_to_write_this_machine(host: str):
    reach = reaching.Reach()
    assert reach.checked([OUTSIDE]) == [OUTSIDE]
    assert reach.is_inside(host, "r.example")
