"""What may be kept of a secret that a scanner found: never the secret."""

import hmac

from supplychain.reports.values import NAME_LIMIT, bounded

MASK = "***"


def fingerprint(key: bytes, match: str) -> bytes:
    """Return HMAC-SHA-256 of the match by the key, 32 bytes; empty where there is no match."""
    if not match:
        # One for all would make them one secret.
        return b""
    return hmac.digest(key, match.encode("utf-8", "surrogatepass"), "sha256")


def without(match: str, value: str, limit: int = NAME_LIMIT) -> str:
    """Return a text in which the match, should it be there, is masked; cleaned and cut.

    It is masked before the text is cut, so that no part of it stays at the end.
    """
    return bounded(value.replace(match, MASK) if match else value, limit)
