"""The words that call cosign, and what its own words mean; nothing is run."""

from pathlib import Path

import pytest

from buildkit.registry import Reference
from supplychain.signing.commands import (
    Signer,
    Verifier,
    attest,
    sign,
    verify_envelope,
    verify_payload,
)
from supplychain.signing.cosign import meaning_of

DIGEST = "sha256:" + "a" * 64
REMOTE = Reference.parse(f"registry.example.com/shop/api:1@{DIGEST}")
LOCAL = Reference.parse(f"localhost:5000/shop/api@{DIGEST}")
UNLOGGED = ["--use-signing-config=false", "--tlog-upload=false"]
IGNORED = "--insecure-ignore-tlog=true"


def test_a_digest_is_signed_and_its_tag_noted():
    assert sign(REMOTE, Signer("awskms:///alias/release")) == [
        "sign",
        "--key=awskms:///alias/release",
        *UNLOGGED,
        "--yes",
        "--annotations=buildinsights.tag=1",
        f"registry.example.com/shop/api@{DIGEST}",
    ]


def test_plain_http_is_for_this_machine_only():
    assert sign(LOCAL, Signer("k"))[-2:] == [
        "--allow-insecure-registry",
        f"localhost:5000/shop/api@{DIGEST}",
    ]


def test_an_identity_needs_the_log_and_a_key_may_have_it():
    assert sign(REMOTE, Signer())[:2] == ["sign", "--yes"]
    assert UNLOGGED[0] not in sign(REMOTE, Signer("k", logged=True))
    own = sign(REMOTE, Signer(signing_config="c.json", trusted_root="r.json"))
    assert own[1:4] == ["--signing-config=c.json", "--trusted-root=r.json", "--yes"]


def test_a_tag_is_never_signed():
    with pytest.raises(ValueError, match="a tag may mean another image"):
        sign(Reference.parse("localhost:5000/shop/api:1"), Signer("k"))


def test_values_cannot_become_options():
    words = attest(LOCAL, Signer("--key=x"), "--type", Path("-p"))
    assert "--key=--key=x" in words
    assert "--type=--type" in words
    assert "--predicate=-p" in words


def test_checks_of_keys_and_identities():
    path = Path("/b.json")
    key = verify_envelope(path, "t", Verifier(key="k.pub"))
    assert key[-2:] == ["--key=k.pub", IGNORED]
    assert IGNORED not in verify_envelope(path, "t", Verifier(key="k.pub", logged=True))
    identity = verify_payload(path, Path("/p"), Verifier(identity="me", issuer="https://i"))
    assert identity == [
        "verify-blob",
        "--bundle=/b.json",
        "--certificate-identity=me",
        "--certificate-oidc-issuer=https://i",
        "/p",
    ]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (
            "Error: signing [x]: reading key: decrypt: encrypted: decryption failed",
            "wrong-password",
        ),
        (
            "Enter password for private key: Error: reading key: inappropriate ioctl for device",
            "password-missing",
        ),
        ("Error: loading public key: open k.pub: no such file or directory", "key-not-found"),
        ("Error: reading key: loading URL: unrecognized scheme: x://", "key-unusable"),
        ("Error: loading public key: pem to public key: asn1", "key-unusable"),
        ("Error: reading key: getting public key: operation error KMS: denied", "kms-unreachable"),
        ("Error: getting trusted root from TUF: no such host", "trust-root-unreachable"),
        ("Error: error getting Fulcio client", "trust-root-unreachable"),
        ("Error: POST https://r/: UNAUTHORIZED: authentication required", "registry-unauthorized"),
        ("Error: HEAD http://r/: unexpected status code 404 Not Found", "image-not-found"),
        ("Error: accessing image: dial tcp: connection refused", "registry-unreachable"),
        ("Error: no signatures found", "no-signatures"),
        ("panic: what is this", "cosign-failed"),
        ("", "cosign-failed"),
    ],
)
def test_what_cosign_says_has_a_code(words: str, code: str):
    assert meaning_of(words).code == code
