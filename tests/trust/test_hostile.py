"""Images and policies that would hold up the server's own verifications."""

from typing import Any

import pytest

from accounts.models import Project
from supplychain.signing.cosign import Cosign
from supplychain.signing.sources import matches
from supplychain.trust.reading import read_policy
from tests.trust.making import document
from trust import own
from trust.models import WaitingVerification
from trust.services import save_policy


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("**a*b", "xa/ab", True),
        ("**a*b", "xa/a/b", False),
        ("a*c", "abbc", True),
        ("a*c", "ab/c", False),
        ("a**c", "ab/c", True),
        ("*", "", True),
        ("", "", True),
        ("", "a", False),
        ("*a*", "bab", True),
        ("a.c", "abc", False),
        ("a" + "*a" * 300 + "b", "a" * 20_000 + "c", False),
        ("**" * 300 + "b", "a/" * 2_000, False),
        ("**a*" * 60 + "b", "a" * 1_000 + "/ab", True),
    ],
    ids=range(13),
)
def test_patterns_of_many_stars_match_as_few_do(pattern: str, text: str, expected: bool):
    assert matches(pattern, text) is expected


@pytest.mark.django_db
def test_what_nobody_foresaw_of_one_image_holds_up_no_other(
    project: Project,
    alice: Any,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
):
    settings.TRUST_REGISTRIES = ["r.example"]
    monkeypatch.setenv("DATABASE_URL", "postgres://secret")
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example")
    text = document()
    save_policy(project=project, name="main", document=text, policy=read_policy(text), actor=alice)
    for name in ("bad", "good"):
        WaitingVerification.objects.create(
            project=project,
            reference=f"r.example/{name}:1",
            environment="production",
            asked_by="ci",
        )
    known: list[Cosign] = []

    def verify(asked: Any, _registry: Any, cosign: Cosign) -> Any:
        known.append(cosign)
        raise AttributeError(f"of {asked.reference}")

    monkeypatch.setattr(own, "verify_image", verify)
    for name in ("bad", "good"):
        kept = own.verify_next()
        assert kept is not None
        assert (kept.image_name, kept.passed) == (f"r.example/{name}:1", False)
        assert [reason["code"] for reason in kept.reasons] == [own.NOT_VERIFIED]
    assert own.verify_next() is None
    assert "DATABASE_URL" not in known[0].environment
    assert known[0].environment["HTTPS_PROXY"] == "http://proxy.example"
