"""Whether one signature counts: of this digest, by a signer that is allowed now."""

from dataclasses import dataclass
from datetime import datetime

from supplychain.signing.attached import Attached
from supplychain.trust.policy import Environment, Key, Policy
from supplychain.trust.reasons import Code, Reason


@dataclass(frozen=True, slots=True)
class Checked:
    """A signature or attestation with the ids of those of the policy who have signed it."""

    attached: Attached
    signers: tuple[str, ...] = ()


def fault_of(
    checked: Checked, digest: str, policy: Policy, environment: Environment, at: datetime
) -> Reason | None:
    """Return why it does not count; ``None`` if it does.

    The surest things come first: what a stranger signed says nothing, not even of what it is.
    """
    attached = checked.attached
    what = "signature" if attached.is_signature else "attestation"
    if not attached.bundle:
        return Reason(Code.UNSIGNED, f"Nobody has signed this {what}.")
    allowed = [name for name in checked.signers if name in environment.signers]
    if not allowed:
        return Reason(Code.FOREIGN_KEY, _foreign(checked, what, environment))
    keys = [key for key in policy.keys if key.id in checked.signers]
    if fault := next((fault for key in keys if (fault := fault_of_key(key, at))), None):
        return fault
    if not attached.claims(digest):
        return _other(checked, what, allowed[0])
    return None


def _foreign(checked: Checked, what: str, environment: Environment) -> str:
    if checked.signers:
        return (
            f"The {what} is by {', '.join(checked.signers)},"
            f" whom {environment.name} does not allow."
        )
    hint = checked.attached.hint
    named = f" (it names the key {hint[:16]})" if hint else ""
    return f"The {what} is by no key and no identity of the policy{named}."


def fault_of_key(key: Key, at: datetime) -> Reason | None:
    """Return why a key does not count at a moment; ``None`` if it does."""
    if key.revoked_at and at >= key.revoked_at:
        because = f": {key.revoked_because}" if key.revoked_because else ""
        message = f"Key {key.id} was revoked on {key.revoked_at:%Y-%m-%d %H:%M} UTC{because}."
        return Reason(Code.KEY_REVOKED, message)
    if key.valid_until and at >= key.valid_until:
        message = f"Key {key.id} was valid until {key.valid_until:%Y-%m-%d %H:%M} UTC."
        return Reason(Code.KEY_EXPIRED, message)
    if key.valid_from and at < key.valid_from:
        message = f"Key {key.id} is valid from {key.valid_from:%Y-%m-%d %H:%M} UTC."
        return Reason(Code.KEY_NOT_YET_VALID, message)
    return None


def _other(checked: Checked, what: str, signer: str) -> Reason:
    of = ", ".join(checked.attached.statement.digests)
    if checked.attached.is_signature:
        message = f"The signature by {signer} is of {of}, and not of this image."
        return Reason(Code.OTHER_DIGEST, message)
    message = f"The {what} by {signer} is of {of}: it was moved here from another image."
    return Reason(Code.ATTESTATION_SWAPPED, message)
