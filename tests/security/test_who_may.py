"""Every address of the supply chain, asked by those who may not."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import Project, User
from accounts.roles import Scope
from accounts.services import create_token
from bases.models import BaseImage, BaseRepository
from builds.models import Build
from inspections.models import Inspection
from policies.models import Verdict
from sboms.models import Sbom
from security.models import Finding, VexDocument, Waiver
from security.waiver_form import drafted
from security.waivers import ask_for_waiver
from tests.inspections.making import check, linted, looked, warned
from tests.policies.writing import saved
from tests.sboms.bills import cyclonedx
from tests.security.test_life import built, digest, report, scanned, vulnerability
from tests.security.test_statements import openvex, stated
from tests.trust.making import document, result
from trust.models import TrustPolicy, Verification

pytestmark = pytest.mark.django_db

QUERIES = {"sboms:diff": "?against={sbom}", "sboms:builds-diff": "?before={build}&after={build}"}

PAGES = {
    "security:findings": (),
    "security:finding": ("finding",),
    "security:remediation": (),
    "security:documents": (),
    "security:document": ("vex",),
    "security:waivers": (),
    "security:scan": ("scan",),
    "sboms:packages": (),
    "sboms:builds-diff": (),
    "sboms:sboms": (),
    "sboms:sbom": ("sbom",),
    "sboms:diff": ("sbom",),
    "inspections:checks": (),
    "inspections:inspection": ("inspection",),
    "inspections:rules": (),
    "bases:list": (),
    "bases:image": ("base",),
    "policies:policies": (),
    "policies:policy": ("policy",),
    "policies:verdicts": (),
    "policies:verdict": ("verdict",),
    "trust:signatures": (),
    "trust:verification": ("verification",),
    "trust:policies": (),
    "trust:policy": ("trust policy",),
}
"""Pages to read, with what each is of."""

WRITES = {
    "security:finding-owner": ("finding",),
    "security:waiver-ask": ("finding",),
    "security:waiver-decide": ("waiver", "approve"),
    "security:policy": (),
    "bases:policy": ("base",),
    "bases:try": ("base",),
    "policies:new": (),
    "policies:policy": ("policy",),
    "policies:retire": ("policy",),
    "trust:policies": (),
}
"""Pages to which forms are sent."""

READS_OF_API = {
    "base-image-detail": "base",
    "base-image-policies": "base",
    "base-image-proposals": "base",
    "finding-detail": "finding",
    "inspection-detail": "inspection",
    "sbom-detail": "sbom",
    "sbom-diff": "sbom",
    "sbom-packages": "sbom",
    "scan-detail": "scan",
    "verdict-detail": "verdict",
    "verification-detail": "verification",
    "vex-document-detail": "vex",
    "waiver-detail": "waiver",
}
LISTS_OF_API = (
    "base-image-list",
    "finding-list",
    "inspection-list",
    "lint-rule-list",
    "package-list",
    "sbom-list",
    "scan-list",
    "trust-policy-list",
    "verdict-list",
    "verification-list",
    "vex-document-list",
    "waiver-list",
)
WRITES_OF_API: dict[str, tuple[str, ...]] = {
    "ingest-trivy": (),
    "ingest-sbom": (),
    "ingest-vex": (),
    "inspection-list": (),
    "lint-rule-list": (),
    "verification-list": (),
    "trust-policy-list": (),
    "policy-list": (),
    "policy-retire": ("policy",),
    "base-image-policies": ("base",),
    "waiver-list": (),
    "waiver-approve": ("waiver",),
    "waiver-reject": ("waiver",),
    "waiver-revoke": ("waiver",),
}
OF_PROJECT = {"policy-list", "policy-detail", "policy-dry-run", "image-verdict", "vex"}
"""Of the API, what is of the one project that is named or the token's: another's is refused."""

PAGES_TOLD_ELSEWHERE = {"bases:update", "bases:patch", "bases:cancel"}
TOLD_ELSEWHERE = {"remediation", "image-list", "image-detail", "image-dossier", "ingest-buildkit"}


@pytest.fixture
def there(ci: APIClient, project: Project, alice: User) -> dict[str, Any]:
    """One of everything, by the part of its address."""
    built(project, 1)
    scan = scanned(ci, report(1, vulnerability("CVE-1")))
    sent = {
        "/api/v1/ingest/sbom/?sync=1": cyclonedx(1, "pkg:npm/left-pad@1.0.0"),
        "/api/v1/ingest/vex/?sync=1": openvex(stated("CVE-1")),
        "/api/v1/inspections/": looked(1, check("user")),
        "/api/v1/lint-rules/": linted(warned("JSONArgsRecommended")),
        "/api/v1/verifications/": result(),
    }
    for path, body in sent.items():
        answer = ci.post(path, body, format="json")
        assert answer.status_code == 201, answer.content
    finding = Finding.objects.get()
    waiver = ask_for_waiver(
        waiver=drafted(finding, Waiver.Scope.FINDING),
        kind=Waiver.Kind.ACCEPTED,
        reason="Not reachable.",
        expires_at=timezone.now() + timedelta(days=9),
        actor=alice,
    )
    policy = saved(project, alice, "Main", "secrets: {most: 0}")
    assert ci.get(f"/api/v1/images/{digest(1)}/verdict/").status_code == 200
    with_policies = APIClient()
    with_policies.force_authenticate(alice)
    answer = with_policies.post(
        "/api/v1/trust-policies/?project=shop",
        {"name": "main", "document": document()},
        format="json",
    )
    assert answer.status_code == 201, answer.content
    now = timezone.now()
    repository = BaseRepository.objects.create(project=project, host="docker.io", name="node")
    base = BaseImage.objects.create(
        project=project,
        repository=repository,
        tag="22",
        digest=digest(7),
        first_seen_at=now,
        last_seen_at=now,
    )
    rows = {
        "build": Build.objects.get(),
        "finding": finding,
        "waiver": waiver,
        "scan": scan,
        "base": base,
        "vex": VexDocument.objects.get(),
        "sbom": Sbom.objects.get(),
        "inspection": Inspection.objects.get(),
        "verdict": Verdict.objects.get(),
        "verification": Verification.objects.get(),
        "trust policy": TrustPolicy.objects.get(),
    }
    return {name: row.public_id for name, row in rows.items()} | {"policy": policy.slug}


def page(name: str, parts: tuple[str, ...], there: dict[str, Any]) -> str:
    address = reverse(name, args=["shop", *(there.get(part, part) for part in parts)])
    return address + QUERIES.get(name, "").format(**there)


def api(name: str, *parts: str, there: dict[str, Any]) -> str:
    address = reverse(f"api:{name}", args=[there[part] for part in parts])
    return f"{address}?against={there['sbom']}" if name == "sbom-diff" else address


def names(resolver: URLResolver, space: str = "") -> set[str]:
    found = set()
    for item in resolver.url_patterns:
        if isinstance(item, URLPattern):
            found.add(f"{space}{item.name}")
        else:
            found |= names(item, f"{item.namespace}:" if item.namespace else space)
    return found


def test_no_address_is_left_out():
    spaces = ("security:", "sboms:", "inspections:", "bases:", "policies:", "trust:")
    known = names(get_resolver())
    pages = PAGES.keys() | WRITES.keys() | PAGES_TOLD_ELSEWHERE
    assert {name for name in known if name.startswith(spaces)} == pages
    kinds = (
        *("base-image", "finding", "image-", "policy", "inspection", "lint-rule", "package"),
        *("sbom", "scan", "verdict", "trust-policy", "verification", "waiver", "vex", "ingest"),
        "remediation",
    )
    of_api = {name.removeprefix("api:") for name in known if name.startswith("api:")}
    told = {*READS_OF_API, *LISTS_OF_API, *WRITES_OF_API, *OF_PROJECT, *TOLD_ELSEWHERE}
    assert {name for name in of_api if name.startswith(kinds)} == told


def test_pages_are_not_there_for_strangers(
    there: dict[str, Any], carol: User, bob: User, client_of: Callable[[User], Client]
):
    stranger, viewer = client_of(carol), client_of(bob)
    for name, parts in PAGES.items():
        address = page(name, parts, there)
        assert (name, viewer.get(address).status_code) == (name, 200)
        assert (name, stranger.get(address).status_code) == (name, 404)
        assert (name, Client().get(address).status_code) == (name, 302)
    for name, parts in WRITES.items():
        address = page(name, parts, there)
        assert (name, stranger.post(address).status_code) == (name, 404)
        assert (name, viewer.post(address).status_code) == (name, 404)
    assert Waiver.objects.get().state_at(timezone.now()) == Waiver.State.PENDING


def test_rows_of_another_project_are_not_under_ones_own(
    there: dict[str, Any], carol: User, client_of: Callable[[User], Client]
):
    stranger = client_of(carol)
    for name, parts in (PAGES | WRITES).items():
        if parts:
            address = page(name, parts, there).replace("/projects/shop/", "/projects/elsewhere/")
            send = stranger.post if name in WRITES else stranger.get
            assert (name, send(address).status_code) == (name, 404)


def test_the_api_tells_a_token_of_another_project_nothing(there: dict[str, Any], carol: User):
    elsewhere = Project.objects.get(slug="elsewhere")
    _, secret = create_token(project=elsewhere, name="x", scopes=tuple(Scope), actor=carol)
    person, token = APIClient(), APIClient()
    person.force_authenticate(carol)
    token.credentials(HTTP_AUTHORIZATION=f"Bearer {secret}")
    for client in (person, token):
        for name, part in READS_OF_API.items():
            assert (name, client.get(api(name, part, there=there)).status_code) == (name, 404)
        for name in LISTS_OF_API:
            for query in ({}, {"project": "shop"}):
                answer = client.get(api(name, there=there), query)
                told = answer.json().get("results", []) if answer.status_code == 200 else []
                assert (name, answer.status_code in {200, 400}, told) == (name, True, [])
        for name, parts in WRITES_OF_API.items():
            address = f"{api(name, *parts, there=there)}?project=shop"
            assert client.post(address, {}, format="json").status_code in {400, 403, 404}, name
    verdict = reverse("api:image-verdict", args=[digest(1)])
    assert token.get(verdict).json()["verdict"] == "unknown"
    for address in (verdict, reverse("api:vex"), reverse("api:policy-list")):
        assert token.get(address, {"project": "shop"}).status_code in {400, 404}
    policy = reverse("api:policy-detail", args=[there["policy"]])
    assert token.get(policy).status_code == 404
    assert token.put(policy, {}, format="json").status_code in {400, 404}
    assert Waiver.objects.get().state_at(timezone.now()) == Waiver.State.PENDING


def test_who_reads_writes_nothing_by_the_api(there: dict[str, Any], api_of: Any, bob: User):
    reader, viewer = api_of(Scope.BUILDS_READ), APIClient()
    viewer.force_authenticate(bob)
    for name, parts in WRITES_OF_API.items():
        address = api(name, *parts, there=there)
        assert (name, reader.post(address, {}, format="json").status_code) == (name, 403)
        told = viewer.post(f"{address}?project=shop", {}, format="json").status_code
        assert told in {400, 403, 404}, name
    policy = reverse("api:policy-detail", args=[there["policy"]])
    assert reader.put(policy, {}, format="json").status_code == 403
    assert Waiver.objects.get().state_at(timezone.now()) == Waiver.State.PENDING
