"""What the pages of policies and verdicts show."""

from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from accounts.models import Project
from buildinsights.paging import page_of
from builds.build_list import active_filters
from policies.dry_runs import DryRun, Tried
from policies.filters import VerdictFilter
from policies.models import Policy, PolicyVersion, Verdict
from policies.serializers import label_of
from supplychain.gate.rules import PLURALS

NEWEST = ("-at", "-id")
NEWEST_SHOWN = 8
TRIED_SHOWN = 10
BADGES = {"pass": "succeeded", "fail": "failed", "unknown": "pending"}
"""Badges of outcomes, by what a verdict and its reasons call them."""

RULES = {
    "vulnerabilities": "Vulnerabilities",
    "misconfigurations": "Misconfigurations",
    "known_exploited": "Known to be exploited",
    "secrets": "Secrets",
    "licenses": "Licences",
    "scan": "Scan",
    "base_image": "Base image",
    "user": "User",
    "labels": "Labels",
    "size": "Size",
    "checks": "Image checks",
    "signature": "Signature",
    "provenance": "Provenance",
    "known": "Image",
}
"""What people call the rules."""

EXAMPLE = """\
# A rule that is not written is not asked.
vulnerabilities:
  - {severity: CRITICAL, most: 0}
  - {severity: HIGH, most: 0, fixable_only: true, older_than_days: 14}
secrets: {most: 0}
scan: {max_age_days: 7}
"""


def policies_page(project: Project) -> dict[str, Any]:
    """Return the context of the list."""
    own = Policy.objects.filter(project=project).told()
    verdicts = Verdict.objects.filter(project=project).told()
    return {
        "policies": list(own.in_force()),
        "retired": list(own.filter(retired_at__isnull=False)),
        "verdicts": [line_of(verdict) for verdict in verdicts[:NEWEST_SHOWN]],
    }


def line_of(verdict: Verdict) -> dict[str, Any]:
    """Return what a line about a verdict shows."""
    reasons = verdict.said["reasons"]
    return {
        "verdict": verdict,
        "badge": BADGES[verdict.outcome],
        "policy": label_of(verdict),
        "first": reasons[0]["message"] if reasons else "",
        "more": len(reasons) - 1,
    }


def verdicts_page(request: HttpRequest, project: Project) -> dict[str, Any]:
    """Return the context of the list of verdicts."""
    rows = Verdict.objects.filter(project=project).told()
    filters = VerdictFilter(request.GET, queryset=rows)
    page = page_of(request, filters.qs if filters.is_valid() else rows.none(), NEWEST)
    return {
        "filter_form": filters.form,
        "active_filters": active_filters(filters, request.GET),
        "reset": reverse("policies:verdicts", args=[project.slug]),
        "rows": [line_of(verdict) for verdict in page.rows],
        "page": page,
        "summary": page.describe("verdict"),
        "crumbs": _crumbs(project),
    }


def verdict_page(verdict: Verdict) -> dict[str, Any]:
    """Return the context of a verdict's page."""
    said, evidence = verdict.said, verdict.evidence
    return line_of(verdict) | {
        "crumbs": [
            *_crumbs(verdict.project),
            {
                "label": "Verdicts",
                "href": reverse("policies:verdicts", args=[verdict.project.slug]),
            },
        ],
        "reasons": [
            reason | {"label": RULES[reason["rule"]], "badge": BADGES[reason["outcome"]]}
            for reason in said["reasons"]
        ],
        "kept": [RULES[rule] for rule in said["passed"]],
        "waivers": said["waivers"],
        "facts": _facts(verdict),
        "findings": len(evidence["findings"]),
    }


def _facts(verdict: Verdict) -> list[tuple[str, str]]:
    """Return what was looked at, in words."""
    evidence = verdict.evidence
    scans = [
        (
            f"Scan for {PLURALS[scan['kind']]}",
            f"of {scan['at'][:16].replace('T', ' ')} UTC, report sha256:{scan['report_sha256']}",
        )
        for scan in evidence["scans"]
    ]
    lacking = [
        (f"Scan for {PLURALS[kind]}", f"none{f' for {platform}' if platform else ''}")
        for kind, platform in evidence["unscanned"]
    ]
    return [*scans, *lacking, ("Verdict's own sha256", verdict.sha256)]


def policy_page(policy: Policy) -> dict[str, Any]:
    """Return the context of a policy's page but for its form."""
    versions = list(policy.versions.order_by("-number"))
    given = Verdict.objects.filter(version__policy=policy).told()
    return {
        "policy": policy,
        "crumbs": _crumbs(policy.project),
        "versions": versions,
        "verdicts": [line_of(verdict) for verdict in given[:NEWEST_SHOWN]],
    }


def starting(policy: Policy, version: PolicyVersion) -> dict[str, Any]:
    """Return what the form of a policy starts with."""
    held = policy.environments.values_list("environment", flat=True)
    return {
        "name": policy.name,
        "environments": ", ".join(held),
        "is_default": policy.is_default,
        "text": version.text,
    }


def dry_run_page(run: DryRun | None) -> dict[str, Any]:
    """Return what a page shows of a dry run: in a sentence, by rule, and by build."""
    if run is None:
        return {"run": None}
    counts = run.outcomes
    total = len(run.tried)
    tried = [_tried_line(item) for item in run.tried]
    return {
        "run": run,
        "sentence": f"Would have failed {counts['fail']} of {total} builds"
        + (f", and could not tell of {counts['unknown']}" if counts["unknown"] else ""),
        "cut": _cut(run),
        "rules": [(RULES[rule], count) for rule, count in run.rules.items()],
        "tried": tried[:TRIED_SHOWN],
        "others": tried[TRIED_SHOWN:],
    }


def _cut(run: DryRun) -> str:
    """Return how many builds there was time for; empty if for all."""
    if run.is_whole:
        return ""
    of = f" of {run.builds}" if run.builds else ""
    return f"There was time for the newest {len(run.tried)}{of} builds only."


def _tried_line(item: Tried) -> dict[str, Any]:
    outcome = item.verdict.outcome
    return {
        "build": item.build,
        "badge": BADGES[outcome],
        "outcome": outcome.capitalize(),
        "reasons": item.verdict.reasons,
    }


def _crumbs(project: Project) -> list[dict[str, str]]:
    return [{"label": "Policies", "href": reverse("policies:policies", args=[project.slug])}]
