"""Whose signature a signature is: cosign checks it against each key and identity."""

import json
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from supplychain.signing import commands
from supplychain.signing.attached import Attached
from supplychain.signing.commands import Verifier
from supplychain.signing.cosign import Cosign
from supplychain.signing.errors import SigningError

_OF_THE_ITEM = frozenset({"cosign-failed", "timeout"})
"""Errors that tell something is wrong with what is checked, and nothing of the key."""


def signers_of(
    attached: Attached, verifiers: Mapping[str, Verifier], cosign: Cosign, problems: list[str]
) -> tuple[str, ...]:
    """Return the names of all those who have signed something.

    What cosign is given is made from what was read here, so that the two cannot differ. Something
    that cosign cannot read is signed by nobody, and is told in ``problems``: whoever may attach
    things to an image must not keep others from checking it.

    Raises:
        SigningError: there is no cosign, or a key cannot be had.
    """
    if not attached.bundle:
        return ()
    found: list[str] = []
    with TemporaryDirectory(prefix="buildinsights-verify-") as folder:
        bundle, payload = Path(folder) / "bundle.json", Path(folder) / "payload"
        bundle.write_text(json.dumps(attached.bundle))
        payload.write_bytes(attached.payload)
        for name, verifier in verifiers.items():
            if attached.has_certificate == bool(verifier.key):
                continue
            try:
                if cosign.has_signed(_call(attached, bundle, payload, verifier)):
                    found.append(name)
            except SigningError as error:
                if error.code not in _OF_THE_ITEM:
                    raise
                problems.append(f"{attached.store} {attached.digest[:19]}: {error.message}")
                break
    return tuple(found)


def _call(attached: Attached, bundle: Path, payload: Path, verifier: Verifier) -> list[str]:
    if attached.payload:
        return commands.verify_payload(bundle, payload, verifier)
    return commands.verify_envelope(bundle, attached.statement.predicate_type, verifier)
