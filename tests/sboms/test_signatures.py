"""Where bills lay and who signed them: told as their senders know it, and never more than that."""

import json
from base64 import b64encode
from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import Project, User
from sboms.models import Sbom
from tests.sboms.bills import cyclonedx, send, sent, spdx, statement
from tests.security.making import built, digest

pytestmark = pytest.mark.django_db
LEFT_PAD = ("left-pad", "pkg:npm/left-pad@1.3.0")
VERIFIED = {"signature": "verified", "signed_by": "release.pub"}


def envelope(number: int, *packages: tuple[str, str]) -> bytes:
    """A signed statement about the image of build ``number``."""
    payload = json.dumps(statement(spdx(*packages), number)).encode()
    document = {
        "payload": b64encode(payload).decode(),
        "payloadType": "application/vnd.in-toto+json",
        "signatures": [{"sig": b64encode(b"signature").decode()}],
    }
    return json.dumps(document).encode()


def beside(number: int, place: str = "tag", **said: str) -> dict[str, str]:
    return {"digest": digest(number), "source": place, **said}


@pytest.mark.parametrize("place", ["tag", "referrer"])
def test_a_bill_is_kept_with_its_place_and_signature(ci: APIClient, project: Project, place: str):
    built(project, 1)
    bill = sent(ci, envelope(1, LEFT_PAD), **beside(1, place, **VERIFIED))
    assert (bill["source"], bill["signature"]) == (place, "verified")
    assert bill["signed_by"] == ["release.pub"]
    assert (bill["digests"], bill["is_waiting"]) == ([digest(1)], False)
    assert [row["id"] for row in listed(ci, signature="verified")] == [bill["id"]]
    assert listed(ci, signature="unsigned") == []
    assert [row["id"] for row in listed(ci, source=place)] == [bill["id"]]


def listed(ci: APIClient, **query: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = ci.get("/api/v1/sboms/", query).json()["results"]
    return rows


def test_what_was_uploaded_says_nothing_of_a_signature(ci: APIClient, project: Project):
    built(project, 1)
    bill = sent(ci, envelope(1, LEFT_PAD))
    assert (bill["source"], bill["signature"], bill["signed_by"]) == ("attestation", "", [])


@pytest.mark.parametrize(
    ("said", "place", "words"),
    [
        ({"source": "shelf"}, "source", "Input should be '', 'index', 'tag' or 'referrer'"),
        ({"source": "tag"}, "source", "needs digest: that of the image"),
        ({"signature": "perhaps"}, "signature", "Input should be"),
        ({"signature": "verified"}, "signed_by", "must name the keys of what is verified"),
        ({"signature": "foreign", "signed_by": "a"}, "signed_by", "and of nothing else"),
        ({"signed_by": "a"}, "signed_by", "and of nothing else"),
    ],
)
def test_what_is_said_has_to_make_sense(
    ci: APIClient, said: dict[str, str], place: str, words: str
):
    answer = send(ci, envelope(1), **said)
    assert answer.status_code in {400, 422}
    assert place in answer.content.decode()
    assert words in answer.content.decode().replace('\\"', '"')
    assert not Sbom.objects.exists()


@pytest.mark.parametrize("signature", ["unchecked", "foreign", "verified"])
def test_what_has_no_signature_cannot_be_signed(ci: APIClient, project: Project, signature: str):
    built(project, 1)
    signers = {"signed_by": "release.pub"} if signature == "verified" else {}
    said = beside(1, signature=signature, **signers)
    for document in (statement(spdx(LEFT_PAD), 1), spdx(LEFT_PAD)):
        answer = send(ci, document, **said)
        assert answer.status_code == 422
        assert f"{signature} cannot be: what was sent has no signature" in answer.content.decode()
    assert not Sbom.objects.exists()


def test_what_has_a_signature_is_not_called_unsigned(ci: APIClient, project: Project):
    built(project, 1)
    answer = send(ci, envelope(1), **beside(1, signature="unsigned"))
    assert answer.status_code == 422
    assert "what was sent has a signature" in answer.content.decode()


@pytest.mark.parametrize("document", [envelope(2), statement(spdx(), 2)], ids=["dsse", "plain"])
def test_a_statement_of_another_image_is_refused_with_its_digest(
    ci: APIClient, project: Project, document: Any
):
    built(project, 1)
    answer = send(ci, document, **beside(1))
    assert answer.status_code == 422
    assert f"the SBOM is of {digest(2)}, and not of {digest(1)}" in answer.content.decode()
    assert not Sbom.objects.exists()


def test_what_a_bill_itself_says_does_not_take_it_to_another_image(ci: APIClient, project: Project):
    built(project, 2)
    bill = sent(ci, cyclonedx(2, LEFT_PAD[1]), **beside(1, "referrer", signature="unsigned"))
    assert (bill["digests"], bill["is_waiting"]) == ([digest(1)], True)


def test_a_later_look_tells_more_and_never_less(ci: APIClient, project: Project):
    built(project, 1)
    for said in (
        {"signature": "foreign"},
        VERIFIED,
        {"signature": "unchecked"},
        {"signature": "verified", "signed_by": "audit.pub, release.pub"},
        {"signature": "foreign"},
    ):
        bill = sent(ci, envelope(1, LEFT_PAD), **beside(1, **said))
    assert Sbom.objects.count() == 1
    assert (bill["signature"], bill["signed_by"]) == ("verified", ["audit.pub", "release.pub"])


FROM_INDEX = (statement(spdx(LEFT_PAD), 1), beside(1, "index", signature="unsigned"))
FROM_STRANGER = (envelope(1, ("a", "pkg:npm/a@1")), beside(1, signature="foreign"))
FROM_ANYBODY = (spdx(("b", "pkg:npm/b@1")), beside(1, "referrer", signature="unsigned"))
FROM_RELEASE = (envelope(1, ("c", "pkg:npm/c@1")), beside(1, "referrer", **VERIFIED))


@pytest.mark.parametrize(
    ("came", "in_use"),
    [
        ([FROM_INDEX, FROM_STRANGER, FROM_ANYBODY], "left-pad"),
        ([FROM_STRANGER, FROM_ANYBODY, FROM_INDEX], "left-pad"),
        ([FROM_STRANGER, FROM_ANYBODY], "b"),
        ([FROM_ANYBODY, FROM_STRANGER], "b"),
        ([FROM_INDEX, FROM_RELEASE, FROM_STRANGER], "c"),
        ([FROM_RELEASE, FROM_INDEX], "c"),
    ],
)
def test_the_surest_bill_of_an_image_is_searched(
    ci: APIClient, project: Project, came: list[tuple[Any, dict[str, str]]], in_use: str
):
    built(project, 1)
    for document, said in came:
        sent(ci, document, **said)
    assert in_use_names() == [in_use]


def in_use_names() -> list[str]:
    rows = Sbom.objects.filter(in_use__upper_inf=True, listings__is_in_use=True)
    return [str(name) for name in rows.values_list("listings__package_version__name", flat=True)]


def test_a_bill_that_is_verified_later_takes_its_place_then(ci: APIClient, project: Project):
    built(project, 1)
    sent(ci, envelope(1, ("c", "pkg:npm/c@1")), **beside(1, signature="unchecked"))
    sent(ci, *FROM_INDEX[:1], **FROM_INDEX[1])
    assert in_use_names() == ["left-pad"]
    sent(ci, envelope(1, ("c", "pkg:npm/c@1")), **beside(1, **VERIFIED))
    assert in_use_names() == ["c"]


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (
            beside(1, "tag", signature="verified", signed_by="<b>release</b>"),
            (
                "Attested by cosign under a tag of the image",
                "by &lt;b&gt;release&lt;/b&gt;, as its sender checked",
            ),
        ),
        (
            beside(1, "referrer", signature="unchecked"),
            ("Refers to the image in its registry", "Signed, not checked"),
        ),
        (beside(1, "tag", signature="foreign"), ("Signed by another key",)),
        ({}, ("Attestation of the image", "not said")),
    ],
)
def test_the_pages_tell_place_and_signature(
    ci: APIClient,
    project: Project,
    client_of: Any,
    bob: User,
    said: dict[str, str],
    words: tuple[str, ...],
):
    built(project, 1)
    sent(ci, envelope(1, LEFT_PAD), **said)
    page = client_of(bob).get(Sbom.objects.get().get_absolute_url()).content.decode()
    for text in words:
        assert text in page
    assert ("Verified" in page) == (said.get("signature") == "verified")
    assert (
        words[0].partition("<")[0] in client_of(bob).get("/projects/shop/sboms/").content.decode()
    )
