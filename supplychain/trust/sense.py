"""What a policy of the right form may still get wrong."""

import re
from collections import Counter
from collections.abc import Iterator

from supplychain.signing.attached import fingerprint
from supplychain.trust.policy import Environment, Key, Needs, Policy
from supplychain.trust.schema import KMS

type Errors = Iterator[tuple[str, str]]


def sense_errors(policy: Policy, *, allow_files: bool) -> Errors:
    """Yield (place, sentence) of what contradicts itself or can never hold."""
    for number, key in enumerate(policy.keys):
        yield from _key_errors(key, f"keys[{number}]", allow_files=allow_files)
    yield from _repeated(policy)
    ids = {item.id for item in policy.signers}
    for environment in policy.environments:
        yield from _environment_errors(environment, ids)


def _key_errors(key: Key, place: str, *, allow_files: bool) -> Errors:
    if key.reference and not allow_files and not re.match(KMS, key.reference):
        yield f"{place}.file", "is on one machine only: give the public key itself"
    if key.valid_from and key.valid_until and key.valid_from >= key.valid_until:
        yield f"{place}.valid_until", "must be after valid_from"
    if key.revoked_at and not key.revoked_because:
        yield f"{place}.revoked_because", "is missing: say why the key was revoked"


def _repeated(policy: Policy) -> Errors:
    """Yield ids and keys that are there twice: a key that is revoked must not have another name."""
    for what, names in (
        ("id", Counter(item.id for item in policy.signers)),
        ("key", Counter(map(_itself, policy.keys))),
    ):
        yield from (("keys", f"the same {what} twice: {name}") for name in names if names[name] > 1)


def _itself(key: Key) -> str:
    return fingerprint(key.public_key) if key.public_key else key.reference


def _environment_errors(environment: Environment, ids: set[str]) -> Errors:
    place = f"environments.{environment.name}"
    for number, name in enumerate(environment.signers):
        if name not in ids:
            yield f"{place}.signers[{number}]", f"there is no key or identity {name!r}"
    if len(set(environment.signers)) < environment.needs.signatures:
        yield f"{place}.needs.minimum", "is more than there are signers"
    if environment.needs == Needs(signatures=0, provenance=False, sbom=False):
        yield f"{place}.needs", "asks for nothing"
    if not environment.needs.provenance:
        for name in ("builders", "repositories", "refs"):
            if getattr(environment, name):
                yield f"{place}.{name}", "is told by provenance alone: needs.provenance"
