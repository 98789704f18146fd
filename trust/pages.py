"""What the pages of verifications and trust policies show."""

import json
from typing import Any

from django.db.models import Count, Q
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from accounts.models import Project
from buildinsights.paging import page_of
from builds.build_list import active_filters
from supplychain.trust.policy import Environment, Identity, Key
from supplychain.trust.reading import PolicyError, read_policy
from trust.filters import VerificationFilter
from trust.forms import EXAMPLE
from trust.models import TrustPolicy, TrustPolicyVersion, Verification
from trust.shown import shown

NEWEST = ("-verified_at", "-id")


def signatures_page(request: HttpRequest, project: Project) -> dict[str, Any]:
    """Return the context of the list: of each image and environment the last verification."""
    own = Verification.objects.filter(project=project).newest()
    filters = VerificationFilter(request.GET, queryset=own.told())
    page = page_of(request, filters.qs if filters.is_valid() else own.none(), NEWEST)
    counts = own.order_by().aggregate(
        trusted=Count("pk", filter=Q(passed=True)), refused=Count("pk", filter=Q(passed=False))
    )
    return {
        "filter_form": filters.form,
        "active_filters": active_filters(filters, request.GET),
        "reset": reverse("trust:signatures", args=[project.slug]),
        "rows": [line_of(row) for row in page.rows],
        "page": page,
        "summary": page.describe("image"),
        "counts": counts,
        "command": "buildinsights verify IMAGE --environment production",
    }


def line_of(verification: Verification) -> dict[str, Any]:
    """Return what a line about a verification shows."""
    return {
        "verification": verification,
        "badge": "succeeded" if verification.passed else "failed",
        "label": "Trusted" if verification.passed else "Not trusted",
        "codes": shown(verification).codes,
        "signed_by": shown(verification).signed_by,
    }


def policies_page(project: Project) -> dict[str, Any]:
    """Return the context of the list of policies."""
    rows = TrustPolicyVersion.objects.filter(policy__project=project).holding().told()
    return {"rows": list(rows.order_by("policy__name")), "example": EXAMPLE}


def policy_page(policy: TrustPolicy) -> dict[str, Any]:
    """Return the context of a policy's page: what holds now in words, and all versions."""
    versions = list(policy.versions.all())
    return {
        "policy": policy,
        "crumbs": [
            {
                "label": "Trust policies",
                "href": reverse("trust:policies", args=[policy.project.slug]),
            }
        ],
        "versions": [
            {"version": item, "text": json.dumps(item.document, indent=2, ensure_ascii=False)}
            for item in versions
        ],
        **_in_words(versions[0]),
    }


def _in_words(version: TrustPolicyVersion) -> dict[str, Any]:
    """Return keys and environments; none of a version that an older form has let in."""
    try:
        policy = read_policy(version.document, allow_files=False)
    except PolicyError as error:
        return {"keys": [], "environments": [], "problem": str(error)}
    return {
        "keys": [_signer(item) for item in policy.signers],
        "environments": [
            _environment(item) for item in sorted(policy.environments, key=lambda item: item.name)
        ],
        "has_log": policy.transparency_log,
    }


def _signer(item: Key | Identity) -> dict[str, Any]:
    if isinstance(item, Identity):
        own = {"what": item.subject, "issuer": item.issuer}
        return {"id": item.id, "badge": "info", "state": "Identity", "key": None, **own}
    now = timezone.now()
    state, badge = "Valid", "succeeded"
    if item.revoked_at and item.revoked_at <= now:
        state, badge = "Revoked", "failed"
    elif item.valid_until and item.valid_until <= now:
        state, badge = "Expired", "canceled"
    elif item.valid_from and item.valid_from > now:
        state, badge = "Not yet valid", "pending"
    what = item.reference or "public key in the policy"
    own = {"what": what, "issuer": ""}
    return {"id": item.id, "badge": badge, "state": state, "key": item, **own}


def _environment(item: Environment) -> dict[str, Any]:
    needs = item.needs
    wanted = [
        f"{needs.signatures} signature{'' if needs.signatures == 1 else 's'}"
        if needs.signatures
        else "",
        "provenance" if needs.provenance else "",
        "SBOM" if needs.sbom else "",
    ]
    return {
        "name": item.name,
        "signers": item.signers,
        "needs": ", ".join(filter(None, wanted)),
        "rules": [
            ("Builders", item.builders),
            ("Repositories", item.repositories),
            ("Branches and tags", item.refs),
        ],
    }
