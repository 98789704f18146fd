"""SBOMs in a real registry: where each lies, of what it is, and what is known of its signature."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from buildkit.registry import Reference
from supplychain.signing import bills
from supplychain.signing.bills import Bill, Bills, Keys, Place, Signature, bills_of
from supplychain.signing.commands import Verifier
from tests.sboms.bills import cyclonedx, spdx
from tests.supplychain.signed import SPDX, Workshop, provenance_v1, workshop

pytestmark = pytest.mark.engine
CYCLONEDX = "https://cyclonedx.org/bom"
LEFT_PAD = ("left-pad", "pkg:npm/left-pad@1.3.0")
DSSE = "application/vnd.dsse.envelope.v1+json"
FORMS = pytest.mark.parametrize("old", [False, True], ids=["bundle", "tag"])


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    with workshop(tmp_path_factory.mktemp("signed")) as made:
        yield made


def look(shop: Workshop, image: Reference, *names: str) -> Bills:
    verifiers = {name: Verifier(key=str(shop.key(name).with_suffix(".pub"))) for name in names}
    return bills_of(shop.registry, image, Keys(verifiers, shop.cosign))


def only(found: Bills) -> Bill:
    assert found.refused == []
    [bill] = found.found
    return bill


@FORMS
@pytest.mark.parametrize(
    ("kind", "document", "format_"),
    [
        (SPDX, spdx(LEFT_PAD), "spdx"),
        (CYCLONEDX, cyclonedx(None, LEFT_PAD[1]), "cyclonedx"),
    ],
    ids=["spdx", "cyclonedx"],
)
def test_what_cosign_attested_is_verified_by_its_key_alone(
    shop: Workshop, kind: str, document: Any, format_: str, old: bool
):
    image = shop.image("attested", f"{kind} {old}")
    shop.attest(image, document, kind=kind, old=old)
    shop.attest(image, provenance_v1(), old=old)
    bill = only(look(shop, image, "release", "stranger"))
    assert bill.place is (Place.TAG if old else Place.REFERRER)
    assert (bill.signature, bill.signed_by) == (Signature.VERIFIED, ("release",))
    assert bill.image_digest == image.digest
    assert (bill.read.format, bill.read.is_signed) == (format_, True)
    assert bill.read.subjects == (image.digest,)
    assert [package.purl for package in bill.read.packages] == [LEFT_PAD[1]]


@FORMS
def test_a_signature_that_nobody_checked_or_of_another_key_is_not_verified(
    shop: Workshop, old: bool
):
    image = shop.image("not-verified", f"{old}")
    shop.attest(image, spdx(LEFT_PAD), "stranger", kind=SPDX, old=old)
    unchecked = only(look(shop, image))
    assert (unchecked.signature, unchecked.signed_by) == (Signature.UNCHECKED, ())
    foreign = only(look(shop, image, "release"))
    assert (foreign.signature, foreign.signed_by) == (Signature.FOREIGN, ())
    assert foreign.data == unchecked.data


def test_an_envelope_with_other_words_than_were_signed_is_not_verified(shop: Workshop):
    """What is sent is what was checked: it is made of what was read here."""
    image = shop.image("forged")
    shop.attest(image, spdx(LEFT_PAD), kind=SPDX, old=True)
    envelope = json.loads(only(look(shop, image)).data)
    other = shop.image("forged", "another")
    shop.attest(other, spdx(), kind=SPDX, old=True)
    envelope["signatures"] = json.loads(only(look(shop, other)).data)["signatures"]
    shop.put_beside(image, ".att", DSSE, json.dumps(envelope).encode())
    assert only(look(shop, image, "release")).signature is Signature.FOREIGN


@pytest.mark.parametrize(
    ("kind", "artifact", "document"),
    [
        ("application/spdx+json", "", spdx(LEFT_PAD)),
        ("application/vnd.cyclonedx+json", "", cyclonedx(None, LEFT_PAD[1])),
        ("application/json", "application/spdx+json", spdx(LEFT_PAD)),
    ],
    ids=["spdx", "cyclonedx", "told by the artifact"],
)
def test_a_bare_bill_that_refers_to_the_image_is_not_signed(
    shop: Workshop, kind: str, artifact: str, document: Any
):
    image = shop.image("bare-bill", f"{kind}{artifact}")
    data = json.dumps(document).encode()
    shop.refer(image, kind, data, artifact=artifact)
    bill = only(look(shop, image, "release"))
    assert (bill.place, bill.signature, bill.signed_by) == (
        Place.REFERRER,
        Signature.UNSIGNED,
        (),
    )
    assert bill.data == data
    assert [package.name for package in bill.read.packages] == ["left-pad"]


def test_a_bare_bill_is_no_sbom_that_a_policy_asks_for(shop: Workshop):
    image = shop.image("bare-policy")
    shop.sign(image)
    shop.refer(image, "application/spdx+json", json.dumps(spdx(LEFT_PAD)).encode())
    policy = shop.policy(needs={"sbom": True, "provenance": False})
    assert shop.codes(image, policy) == ["sbom-unsigned"]


@FORMS
def test_an_sbom_that_was_moved_here_is_refused_with_what_it_is_of(shop: Workshop, old: bool):
    good, bad = shop.image("moved-bill", f"a{old}"), shop.image("moved-bill", f"b{old}")
    shop.attest(good, spdx(LEFT_PAD), kind=SPDX, old=old)
    shop.move(good, bad)
    found = look(shop, bad, "release")
    assert found.found == []
    [refused] = found.refused
    assert refused.endswith(f"the SBOM is of {good.digest}, and not of {bad.digest}")


def test_a_bare_bill_that_refers_to_another_image_is_refused(shop: Workshop):
    good, bad = shop.image("lent-bill", "a"), shop.image("lent-bill", "b")
    digest = shop.refer(good, "application/spdx+json", json.dumps(spdx(LEFT_PAD)).encode())
    shop.list_as_referrer(bad, digest)
    found = look(shop, bad)
    assert found.found == []
    assert f"the SBOM is of {good.digest}, and not of {bad.digest}" in found.refused[0]


def test_what_strangers_put_beside_an_image_hides_nothing(shop: Workshop):
    image = shop.image("littered-bills")
    shop.refer(image, "application/spdx+json", b"{no json")
    shop.refer(image, "application/spdx+json", b'{"packages": []}')
    shop.refer(image, "application/vnd.cyclonedx+json", b'{"a":' * 5000 + b"1" + b"}" * 5000)
    shop.attest(image, spdx(LEFT_PAD), kind=SPDX, old=True)
    found = look(shop, image, "release")
    assert [bill.signature for bill in found.found] == [Signature.VERIFIED]
    assert len(found.refused) == 3


def test_how_many_are_read_has_an_end_that_is_told(shop: Workshop, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(bills, "MOST_BILLS", 2)
    image = shop.image("many-bills")
    for number in range(3):
        data = json.dumps(spdx((f"a{number}", f"pkg:npm/a{number}@1"))).encode()
        shop.refer(image, "application/spdx+json", data)
    found = look(shop, image)
    assert len(found.found) == 2
    assert found.refused == [f"{image} has more SBOMs: 2 were read"]
