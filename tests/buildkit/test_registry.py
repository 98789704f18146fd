"""References as Docker reads them, credentials as it keeps them, and where they may be sent."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from buildkit.registry import (
    Credentials,
    CredentialsError,
    InvalidReferenceError,
    Reference,
    Registry,
    RegistryError,
    UnauthorizedError,
    WrongContentError,
    credentials_for,
)

DIGEST = f"sha256:{'a' * 64}"
SECRET = "not-to-be-told"


@pytest.mark.parametrize(
    ("text", "host", "repository", "tag", "digest"),
    [
        ("busybox", "docker.io", "library/busybox", "latest", ""),
        ("team/api:1.0", "docker.io", "team/api", "1.0", ""),
        ("index.docker.io/busybox", "docker.io", "library/busybox", "latest", ""),
        ("localhost:5000/api", "localhost:5000", "api", "latest", ""),
        ("r.example/team/api:main", "r.example", "team/api", "main", ""),
        (f"r.example/api@{DIGEST}", "r.example", "api", "", DIGEST),
        (f"[::1]:5000/api:1@{DIGEST}", "[::1]:5000", "api", "1", DIGEST),
    ],
)
def test_references_are_read_as_docker_does(
    text: str, host: str, repository: str, tag: str, digest: str
):
    found = Reference.parse(text)
    assert found == Reference(host, repository, tag, digest)
    assert Reference.parse(str(found)) == found


@pytest.mark.parametrize(
    "text",
    ["", "r.example/", "r.example/Upper", "r.example/a:b c", "r.example/a@sha256:12", "a/../b"],
)
def test_what_is_no_reference_is_refused(text: str):
    with pytest.raises(InvalidReferenceError):
        Reference.parse(text)


def test_credentials_come_from_a_helper_that_is_named_for_the_host(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    answer = json.dumps({"Username": "<token>", "Secret": SECRET})
    program = tmp_path / "docker-credential-tests"
    program.write_text(f"#!/bin/sh\nread host\n[ $host = r.example ] && echo '{answer}'\n")
    program.chmod(0o700)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    (tmp_path / "config.json").write_text('{"credHelpers": {"r.example": "tests"}}')
    assert credentials_for("r.example", tmp_path) == Credentials(identity_token=SECRET)
    assert credentials_for("other.example", tmp_path) is None


@pytest.mark.parametrize(
    "config",
    [
        f'{{"auths": {{"r.example": {{"auth": "{SECRET}"}}}}}}',
        f"{{{SECRET}",
        '{"credsStore": "../elsewhere"}',
        '{"credsStore": "that-nobody-has"}',
    ],
)
def test_a_configuration_that_cannot_be_used_is_named_and_not_quoted(tmp_path: Path, config: str):
    (tmp_path / "config.json").write_text(config)
    with pytest.raises(CredentialsError) as caught:
        credentials_for("r.example", tmp_path)
    assert SECRET not in str(caught.value)


class _TokenRegistry(BaseHTTPRequestHandler):
    """A registry with a token service of its own, and a blob that is elsewhere."""

    realm = ""
    elsewhere = ""
    seen: list[tuple[str, str]] = []

    def do_GET(self) -> None:
        authorization = self.headers.get("Authorization", "")
        self.seen.append((self.path, authorization))
        if self.path.startswith("/token"):
            self._answer(200, b'{"token": "for-a-moment"}')
        elif authorization != "Bearer for-a-moment":
            challenge = f'Bearer realm="{self.realm}",service="tests"'
            self._answer(401, headers={"WWW-Authenticate": challenge})
        elif "/blobs/" in self.path:
            self._answer(307, headers={"Location": self.elsewhere})
        else:
            self._answer(200, b'{"tags": ["main"]}')

    def _answer(
        self, status: int, body: bytes = b"", headers: dict[str, str] | None = None
    ) -> None:
        self.send_response(status)
        for name, value in {**(headers or {}), "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def served(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def token_registry() -> Iterator[tuple[str, type[_TokenRegistry]]]:
    handler = type("Handler", (_TokenRegistry,), {"seen": []})
    with served(handler) as host:
        handler.realm = f"http://{host}/token"
        yield host, handler


def test_a_token_is_fetched_once_with_the_scope_of_what_is_done(
    token_registry: tuple[str, type[_TokenRegistry]],
):
    host, handler = token_registry
    registry = Registry(host, Credentials("me", SECRET))
    assert registry.tags("team/api") == registry.tags("team/api") == ["main"]
    [(path, authorization)] = [item for item in handler.seen if item[0].startswith("/token")]
    assert path == "/token?service=tests&scope=repository%3Ateam%2Fapi%3Apull"
    assert authorization == Credentials("me", SECRET).basic()


def test_credentials_do_not_go_to_a_token_service_in_the_clear(
    token_registry: tuple[str, type[_TokenRegistry]],
):
    host, handler = token_registry
    handler.realm = "http://tokens.example/token"
    with pytest.raises(UnauthorizedError, match="must not be asked") as caught:
        Registry(host, Credentials("me", SECRET)).tags("team/api")
    assert SECRET not in str(caught.value)


def test_a_redirect_takes_no_credentials_along(
    token_registry: tuple[str, type[_TokenRegistry]],
):
    host, handler = token_registry
    store = type("Store", (_TokenRegistry,), {"seen": []})
    with served(store) as elsewhere:
        handler.elsewhere = f"http://{elsewhere}/token/blob"
        reference = Reference.parse(f"{host}/team/api:main")
        with pytest.raises(WrongContentError, match="not of its digest"):
            list(Registry(host, Credentials("me", SECRET)).blob(reference, DIGEST))
    assert store.seen == [("/token/blob", "")]


def test_a_redirect_to_no_web_address_is_refused(
    token_registry: tuple[str, type[_TokenRegistry]],
):
    host, handler = token_registry
    handler.elsewhere = "file:///etc/passwd"
    reference = Reference.parse(f"{host}/team/api:main")
    with pytest.raises(RegistryError, match="leads to where it must not"):
        list(Registry(host, Credentials("me", SECRET)).blob(reference, DIGEST))
