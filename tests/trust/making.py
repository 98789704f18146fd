"""Policies and results of verifications as senders make them."""

from typing import Any

PEM = """\
-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEYLmFFt96hXUrqZCt7hod7ziL8CGg
dr/anQG/eRofzy/bXlDv5Lmu6kpUbKX9j2FU2ZpSCvGbHvXtVL7Wqi5C7Q==
-----END PUBLIC KEY-----
"""
DIGEST = "sha256:" + "a" * 64
IMAGE = "registry.example.com/shop/api:1"


def document(*environments: str, **more: Any) -> dict[str, Any]:
    """A policy of one key for some environments."""
    names = environments or ("production",)
    return {
        "version": 1,
        "keys": [{"id": "release", "public_key": PEM}],
        "environments": {name: {"signers": ["release"]} for name in names},
        **more,
    }


def result(*codes: str, **more: Any) -> dict[str, Any]:
    """A result that failed for those reasons, or passed without any."""
    return {
        "image": IMAGE,
        "digest": DIGEST,
        "environment": "production",
        "passed": not codes,
        "reasons": [{"code": code, "message": f"It is {code}."} for code in codes],
        "facts": {
            "signed_by": [] if codes else ["release"],
            "signatures": [
                {"by": ["release"], "fingerprint": "ab" * 32, "store": "referrer", "fault": None}
            ],
            "provenance": {
                "version": "1",
                "builder": "https://ci.example.com/runner",
                "build_type": "https://mobyproject.org/buildkit@v1",
                "source": {
                    "repository": "https://github.com/example/shop",
                    "revision": "c" * 40,
                    "ref": "refs/heads/main",
                },
                "parameters": {"frontend": "dockerfile.v0"},
                "materials": [{"uri": "pkg:docker/alpine@3", "digest": "sha256:" + "b" * 64}],
                "standing": "counts",
            },
            "sbom": {"format": "SPDX-2.3", "packages": 12, "by": ["release"], "fault": None},
            "guarantees_lost": ["Nobody can prove when."],
        },
        "inputs": {
            "cosign": "v3.0.2",
            "policy": "sha256:" + "d" * 64,
            "manifest": DIGEST,
            "attached": [
                {
                    "store": "referrer",
                    "digest": "sha256:" + "e" * 64,
                    "predicate_type": "https://sigstore.dev/cosign/sign/v1",
                }
            ],
            "problems": [],
        },
        **more,
    }
