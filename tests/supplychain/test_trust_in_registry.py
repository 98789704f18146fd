"""Real signatures in a real registry: what is trusted, and each refusal with its own reason."""

import base64
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from buildkit.registry import Reference
from supplychain.signing.commands import Signer
from supplychain.signing.cosign import Cosign
from supplychain.signing.errors import CosignMissingError, SigningError
from tests.supplychain.signed import (
    BUILDER,
    PROVENANCE_V02,
    SPDX,
    Workshop,
    provenance_v1,
    workshop,
)

pytestmark = pytest.mark.engine
SBOM = {"spdxVersion": "SPDX-2.3", "SPDXID": "SPDXRef-DOCUMENT", "packages": [{"name": "a"}]}
FULL = {
    "builders": ["https://ci.example.com/**"],
    "repositories": ["https://github.com/example/*"],
    "refs": ["main", "release/*"],
    "needs": {"signature": True, "provenance": True, "sbom": True},
}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    with workshop(tmp_path_factory.mktemp("signed")) as made:
        yield made


@pytest.mark.parametrize("old", [False, True], ids=["bundles", "tags"])
def test_what_is_signed_and_attested_is_trusted(shop: Workshop, old: bool):
    image = shop.image("trusted", f"old {old}")
    shop.sign(image, old=old)
    shop.attest(image, provenance_v1(), old=old)
    shop.attest(image, SBOM, kind=SPDX, old=old)
    found = shop.verify(image, shop.policy(**FULL))
    assert found.verdict.reasons == []
    facts = found.verdict.facts
    assert facts["signed_by"] == ["release"]
    assert facts["provenance"]["builder"] == BUILDER
    assert facts["provenance"]["source"]["ref"] == "refs/heads/main"
    assert facts["sbom"]["packages"] == 1
    assert len(facts["guarantees_lost"]) == 2
    assert found.inputs["manifest"] == image.digest
    assert len(found.inputs["attached"]) == 3


def test_an_image_that_nobody_signed(shop: Workshop):
    image = shop.image("unsigned")
    assert shop.codes(image, shop.policy()) == ["unsigned"]


def test_an_attestation_is_no_signature(shop: Workshop):
    image = shop.image("only-attested")
    shop.attest(image, provenance_v1())
    assert shop.codes(image, shop.policy()) == ["unsigned"]


@pytest.mark.parametrize("old", [False, True], ids=["bundles", "tags"])
def test_a_foreign_key(shop: Workshop, old: bool):
    image = shop.image("foreign", f"old {old}")
    shop.sign(image, "stranger", old=old)
    assert shop.codes(image, shop.policy()) == ["foreign-key"]


def test_a_key_of_another_environment_is_named(shop: Workshop):
    image = shop.image("of-staging")
    shop.sign(image, "staging")
    policy = shop.policy("release", "staging")
    policy["environments"]["production"]["signers"] = ["release"]
    [reason] = shop.verify(image, policy).verdict.reasons
    assert reason.code == "foreign-key"
    assert reason.message == "The signature is by staging, whom production does not allow."


@pytest.mark.parametrize("old", [False, True], ids=["bundles", "tags"])
def test_a_signature_of_another_digest(shop: Workshop, old: bool):
    signed, other = shop.image("moved", f"a{old}", "a"), shop.image("moved", f"b{old}", "b")
    shop.sign(signed, old=old)
    shop.move(signed, other)
    [reason] = shop.verify(other, shop.policy()).verdict.reasons
    assert reason.code == "other-digest"
    assert signed.digest in reason.message


@pytest.mark.parametrize("old", [False, True], ids=["bundles", "tags"])
def test_a_swapped_attestation(shop: Workshop, old: bool):
    good, bad = shop.image("swapped", f"a{old}", "a"), shop.image("swapped", f"b{old}", "b")
    shop.attest(good, provenance_v1(), old=old)
    shop.move(good, bad)
    shop.sign(bad, old=old)
    policy = shop.policy(needs={"provenance": True})
    [reason] = shop.verify(bad, policy).verdict.reasons
    assert reason.code == "attestation-swapped"
    assert good.digest in reason.message


@pytest.mark.parametrize("by_tag", [True, False])
def test_a_tampered_manifest(shop: Workshop, by_tag: bool):
    image = shop.image("tampered", f"by tag {by_tag}")
    shop.sign(image)
    file = shop.own.blob_file(image.digest)
    file.write_bytes(file.read_bytes().replace(b'"layers"', b'"Layers"'))
    asked = image.tagged(image.tag) if by_tag else image.at(image.digest)
    assert shop.codes(asked, shop.policy()) == ["manifest-tampered"]


def test_a_tag_that_was_moved_from_what_was_signed(shop: Workshop):
    signed = shop.image("retagged", "signed")
    shop.sign(signed)
    assert shop.codes(signed.tagged("1"), shop.policy()) == []
    now = shop.image("retagged", "not signed")
    [reason] = shop.verify(now.tagged("1"), shop.policy()).verdict.reasons
    assert reason.code == "manifest-tampered"
    assert signed.digest in reason.message
    assert shop.codes(signed, shop.policy()) == ["manifest-tampered"]
    assert shop.codes(signed.at(signed.digest), shop.policy()) == []


def test_a_tag_that_nobody_signed_as_such_is_only_unsigned(shop: Workshop):
    shop.sign(shop.image("other-tag", "signed", "1"))
    image = shop.image("other-tag", "not signed", "2")
    assert shop.codes(image.tagged("2"), shop.policy()) == ["unsigned"]


def test_rotation_the_old_key_counts_until_it_ends(shop: Workshop):
    image = shop.image("rotated")
    policy = shop.policy("old", "new")
    policy["keys"][0]["valid_until"] = "2026-07-01T00:00:00Z"
    policy["keys"][1]["valid_from"] = "2026-06-01"
    before, between, after = (datetime(2026, month, 15, tzinfo=UTC) for month in (5, 6, 7))
    shop.sign(image, "old")
    assert shop.codes(image, policy, before) == []
    assert shop.codes(image, policy, between) == []
    assert shop.codes(image, policy, after) == ["key-expired"]
    shop.sign(image, "new")
    assert shop.codes(image, policy, before) == []
    assert shop.codes(image, policy, after) == []
    assert shop.verify(image, policy, after).verdict.facts["signed_by"] == ["new"]


def test_revocation_holds_whenever_a_signature_was_made(shop: Workshop):
    image = shop.image("revoked")
    shop.sign(image, "lost")
    policy = shop.policy("lost")
    policy["keys"][0] |= {"revoked_at": "2026-06-01T12:00:00Z", "revoked_because": "laptop stolen"}
    assert shop.codes(image, policy, datetime(2026, 6, 1, 11, tzinfo=UTC)) == []
    [reason] = shop.verify(image, policy, datetime(2026, 6, 1, 12, tzinfo=UTC)).verdict.reasons
    assert reason.code == "key-revoked"
    assert reason.message == "Key lost was revoked on 2026-06-01 12:00 UTC: laptop stolen."


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"builder": "https://elsewhere.example.com/1"}, "builder-not-allowed"),
        ({"ref": "refs/heads/feature"}, "branch-not-allowed"),
        ({"ref": "refs/tags/main"}, "branch-not-allowed"),
    ],
)
def test_a_build_that_the_policy_does_not_allow(shop: Workshop, said: dict[str, str], code: str):
    image = shop.image("not-allowed", str(said))
    shop.sign(image)
    shop.attest(image, provenance_v1(**said))
    rules = FULL | {"needs": {"provenance": True}}
    assert shop.codes(image, shop.policy(**rules)) == [code]


def test_provenance_and_sbom_that_are_missing(shop: Workshop):
    image = shop.image("bare")
    shop.sign(image)
    assert shop.codes(image, shop.policy(**FULL)) == ["provenance-missing", "sbom-missing"]


def test_provenance_of_v02_without_a_revision(shop: Workshop):
    image = shop.image("v02")
    shop.sign(image)
    predicate = {
        "builder": {"id": BUILDER},
        "buildType": "https://mobyproject.org/buildkit@v1",
        "invocation": {"configSource": {"uri": "https://github.com/example/shop.git#main"}},
        "materials": [],
    }
    shop.attest(image, predicate, kind=PROVENANCE_V02)
    rules = FULL | {"needs": {"provenance": True}}
    assert shop.codes(image, shop.policy(**rules)) == ["revision-unknown"]


def test_several_signers_are_counted_once_each(shop: Workshop):
    image = shop.image("several")
    policy = shop.policy("release", "audit", needs={"minimum": 2, "provenance": False})
    shop.sign(image)
    shop.sign(image)
    assert shop.codes(image, policy) == ["too-few-signatures"]
    shop.sign(image, "audit")
    assert shop.codes(image, policy) == []


def test_what_strangers_put_beside_an_image_keeps_nobody_from_trusting_it(shop: Workshop):
    image = shop.image("littered")
    shop.sign(image)
    for suffix, kind, data in (
        (".att", "application/vnd.dsse.envelope.v1+json", b"{not json"),
        (".sig", "application/vnd.dev.cosign.simplesigning.v1+json", simple(image)),
    ):
        shop.put_beside(image, suffix, kind, data)
    found = shop.verify(image, shop.policy())
    assert found.verdict.reasons == []
    assert len(found.inputs["problems"]) >= 1


def simple(image: Reference) -> bytes:
    critical = {
        "type": "cosign container image signature",
        "image": {"docker-manifest-digest": image.digest},
    }
    return json.dumps({"critical": critical}).encode()


def test_an_envelope_that_can_be_read_in_two_ways_is_read_in_one(shop: Workshop):
    """A reader that minds no case would check one payload where another reads the other."""
    good, bad = shop.image("two-ways", "good", "good"), shop.image("two-ways", "bad", "bad")
    shop.attest(good, provenance_v1(), old=True)
    tag = f"{good.digest.replace(':', '-')}.att"
    layer = shop.registry.manifest(good.tagged(tag)).document["layers"][0]
    envelope = json.loads(shop.registry.config(good, layer["digest"]))
    shop.sign(bad)
    claimed = base64.b64decode(envelope["payload"]).replace(
        good.digest.removeprefix("sha256:").encode(), bad.digest.removeprefix("sha256:").encode()
    )
    forged = {
        "payload": base64.b64encode(claimed).decode(),
        "payloadType": envelope["payloadType"],
        "signatures": envelope["signatures"],
        "PAYLOAD": envelope["payload"],
    }
    kind = "application/vnd.dsse.envelope.v1+json"
    shop.put_beside(bad, ".att", kind, json.dumps(forged).encode())
    policy = shop.policy(needs={"provenance": True})
    assert shop.codes(bad, policy) == ["foreign-key"]


def test_errors_of_cosign_have_codes(shop: Workshop):
    image = shop.image("errors")
    key = str(shop.key("release"))
    environment = dict(shop.cosign.environment)
    without = {name: text for name, text in environment.items() if name != "COSIGN_PASSWORD"}
    gone = replace(image, host="localhost:1")
    cases = [
        (environment | {"COSIGN_PASSWORD": "another"}, image, key, "wrong-password"),
        (without, image, key, "password-missing"),
        (environment, image, "/nowhere/cosign.key", "key-not-found"),
        (environment, image, "unknownkms://key", "key-unusable"),
        (environment, gone, key, "registry-unreachable"),
        (environment, image.at("sha256:" + "0" * 64), key, "image-not-found"),
        (environment | {"DOCKER_CONFIG": "/nowhere"}, image, key, "registry-unauthorized"),
    ]
    for variables, reference, named, code in cases:
        with pytest.raises(SigningError) as caught:
            Cosign(environment=variables).sign(reference, Signer(named))
        assert caught.value.code == code
        assert "of the key" not in str(caught.value)
    with pytest.raises(CosignMissingError):
        Cosign(environment={"PATH": "/nowhere"}).version()
