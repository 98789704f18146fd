"""Whether an image is to be trusted in an environment: pure, from what was found and checked."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from buildkit.attestations import PROVENANCE
from buildkit.errors import ParseError
from buildkit.values import Json, as_list, as_text
from supplychain.intoto import SBOM_TYPES
from supplychain.signing.attached import Attached
from supplychain.signing.provenance import ProvenanceFacts, read_facts
from supplychain.signing.sources import canonical_repository, matches, ref_matches
from supplychain.trust.policy import Environment, Policy
from supplychain.trust.reasons import WITHOUT_LOG, Code, Reason
from supplychain.trust.standing import Checked, fault_of

_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was found beside an image, and who has signed each thing, by the policy's ids."""

    digest: str
    checked: tuple[Checked, ...] = ()
    tampered: str = ""
    """A sentence, if the manifest is not what it should be."""


@dataclass(slots=True)
class Verdict:
    """Trusted without reasons not to; ``facts`` are what was read, as JSON."""

    reasons: list[Reason] = field(default_factory=list)
    facts: Json = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """Whether the image is trusted."""
        return not self.reasons

    def add(self, reasons: Sequence[Reason]) -> None:
        """Add reasons that are not there yet."""
        self.reasons += [item for item in dict.fromkeys(reasons) if item not in self.reasons]


@dataclass(frozen=True, slots=True)
class _Question:
    policy: Policy
    environment: Environment
    digest: str
    at: datetime

    def fault(self, checked: Checked) -> Reason | None:
        """Return why a signature or attestation does not count, if it does not."""
        return fault_of(checked, self.digest, self.policy, self.environment, self.at)


def evaluate(policy: Policy, environment: Environment, evidence: Evidence, at: datetime) -> Verdict:
    """Return whether an image is trusted at a moment: signature, then provenance, then SBOM."""
    verdict = Verdict(facts={"signed_by": [], "provenance": None, "sbom": None})
    verdict.facts["guarantees_lost"] = [] if policy.transparency_log else list(WITHOUT_LOG)
    if evidence.tampered:
        verdict.add([Reason(Code.MANIFEST_TAMPERED, evidence.tampered)])
        return verdict
    question = _Question(policy, environment, evidence.digest, at)
    _judge_signatures(question, evidence.checked, verdict)
    _judge_provenance(question, evidence.checked, verdict)
    _judge_sbom(question, evidence.checked, verdict)
    return verdict


def _judge_signatures(question: _Question, checked: Sequence[Checked], verdict: Verdict) -> None:
    signatures = [item for item in checked if item.attached.is_signature]
    faults = [question.fault(item) for item in signatures]
    allowed = question.environment.signers
    signers = {
        name
        for item, fault in zip(signatures, faults, strict=True)
        if fault is None
        for name in item.signers
        if name in allowed
    }
    verdict.facts["signed_by"] = sorted(signers)
    verdict.facts["signatures"] = [
        _as_json(item, fault) for item, fault in zip(signatures, faults, strict=True)
    ]
    wanted = question.environment.needs.signatures
    if len(signers) >= wanted:
        return
    if not signatures:
        verdict.add([Reason(Code.UNSIGNED, "Nobody has signed this image.")])
    elif not signers:
        verdict.add([fault for fault in faults if fault])
    else:
        message = f"{wanted} different signers are needed, there is {', '.join(sorted(signers))}."
        verdict.add([Reason(Code.TOO_FEW_SIGNATURES, message)])


def _judge_provenance(question: _Question, checked: Sequence[Checked], verdict: Verdict) -> None:
    """One provenance that counts and says what is allowed is enough."""
    items = [
        item for item in checked if item.attached.statement.predicate_type.startswith(PROVENANCE)
    ]
    tried = sorted((_tried(question, item) for item in items), key=lambda item: item.rank)
    if tried:
        verdict.facts["provenance"] = tried[0].as_json()
    if not question.environment.needs.provenance or (tried and not tried[0].reasons):
        return
    if not tried:
        verdict.add([Reason(Code.PROVENANCE_MISSING, "No provenance is attested.")])
    elif not tried[0].checked.attached.bundle:
        message = (
            "There is only the provenance that BuildKit put into the index, which nobody signed:"
            " buildinsights sign --provenance attests it."
        )
        verdict.add([Reason(Code.PROVENANCE_UNSIGNED, message)])
    elif tried[0].counts:
        verdict.add(tried[0].reasons)
    else:
        signed = [item for item in tried if item.checked.attached.bundle]
        verdict.add([reason for item in signed for reason in item.reasons])


@dataclass(frozen=True, slots=True)
class _Tried:
    """A provenance, and why it does not do."""

    checked: Checked
    facts: ProvenanceFacts | None
    counts: bool
    reasons: tuple[Reason, ...]

    @property
    def rank(self) -> tuple[int, int]:
        """What tells most of the image first: what counts, then what is signed at all."""
        if self.counts:
            return 0, len(self.reasons)
        return (1 if self.checked.attached.bundle else 2), len(self.reasons)

    def as_json(self) -> Json:
        """Return what it says and how far it counts."""
        standing = "counts" if self.counts else ("refused", "unsigned")[self.rank[0] - 1]
        facts = self.facts.as_json() if self.facts else {}
        own = _as_json(self.checked, self.reasons[0] if self.reasons else None)
        return facts | own | {"standing": standing}


def _tried(question: _Question, checked: Checked) -> _Tried:
    attached = checked.attached
    try:
        statement = attached.statement
        facts = read_facts(statement.predicate, statement.predicate_type, attached.store)
    except ParseError as error:
        reason = Reason(Code.PROVENANCE_UNREADABLE, f"The provenance cannot be read: {error}")
        return _Tried(checked, None, counts=False, reasons=(reason,))
    if fault := question.fault(checked):
        return _Tried(checked, facts, counts=False, reasons=(fault,))
    reasons = tuple(_faults_of_build(question.environment, facts))
    return _Tried(checked, facts, counts=True, reasons=reasons)


def _faults_of_build(environment: Environment, facts: ProvenanceFacts) -> Iterator[Reason]:
    """Yield what of a build the environment does not allow."""
    where = environment.name
    if environment.builders and not any(
        matches(pattern, facts.builder) for pattern in environment.builders
    ):
        said = facts.builder or "a builder that the provenance does not name"
        yield Reason(Code.BUILDER_NOT_ALLOWED, f"Built by {said}, which {where} does not allow.")
    source = facts.source
    if environment.repositories and not any(
        matches(canonical_repository(pattern), source.repository)
        for pattern in environment.repositories
    ):
        said = source.repository or "a repository that the provenance does not name"
        yield Reason(Code.SOURCE_NOT_ALLOWED, f"Built from {said}, which {where} does not allow.")
    if environment.refs and not any(ref_matches(item, source.ref) for item in environment.refs):
        said = source.ref or "a branch or tag that the provenance does not name"
        yield Reason(Code.BRANCH_NOT_ALLOWED, f"Built from {said}, which {where} does not allow.")
    if not _COMMIT.fullmatch(source.revision):
        said = f"says {source.revision!r}, which is no commit" if source.revision else "names none"
        yield Reason(Code.REVISION_UNKNOWN, f"The revision is not known: the provenance {said}.")


def _judge_sbom(question: _Question, checked: Sequence[Checked], verdict: Verdict) -> None:
    items = [
        item for item in checked if item.attached.statement.predicate_type.startswith(SBOM_TYPES)
    ]
    faults = [question.fault(item) for item in items]
    pairs = list(zip(items, faults, strict=True))
    counting = [item for item, fault in pairs if fault is None]
    if shown := counting or items:
        fault = None if counting else faults[0]
        verdict.facts["sbom"] = _as_json(shown[0], fault) | _inventory(shown[0].attached)
    if not question.environment.needs.sbom or counting:
        return
    signed = [fault for item, fault in pairs if fault and item.attached.bundle]
    if signed:
        verdict.add(signed)
    elif items:
        message = f"There is only an SBOM that nobody signed, in the {items[0].attached.store}."
        verdict.add([Reason(Code.SBOM_UNSIGNED, message)])
    else:
        verdict.add([Reason(Code.SBOM_MISSING, "No SBOM is attested.")])


def _inventory(attached: Attached) -> Json:
    """Return how many things an SBOM of either format lists."""
    predicate = attached.statement.predicate
    listed = as_list(predicate.get("packages")) or as_list(predicate.get("components"))
    version = predicate.get("spdxVersion") or f"CycloneDX {predicate.get('specVersion', '')}"
    return {"format": as_text(version).strip(), "packages": len(listed)}


def _as_json(checked: Checked, fault: Reason | None) -> Json:
    """Return where something was found, who signed it, and why it does not count."""
    attached = checked.attached
    return {
        "by": list(checked.signers),
        "fingerprint": attached.hint,
        "store": attached.store.value,
        "predicate_type": attached.statement.predicate_type,
        "of": list(attached.statement.digests),
        "fault": fault.code.value if fault else None,
    }
