"""What a reporter said of an image, read without trust for pages."""

from dataclasses import dataclass
from typing import Any

from buildkit.values import Json, as_dict, as_dicts, as_list, as_text, as_text_map
from trust.models import Verification

MOST_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Shown:
    """Parts of a verification, of the types that pages expect."""

    reasons: list[Json]
    signed_by: list[str]
    signatures: list[Json]
    provenance: Json
    sbom: Json
    guarantees_lost: list[str]
    cosign: str
    policy_digest: str
    attached: list[Json]
    problems: list[str]

    @property
    def codes(self) -> list[str]:
        """The codes of the reasons."""
        return [as_text(item.get("code")) for item in self.reasons]

    @property
    def source(self) -> dict[str, str]:
        """Repository, revision and ref."""
        return as_text_map(self.provenance.get("source"))

    @property
    def materials(self) -> list[dict[str, str]]:
        """What went into the build from outside."""
        return [as_text_map(item) for item in as_dicts(self.provenance.get("materials"))]

    @property
    def parameters(self) -> list[tuple[str, str]]:
        """What the builder was told."""
        return list(as_text_map(self.provenance.get("parameters")).items())


def shown(verification: Verification) -> Shown:
    """Return what a verification says."""
    facts, inputs = as_dict(verification.facts), as_dict(verification.inputs)
    return Shown(
        reasons=as_dicts(verification.reasons),
        signed_by=_texts(facts.get("signed_by")),
        signatures=as_dicts(facts.get("signatures"))[:MOST_SHOWN],
        provenance=as_dict(facts.get("provenance")),
        sbom=as_dict(facts.get("sbom")),
        guarantees_lost=_texts(facts.get("guarantees_lost")),
        cosign=as_text(inputs.get("cosign")),
        policy_digest=as_text(inputs.get("policy")),
        attached=as_dicts(inputs.get("attached"))[:MOST_SHOWN],
        problems=_texts(inputs.get("problems")),
    )


def _texts(value: Any) -> list[str]:
    return [item for item in as_list(value) if isinstance(item, str)]
