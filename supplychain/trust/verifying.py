"""An image of a registry held against a trust policy: what is there, who signed it, the verdict."""

import hashlib
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from buildkit.registry import Manifest, NotFoundError, Reference, Registry, WrongContentError
from buildkit.registry.reference import is_digest
from buildkit.values import Json, as_dict, as_dicts, as_text, canonical_json
from supplychain.signing.attached import attached_to
from supplychain.signing.checking import signers_of
from supplychain.signing.commands import TAG_ANNOTATION, Verifier
from supplychain.signing.cosign import Cosign
from supplychain.signing.errors import SigningError
from supplychain.trust.evaluation import Evidence, Verdict, evaluate
from supplychain.trust.policy import Environment, Policy
from supplychain.trust.reading import read_policy
from supplychain.trust.reasons import Code
from supplychain.trust.standing import Checked

MOST_CHILDREN = 50
MOST_SIGNED = 20
"""Other signed images of a repository that are asked whether the tag was theirs."""

_SIGNED_TAG = re.compile(r"sha256-([0-9a-f]{64})(?:\.sig)?")


class UnknownEnvironmentError(ValueError):
    """A policy does not say what holds for an environment."""

    def __init__(self, name: str, policy: Policy) -> None:
        known = ", ".join(item.name for item in policy.environments)
        super().__init__(f"The policy has no environment {name!r}: there are {known}.")


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be found out. ``document`` is the policy; ``at`` the moment that counts.

    Without ``references``, keys that lie in files or in a KMS are not asked for: whoever writes
    the policy would choose whom this machine connects to.
    """

    reference: Reference
    document: Json
    environment: str
    at: datetime
    references: bool = True
    trusted_root: str = ""


@dataclass(frozen=True, slots=True)
class Verification:
    """A verdict with all that it was founded on."""

    image: str
    digest: str
    environment: str
    at: datetime
    verdict: Verdict
    inputs: Json

    def as_json(self) -> Json:
        """Return it as the API takes it."""
        return {
            "image": self.image,
            "digest": self.digest,
            "environment": self.environment,
            "verified_at": self.at.isoformat(),
            "passed": self.verdict.passed,
            "reasons": [
                {"code": item.code.value, "message": item.message} for item in self.verdict.reasons
            ],
            "facts": self.verdict.facts,
            "inputs": self.inputs,
        }


def verify_image(asked: Asked, registry: Registry, cosign: Cosign) -> Verification:
    """Return whether an image is to be trusted in an environment.

    Raises:
        PolicyError: the document is no policy.
        UnknownEnvironmentError: it does not name the environment.
        RegistryError: the registry does not answer, refuses, or does not have the image.
        SigningError: there is no cosign, or a key cannot be had.
    """
    policy = read_policy(asked.document, allow_files=asked.references)
    environment = policy.environment(asked.environment)
    if environment is None:
        raise UnknownEnvironmentError(asked.environment, policy)
    if not asked.references:
        _refuse_references(policy, environment)
    with verifiers(policy, environment, asked.trusted_root) as known:
        look = _Look(registry, cosign, known)
        evidence = look.evidence(asked.reference)
        verdict = evaluate(policy, environment, evidence, asked.at)
        codes = [reason.code for reason in verdict.reasons]
        if Code.UNSIGNED in codes and (moved := look.moved(asked.reference, environment)):
            evidence = Evidence(evidence.digest, tampered=moved)
            verdict = evaluate(policy, environment, evidence, asked.at)
    inputs = {
        "cosign": cosign.version(),
        "policy": f"sha256:{hashlib.sha256(canonical_json(asked.document)).hexdigest()}",
        "manifest": evidence.digest,
        "attached": look.seen,
        "problems": look.problems,
    }
    return Verification(
        str(asked.reference), evidence.digest, environment.name, asked.at, verdict, inputs
    )


def _refuse_references(policy: Policy, environment: Environment) -> None:
    named = [key.id for key in policy.keys if key.reference and key.id in environment.signers]
    if named:
        message = f"Only a public key of the policy itself can be used here: {', '.join(named)}."
        raise SigningError("key-not-here", message)


@contextmanager
def verifiers(
    policy: Policy, environment: Environment, trusted_root: str = ""
) -> Iterator[Mapping[str, Verifier]]:
    """Have all keys and identities by id while the block runs.

    Keys of other environments are there, too, so that it can be told whose a signature is; but
    none that would have to be asked for elsewhere.
    """
    with TemporaryDirectory(prefix="buildinsights-keys-") as folder:
        known: dict[str, Verifier] = {}
        for number, key in enumerate(policy.keys):
            place = key.reference
            if key.public_key:
                path = Path(folder) / f"{number}.pub"
                path.write_text(key.public_key)
                place = str(path)
            elif key.id not in environment.signers:
                continue
            known[key.id] = Verifier(
                key=place, logged=policy.transparency_log, trusted_root=trusted_root
            )
        for item in policy.identities:
            if item.id in environment.signers:
                known[item.id] = Verifier(
                    identity=item.subject, issuer=item.issuer, trusted_root=trusted_root
                )
        yield known


@dataclass(slots=True)
class _Look:
    """One look into a registry; ``seen`` and ``problems`` are kept as the verdict's inputs."""

    registry: Registry
    cosign: Cosign
    verifiers: Mapping[str, Verifier]
    seen: list[Json] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def evidence(self, reference: Reference) -> Evidence:
        """Return what lies beside an image, checked."""
        try:
            image = self.registry.manifest(reference)
            self._check_children(image)
        except WrongContentError as error:
            message = f"The registry does not serve what it should: {error}."
            return Evidence(reference.digest, tampered=message)
        if moved := self._moved_now(reference):
            return Evidence(image.digest, tampered=moved)
        return Evidence(image.digest, self._checked(image, keep=True))

    def _check_children(self, image: Manifest) -> None:
        """Read the manifests of an index, whose bytes are then known to be theirs.

        Raises:
            WrongContentError: they are not.
        """
        for item in as_dicts(image.document.get("manifests"))[:MOST_CHILDREN]:
            platform = as_text(as_dict(item.get("platform")).get("os"))
            if is_digest(digest := as_text(item.get("digest"))) and platform != "unknown":
                self.registry.manifest(image.reference.at(digest))

    def _moved_now(self, reference: Reference) -> str:
        """Say that a tag is not the digest that it is named with, if so."""
        if not (reference.tag and reference.digest):
            return ""
        try:
            now = self.registry.manifest(reference.tagged(reference.tag)).digest
        except NotFoundError:
            return f"The tag {reference.tag} is gone from the registry."
        if now == reference.digest:
            return ""
        return f"The tag {reference.tag} is {now} now, and not {reference.digest}."

    def _checked(self, image: Manifest, *, keep: bool = False) -> tuple[Checked, ...]:
        found = attached_to(self.registry, image)
        checked = tuple(
            Checked(item, signers_of(item, self.verifiers, self.cosign, found.problems))
            for item in found.items
        )
        if keep:
            self.problems += found.problems
            self.seen += [
                {
                    "store": item.attached.store.value,
                    "manifest": item.attached.manifest_digest,
                    "digest": item.attached.digest,
                    "predicate_type": item.attached.statement.predicate_type,
                    "signers": list(item.signers),
                }
                for item in checked
            ]
        return checked

    def moved(self, reference: Reference, environment: Environment) -> str:
        """Say of which image the tag was when that was signed, if it was of another."""
        if not reference.tag:
            return ""
        tags = self.registry.tags(reference.repository)
        found = (_SIGNED_TAG.fullmatch(tag) for tag in tags)
        digests = dict.fromkeys(f"sha256:{match[1]}" for match in found if match)
        for digest in list(digests)[:MOST_SIGNED]:
            if self._was_signed_as(reference, digest, environment):
                return (
                    f"The tag {reference.tag} was {digest} when that was signed,"
                    " and is an image now that nobody has signed."
                )
        return ""

    def _was_signed_as(self, reference: Reference, digest: str, environment: Environment) -> bool:
        try:
            image = self.registry.manifest(reference.at(digest))
        except (NotFoundError, WrongContentError):
            return False
        return any(
            item.attached.claims(digest)
            and item.attached.is_signature
            and item.attached.statement.annotations.get(TAG_ANNOTATION) == reference.tag
            and set(item.signers) & set(environment.signers)
            for item in self._checked(image)
        )
