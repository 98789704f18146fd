"""What counts and what does not, from what was found and who has signed it; nothing is run."""

from datetime import UTC, datetime
from typing import Any

import pytest

from supplychain.intoto import Statement
from supplychain.signing.attached import COSIGN_SIGNATURE, Attached, Store
from supplychain.trust.evaluation import Evidence, Verdict, evaluate
from supplychain.trust.policy import Environment, Identity, Key, Needs, Policy
from supplychain.trust.reasons import OF_PROVENANCE, OF_SIGNATURES, OF_SIGNERS, Code
from supplychain.trust.standing import Checked
from tests.supplychain.signed import PROVENANCE_V1, SPDX, provenance_v1

DIGEST, OTHER = "sha256:" + "a" * 64, "sha256:" + "b" * 64
NOW = datetime(2026, 6, 15, tzinfo=UTC)
LOOSE = Needs(signatures=0, provenance=True)


def found(
    kind: str = COSIGN_SIGNATURE,
    *signers: str,
    of: str = DIGEST,
    predicate: Any = None,
    signed: bool = True,
) -> Checked:
    statement = Statement(kind, (of,), predicate or {}, {})
    bundle: dict[str, Any] = {"dsseEnvelope": {}} if signed else {}
    store = Store.REFERRER if signed else Store.INDEX
    return Checked(Attached(store, "sha256:x", "sha256:y", statement, bundle), signers)


def judged(*checked: Checked, needs: Needs | None = None, **rules: Any) -> Verdict:
    wanted = needs or Needs(provenance=False)
    environment = Environment("production", ("a", "b"), needs=wanted, **rules)
    keys = (
        Key("a", reference="a.pub"),
        Key("stranger", reference="s.pub"),
        Key("late", reference="l.pub", valid_from=datetime(2026, 7, 1, tzinfo=UTC)),
    )
    policy = Policy(keys, (Identity("b", "subject", "issuer"),), (environment,))
    return evaluate(policy, environment, Evidence(DIGEST, checked), NOW)


def codes(*checked: Checked, **rules: Any) -> list[str]:
    return [reason.code.value for reason in judged(*checked, **rules).reasons]


@pytest.mark.parametrize("signer", ["a", "b"])
def test_a_key_and_an_identity_count_alike(signer: str):
    assert codes(found(COSIGN_SIGNATURE, signer)) == []


def test_one_good_signature_is_enough_whatever_else_lies_there():
    good = found(COSIGN_SIGNATURE, "a")
    assert codes(found(), found(COSIGN_SIGNATURE, "a", of=OTHER), good) == []


def test_all_reasons_are_told_each_once():
    bad = [found(), found(), found(COSIGN_SIGNATURE, "a", of=OTHER)]
    assert codes(*bad) == ["foreign-key", "other-digest"]


def test_a_signature_by_an_allowed_key_that_is_also_known_as_one_that_does_not_count_yet():
    assert codes(found(COSIGN_SIGNATURE, "a", "late")) == ["key-not-yet-valid"]


def test_a_tampered_manifest_needs_no_other_reason():
    environment = Environment("production", ("a",))
    policy = Policy((Key("a", reference="a.pub"),), (), (environment,))
    verdict = evaluate(policy, environment, Evidence(DIGEST, tampered="It is not."), NOW)
    assert [(item.code.value, item.message) for item in verdict.reasons] == [
        ("manifest-tampered", "It is not.")
    ]
    assert verdict.facts["provenance"] is None


def test_one_provenance_that_fits_is_enough():
    good = found(PROVENANCE_V1, "a", predicate=provenance_v1())
    bad = found(PROVENANCE_V1, "a", predicate=provenance_v1("refs/heads/x"))
    assert codes(bad, good, needs=LOOSE, refs=("main",)) == []
    assert codes(bad, needs=LOOSE, refs=("main",)) == ["branch-not-allowed"]


def test_provenance_that_counts_is_shown_before_what_a_stranger_attests():
    good = found(PROVENANCE_V1, "a", predicate=provenance_v1())
    alien = found(PROVENANCE_V1, predicate=provenance_v1(builder="https://alien.example.com"))
    verdict = judged(alien, good, needs=LOOSE)
    assert verdict.passed
    assert verdict.facts["provenance"]["by"] == ["a"]
    assert verdict.facts["provenance"]["standing"] == "counts"


def test_what_buildkit_put_into_the_index_is_shown_and_counts_for_nothing():
    own = found(PROVENANCE_V1, predicate=provenance_v1(), signed=False)
    verdict = judged(own, needs=LOOSE)
    assert [reason.code for reason in verdict.reasons] == ["provenance-unsigned"]
    assert verdict.facts["provenance"]["standing"] == "unsigned"
    assert verdict.facts["provenance"]["fault"] == "unsigned"
    assert codes(found(SPDX, signed=False), needs=Needs(0, False, True)) == ["sbom-unsigned"]


def test_provenance_that_cannot_be_read():
    assert codes(found(PROVENANCE_V1, "a"), needs=LOOSE) == ["provenance-unreadable"]


@pytest.mark.parametrize(
    ("rules", "code"),
    [
        ({"builders": ("https://other/*",)}, "builder-not-allowed"),
        ({"repositories": ("https://github.com/other/*",)}, "source-not-allowed"),
        ({"repositories": ("git@github.com:example/*",)}, ""),
        ({"refs": ("refs/tags/*",)}, "branch-not-allowed"),
    ],
)
def test_rules_of_an_environment(rules: dict[str, Any], code: str):
    item = found(PROVENANCE_V1, "a", predicate=provenance_v1())
    assert codes(item, needs=LOOSE, **rules) == ([code] if code else [])


def test_a_commit_with_changes_is_no_revision():
    predicate = {
        "buildDefinition": {"buildType": "t"},
        "runDetails": {
            "builder": {"id": "x"},
            "metadata": {"buildinsights_source": {"revision": "a" * 40 + "-dirty"}},
        },
    }
    [reason] = judged(found(PROVENANCE_V1, "a", predicate=predicate), needs=LOOSE).reasons
    assert reason.code == "revision-unknown"
    assert "-dirty" in reason.message


def test_an_sbom_of_another_image():
    wanted = Needs(signatures=0, provenance=False, sbom=True)
    assert codes(found(SPDX, "a", of=OTHER), needs=wanted) == ["attestation-swapped"]
    assert codes(found(SPDX, "a"), needs=wanted) == []


def test_each_code_is_of_signatures_signers_provenance_or_the_sbom():
    of_sbom = {Code.SBOM_MISSING, Code.SBOM_UNSIGNED}
    assert sorted([*OF_SIGNATURES, *OF_SIGNERS, *OF_PROVENANCE, *of_sbom]) == sorted(Code)
