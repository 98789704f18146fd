"""Revisions out of real repositories: by path, and over https with credentials."""

import base64
import os
import ssl
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from farm.checkout import Places, Wanted, checked_out
from farm.credentials import Keys, transport
from farm.git import CheckoutError
from tests.farm.conftest import git


@pytest.fixture
def places(tmp_path: Path, repository: Path) -> Places:
    keys = Keys.of_project(tmp_path / "keys", "shop")
    keys.directory.mkdir(parents=True)
    return Places(tmp_path / "mirrors", keys, [repository.parent])


def commit(repository: Path, text: str) -> str:
    (repository / "a.txt").write_text(text)
    git(repository, "commit", "--all", "--quiet", f"--message={text}")
    return git(repository, "rev-parse", "HEAD")


def test_a_branch_gives_its_newest_commit_from_a_mirror_that_stays(
    repository: Path, places: Places, tmp_path: Path
):
    wanted, into = Wanted(str(repository), "main"), tmp_path / "out"
    for text in ("one", "two"):
        newest = commit(repository, text)
        with checked_out(wanted, into, places) as revision:
            assert (revision, (into / "a.txt").read_text()) == (newest, text)
        assert not into.exists()
    [mirror] = places.mirrors.glob("*.git")
    assert git(mirror, "rev-list", "--all") == newest, "no history is fetched"
    assert (mirror / "shallow").read_text().split()
    assert not list((mirror / "worktrees").glob("*"))


def test_a_fetch_brings_what_the_mirror_does_not_have_yet(
    repository: Path, places: Places, tmp_path: Path
):
    for number in range(20):
        (repository / f"{number}.bin").write_bytes(os.urandom(1000))
    git(repository, "add", ".")
    sizes = []
    for text in ("one", "two"):
        commit(repository, text)
        with checked_out(Wanted(str(repository), "main"), tmp_path / "out", places):
            [mirror] = places.mirrors.glob("*.git")
            packs = (mirror / "objects" / "pack").glob("*.pack")
            sizes.append(sum(pack.stat().st_size for pack in packs))
    assert sizes[0] > 20_000
    assert sizes[1] - sizes[0] < 5_000


def test_an_older_commit_is_had_by_its_id(repository: Path, places: Places, tmp_path: Path):
    older = commit(repository, "older")
    commit(repository, "newer")
    with checked_out(Wanted(str(repository), "main", older), tmp_path / "out", places) as found:
        assert found == older
        assert (tmp_path / "out" / "a.txt").read_text() == "older"


def test_what_a_mirror_has_is_given_to_nobody_whom_the_server_does_not_give_it(
    repository: Path, places: Places, tmp_path: Path
):
    revision = commit(repository, "secret")
    wanted = Wanted(str(repository), "main", revision)
    with checked_out(wanted, tmp_path / "out", places):
        pass
    repository.rename(tmp_path / "away")
    with pytest.raises(CheckoutError), checked_out(wanted, tmp_path / "out", places):
        pass


def test_a_tag_is_had_and_a_commit_of_elsewhere_is_not(
    repository: Path, places: Places, tmp_path: Path
):
    tagged = commit(repository, "release")
    git(repository, "tag", "--annotate", "--message=x", "v1")
    commit(repository, "after")
    with checked_out(Wanted(str(repository), "v1"), tmp_path / "out", places) as found:
        assert found == tagged
    for wanted in (Wanted(str(repository), "nope"), Wanted(str(repository), "main", "b" * 40)):
        with pytest.raises(CheckoutError), checked_out(wanted, tmp_path / "no", places):
            pass


def test_hooks_and_filters_of_the_worker_do_not_run(
    repository: Path, places: Places, tmp_path: Path
):
    (repository / ".gitattributes").write_text("*.txt filter=evil\n")
    git(repository, "add", ".")
    commit(repository, "filtered")
    mark = tmp_path / "ran"
    template = places.mirrors / ".gitconfig"
    template.parent.mkdir()
    template.write_text(f'[filter "evil"]\n  smudge = "touch {mark}; cat"\n')
    with checked_out(Wanted(str(repository), "main"), tmp_path / "out", places):
        assert (tmp_path / "out" / "a.txt").read_text() == "filtered"
    assert not mark.exists()


def test_a_path_outside_the_roots_is_refused(repository: Path, places: Places, tmp_path: Path):
    link = repository.parent / "link"
    link.symlink_to(tmp_path)
    for address in (str(tmp_path), str(link / "x"), f"{repository}/../../x"):
        with (
            pytest.raises(CheckoutError, match="BUILD_SOURCE_ROOTS"),
            checked_out(Wanted(address, "main"), tmp_path / "out", places),
        ):
            pass


class GitOverHttps(BaseHTTPRequestHandler):
    """Git's own server program behind TLS and basic authentication."""

    root: Path
    seen: list[str]

    def do_GET(self) -> None:
        self.seen.append(self.headers.get("Authorization", ""))
        if self.seen[-1] != f"Basic {base64.b64encode(b'bot:t0ken').decode()}":
            self.send_response(401)
            self.send_header("WWW-Authenticate", "Basic")
            self.end_headers()
            return
        path, _, query = self.path.partition("?")
        variables = {
            "GIT_PROJECT_ROOT": str(self.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "REQUEST_METHOD": self.command,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
        }
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        command = ["git", "-c", "safe.directory=*", "http-backend"]
        done = subprocess.run(
            command, input=body, capture_output=True, env=os.environ | variables, check=True
        )
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        self.send_response(200)
        for line in head.decode().splitlines():
            self.send_header(*line.split(": ", 1))
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_POST = do_GET  # noqa: N815  # the name that http.server looks for

    def log_message(self, *_: Any) -> None:
        """Be quiet."""


@pytest.fixture
def https_address(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    key, certificate = tmp_path / "tls.key", tmp_path / "tls.crt"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1"]
    command += ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    command += ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run(command, check=True, capture_output=True)
    monkeypatch.setenv("GIT_SSL_CAINFO", str(certificate))
    GitOverHttps.root, GitOverHttps.seen = repository.parent, []
    server = ThreadingHTTPServer(("127.0.0.1", 0), GitOverHttps)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"https://localhost:{server.server_port}/shop/.git"
    server.shutdown()
    server.server_close()


def keep_key(places: Places, name: str, address: str, user: str = "bot:t0ken") -> None:
    """Write a file of credentials for the host of an address."""
    host = address.split("/")[2]
    (places.keys.directory / name).write_text(f"https://{user}@{host}\n")


def test_https_takes_credentials_from_the_worker_s_file(
    https_address: str, repository: Path, places: Places, tmp_path: Path
):
    keep_key(places, "forge", https_address)
    newest = git(repository, "rev-parse", "HEAD")
    wanted = Wanted(https_address, "main", deploy_key="forge")
    with checked_out(wanted, tmp_path / "out", places) as revision:
        assert revision == newest
    assert all("Basic" in header for header in GitOverHttps.seen), "they are sent unasked"


@pytest.mark.parametrize(
    ("deploy_key", "words"),
    [
        ("", "could not read Username|Authentication failed"),
        ("wrong", "Authentication failed|could not read"),
        ("missing", "missing cannot be read on this worker, in BUILD_KEYS_DIR/shop/"),
    ],
)
def test_https_without_the_right_credentials_says_so(
    https_address: str, places: Places, tmp_path: Path, deploy_key: str, words: str
):
    keep_key(places, "wrong", https_address, "bot:s3cret-of-bot")
    assert "s3cret" not in refused(https_address, deploy_key, places, tmp_path, words)


def refused(address: str, deploy_key: str, places: Places, tmp_path: Path, words: str = "") -> str:
    """Return how a checkout fails."""
    wanted = Wanted(address, "main", deploy_key=deploy_key)
    with (
        pytest.raises(CheckoutError, match=words) as caught,
        checked_out(wanted, tmp_path / "out", places),
    ):
        pass
    return str(caught.value)


@pytest.mark.parametrize("host", ["git.example.com", "localhost", "localhost:1"])
def test_credentials_go_to_no_other_host_or_port(
    https_address: str, places: Places, tmp_path: Path, host: str
):
    keep_key(places, "forge", f"https://{host}/")
    said = refused(https_address, "forge", places, tmp_path, rf"^forge is for {host}")
    assert https_address.split("/")[2] in said
    assert "t0ken" not in said
    assert not GitOverHttps.seen, "the server was not even asked"


@pytest.mark.parametrize(
    "line",
    [
        "bot:t0ken",
        "https://localhost",
        "https://t0ken@localhost",
        "http://bot:t0ken@localhost",
        "https://bot:t0ken@localhost/path",
        "https://bot:t0/ken@localhost",
        "https://bot:t0ken@[localhost",
        "https://bot:t0ken@localhost\nhttps://bot:t0ken@example.com",
    ],
)
def test_a_file_that_holds_something_else_says_what_belongs_there(
    places: Places, tmp_path: Path, line: str
):
    (places.keys.directory / "forge").write_text(line)
    words = r"^forge is not one line https://user:token@host"
    said = refused("https://localhost/shop.git", "forge", places, tmp_path, words)
    assert "t0" not in said


def test_a_percent_sign_stands_for_what_git_takes_it_for(
    https_address: str, places: Places, tmp_path: Path
):
    keep_key(places, "forge", https_address, "bot:t%30ken")
    with checked_out(Wanted(https_address, "main", "", "forge"), tmp_path / "out", places):
        pass


@pytest.mark.parametrize("address", ["https://localhost:1/shop.git", "git@localhost:shop.git"])
def test_a_key_of_another_project_is_none_of_ours(places: Places, tmp_path: Path, address: str):
    others = Keys.of_project(places.keys.directory.parent, "other")
    others.directory.mkdir()
    (others.directory / "forge").write_text("https://bot:t0ken@localhost:1")
    (others.directory.parent / "forge").write_text("https://bot:t0ken@localhost:1")
    refused(address, "forge", places, tmp_path, "forge cannot be read on this worker")


@pytest.mark.parametrize("address", ["git@example.com:shop.git", "ssh://example.com/shop.git"])
def test_ssh_does_not_wait_for_ever_and_knows_the_hosts_that_all_projects_know(
    places: Places, address: str
):
    (places.keys.directory / "deploy").write_text("-----BEGIN OPENSSH PRIVATE KEY-----")
    command = transport(address, "deploy", places.keys)["GIT_SSH_COMMAND"]
    for option in ("ConnectTimeout=15", "ServerAliveInterval=15", "ServerAliveCountMax=3"):
        assert f"-o {option}" in command
    assert f"UserKnownHostsFile={places.keys.directory.parent}/known_hosts " in command
    assert command.endswith(f"-i {places.keys.directory}/deploy")
