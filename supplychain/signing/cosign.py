"""Runs of cosign, and what its words mean."""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from buildkit.registry import Reference
from supplychain.signing import commands
from supplychain.signing.commands import Signer, Verifier
from supplychain.signing.errors import CosignMissingError, SigningError

TIMEOUT_SECONDS = 120
PASSWORD = "COSIGN_PASSWORD"  # noqa: S105  # the name of the variable
"""The variable of the key's password: that it is there is all that is known of it here."""

_WORDS_LENGTH = 600
_MISMATCH = re.compile(
    r"could not verify (?:envelope|message)|failed to verify certificate identity"
    r"|no matching certificate identity|failed to verify leaf certificate"
)
_MEANINGS = (
    (r"decryption failed", "wrong-password", f"{PASSWORD} is not the key's password."),
    (
        r"inappropriate ioctl|reading password",
        "password-missing",
        f"The key has a password: set {PASSWORD}.",
    ),
    (
        r"(?:reading|loading)[^:]*key: open .*no such file",
        "key-not-found",
        "There is no such key file.",
    ),
    (
        r"unrecognized scheme|unsupported (?:pem|key)|pem to public key|invalid pem",
        "key-unusable",
        "cosign cannot use this key.",
    ),
    (r"KMS|kms:|vault", "kms-unreachable", "The key's KMS does not give it."),
    (r"(?:reading|loading)[^:]* key:", "key-unusable", "cosign cannot use this key."),
    (
        r"TUF|tuf|trusted ?(?:root|material)|[Ff]ulcio|[Rr]ekor|OIDC|oidc|ID token",
        "trust-root-unreachable",
        "Sigstore's Fulcio, log or root of trust cannot be reached.",
    ),
    (
        r"UNAUTHORIZED|DENIED|\b401\b|\b403\b|authentication required",
        "registry-unauthorized",
        "The registry refuses this: docker login.",
    ),
    (
        r"MANIFEST_UNKNOWN|NAME_UNKNOWN|404 Not Found",
        "image-not-found",
        "The registry does not have this image.",
    ),
    (
        r"connection refused|no such host|timeout|TLS|x509|accessing image",
        "registry-unreachable",
        "The registry does not answer.",
    ),
    (r"no signatures found", "no-signatures", "The image has no signature."),
)


@dataclass(frozen=True, slots=True)
class Cosign:
    """cosign as this machine has it. All methods raise ``SigningError`` with a code."""

    environment: Mapping[str, str] = field(default_factory=lambda: os.environ, repr=False)
    seconds: float = TIMEOUT_SECONDS

    def version(self) -> str:
        """Return its version, or its commit where a build of a distribution has none."""
        text = self._run(["version"])
        found = re.search(r"^GitVersion:\s*(\S+)", text, re.MULTILINE)
        return found[1] if found else "unknown"

    def sign(self, reference: Reference, signer: Signer) -> None:
        """Sign an image by its digest."""
        self._run(commands.sign(reference, signer))

    def attest(
        self, reference: Reference, signer: Signer, predicate_type: str, predicate: bytes
    ) -> None:
        """Attest a predicate, which is a JSON object, to an image by its digest."""
        with tempfile.TemporaryDirectory(prefix="buildinsights-attest-") as folder:
            path = Path(folder) / "predicate.json"
            path.write_bytes(predicate)
            self._run(commands.attest(reference, signer, predicate_type, path))

    def has_signed(self, call: list[str]) -> bool:
        """Run a check; tell whether the signature is that of its key or identity."""
        code, words = self._done(call)
        if code and not _MISMATCH.search(words):
            raise meaning_of(words)
        return code == 0

    def _run(self, arguments: list[str]) -> str:
        code, words = self._done(arguments)
        if code:
            raise meaning_of(words)
        return words

    def _done(self, arguments: list[str]) -> tuple[int, str]:
        program = shutil.which("cosign", path=self.environment.get("PATH"))
        if program is None:
            raise CosignMissingError
        try:
            done = subprocess.run(
                [program, *arguments],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=self.seconds,
                env=dict(self.environment),
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            message = f"cosign {arguments[0]} had not ended after {self.seconds:.0f} s."
            raise SigningError("timeout", message) from error
        except OSError as error:
            raise SigningError("cosign-failed", f"cosign cannot be started: {error}") from error
        return done.returncode, f"{done.stdout}\n{done.stderr}"


def meaning_of(words: str) -> SigningError:
    """Return the error that cosign's words tell of, with what it says itself."""
    # It may follow the question for a password, on the same line.
    found = re.search(r"Error: (.*)", words)
    own = found[1].strip() if found else words.strip().partition("\n")[0]
    for pattern, code, sentence in _MEANINGS:
        if re.search(pattern, own):
            return SigningError(code, f"{sentence} cosign says: {own[:_WORDS_LENGTH]}")
    return SigningError("cosign-failed", f"cosign failed: {own[:_WORDS_LENGTH]}")


__all__ = ["Cosign", "Signer", "Verifier", "meaning_of"]
