"""What refers to a manifest: asked for in pages, or kept under a tag; and manifests' digests."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler

import pytest

from buildkit.registry import Reference, Registry, WrongContentError
from tests.buildkit.test_registry import served

DIGEST = "sha256:" + "a" * 64
TAG = "sha256-" + "a" * 64
FIRST, SECOND = {"digest": "sha256:" + "b" * 64}, {"digest": "sha256:" + "c" * 64}


class _Referring(BaseHTTPRequestHandler):
    """A registry that answers by path; what is not there is a 404."""

    answers: dict[str, tuple[object, dict[str, str]]] = {}

    def do_GET(self) -> None:
        body, headers = self.answers.get(self.path.partition("?")[0], (None, {}))
        if "last=" in self.path:
            body, headers = {"manifests": [SECOND, "no object"]}, {}
        data = json.dumps(body).encode()
        self.send_response(404 if body is None else 200)
        for name, value in {**headers, "Content-Length": str(len(data))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def registry() -> Iterator[tuple[Registry, dict[str, tuple[object, dict[str, str]]]]]:
    answers: dict[str, tuple[object, dict[str, str]]] = {}
    with served(type("Handler", (_Referring,), {"answers": answers})) as host:
        yield Registry(host), answers


type Served = tuple[Registry, dict[str, tuple[object, dict[str, str]]]]


def image(registry: Registry) -> Reference:
    return Reference.parse(f"{registry.host}/team/api@{DIGEST}")


def test_a_registry_that_is_asked_answers_in_pages(registry: Served):
    client, answers = registry
    path = f"/v2/team/api/referrers/{DIGEST}"
    following = {"Link": f'<{path}?last=1>; rel="next"'}
    answers[path] = ({"manifests": [FIRST]}, following)
    answers[f"/v2/team/api/manifests/{TAG}"] = ({"manifests": []}, {})
    assert client.referrers(image(client)) == [FIRST, SECOND]


def test_one_that_does_not_know_the_question_keeps_them_under_a_tag(registry: Served):
    client, answers = registry
    answers[f"/v2/team/api/manifests/{TAG}"] = ({"manifests": [FIRST]}, {})
    assert client.referrers(image(client)) == [FIRST]


def test_nothing_refers_to_what_nobody_has_signed(registry: Served):
    client, _ = registry
    assert client.referrers(image(client)) == []


def test_a_tag_whose_bytes_are_not_of_the_digest_that_is_told(registry: Served):
    client, answers = registry
    answers["/v2/team/api/manifests/main"] = ({}, {"Docker-Content-Digest": DIGEST})
    with pytest.raises(WrongContentError, match="bytes are those of"):
        client.manifest(image(client).tagged("main"))
