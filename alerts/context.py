"""What a woken person needs, gathered when an alert fires and kept with it.

``{facts: [{label, value, path}], before, after, unit, metric, samples, step, step_path, causes:
[{words, revision}], commits: {first, last, repository_url, change_id, authors, count, builds:
[{title, path}]}, fixes: [{title, worth, path}], similar: [{id, title, path, resolved_at, note}]}``;
what is not known is missing.
"""

from collections.abc import Sequence
from typing import Any

from django.db.models import OuterRef, Q, Subquery

from alerts.conditions import Observation, Window
from alerts.models import Alert, AlertEvent, AlertMember, AlertRule
from alerts.wording import shown
from builds.models import Build
from recommendations.models import Recommendation
from recommendations.page import line_of

SAME = ("service_id", "target", "variant", "environment", "ref_name", "change_id")
"""What builds have in common of which one may have broken what the next ones show."""

MOST_COMMITS = 50
MOST_AUTHORS = 5
MOST_FIXES = 3
MOST_SIMILAR = 5


def context_of(
    rule: AlertRule, key: int, seen: Sequence[Observation], window: Window
) -> dict[str, Any]:
    """Return what is known now of what is seen; the first is what it is told from."""
    first = seen[0]
    known = first.evidence
    metric = {name: known.get(name) for name in ("metric", "group", "before", "after")}
    told = {
        **metric,
        "member": first.group,
        "value": first.value,
        "threshold": first.threshold,
        "unit": first.unit,
        "samples": first.samples,
        "summary": first.summary,
        "path": first.path,
        "step": known.get("step", ""),
        "step_path": known.get("step_path", ""),
        "causes": known.get("causes", []),
        "is_limit": known.get("is_limit", False),
        "commits": commits_of(known.get("build"), known.get("last_before")),
        "fixes": fixes_of(rule, seen),
        "similar": similar_to(rule, key, first),
    }
    return {name: value for name, value in told.items() if value not in ("", [], {}, None)}


def commits_of(build: int | None, last_before: int | None) -> dict[str, Any]:
    """Return the commits from the last good build to the first bad one, and who wrote them: those
    of its own branch that were built as it was.
    """
    keys = [key for key in (build, last_before) if key]
    found = Build.objects.select_related("project").in_bulk(keys)
    last, before = found.get(build or 0), found.get(last_before or 0)
    if last is None:
        return {}
    same = {name: getattr(last, name) for name in SAME}
    rows = Build.objects.filter(**same, listed_at__lte=last.listed_at)
    if before is not None:
        rows = rows.filter(listed_at__gt=before.listed_at)
    told = rows.newest_first().values_list("revision", "author")
    between = list(told[: MOST_COMMITS if before else 1])
    authors = list(dict.fromkeys(author for _, author in between if author))
    return {
        "last": last.revision,
        "first": before.revision if before else "",
        "repository_url": last.repository_url,
        "change_id": last.change_id,
        "ref_name": last.ref_name,
        "count": len({revision for revision, _ in between if revision}),
        "authors": authors[:MOST_AUTHORS],
        "build": {"at": last.listed_at.isoformat(), "path": last.get_absolute_url()},
    }


def fixes_of(rule: AlertRule, seen: Sequence[Observation]) -> list[dict[str, Any]]:
    """Return what is recommended for the services that it is about, what is worth most first."""
    own = [{"title": f"Update to {fix}"} for item in seen[:1] if (fix := item.evidence.get("fix"))]
    services = {item.service_id for item in seen if item.service_id}
    if not services:
        return own
    rows = Recommendation.objects.filter(project=rule.project_id, service__in=services).given()
    unit = "bytes" if seen[0].unit == "bytes" else "s"
    rows = rows.filter(unit=unit).exclude(state="dismissed").select_related("project")
    return own + [
        {
            "title": row.title,
            "worth": str(line_of(row)["worth"]),
            "path": row.get_absolute_url(),
        }
        for row in rows[:MOST_FIXES]
    ]


def similar_to(rule: AlertRule, key: int, seen: Observation) -> list[dict[str, Any]]:
    """Return past alerts of the same kind and step, failure or service, with their last note."""
    same = Q(fingerprint=seen.fingerprint) if seen.fingerprint else Q(pk=None)
    if seen.service_id:
        hit = AlertMember.objects.filter(service=seen.service_id)
        same |= Q(pk__in=hit.values("alert"))
    notes = AlertEvent.objects.filter(alert=OuterRef("pk")).exclude(text="")
    notes = notes.filter(kind__in=["note", "resolved", "acknowledged"]).order_by("-at", "-pk")
    past = Alert.objects.filter(same, project=rule.project_id, kind=rule.kind, state="resolved")
    past = past.fired().exclude(pk=key)
    told: Any = past.annotate(note=Subquery(notes.values("text")[:1]))
    return [
        {
            "id": str(row.public_id),
            "title": row.title,
            "path": row.get_absolute_url(),
            "resolved_at": row.resolved_at.isoformat() if row.resolved_at else "",
            "resolved_by": row.resolved_by,
            "resolved_because": row.resolved_because,
            "note": row.note or "",
        }
        for row in told.select_related("project").order_by("-seen_at", "-pk")[:MOST_SIMILAR]
    ]


def facts_of(context: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Return label, value and path of what is known, the most needed first."""
    unit = context.get("unit", "")
    facts = []
    if "after" in context:
        of_it = "Limit" if context.get("is_limit") else "Before"
        facts += [
            (of_it, shown(context.get("before"), unit), ""),
            ("Now", shown(context["after"], unit), context.get("path", "")),
        ]
    if context.get("step"):
        facts.append(("Culprit", context["step"], context.get("step_path", "")))
    commits = context.get("commits", {})
    if commits.get("last"):
        facts.append(("Commits", commit_range(commits), commits["build"]["path"]))
    if commits.get("authors"):
        facts.append(("Authors", ", ".join(commits["authors"]), ""))
    facts += [("Likely cause", cause["words"], "") for cause in context.get("causes", [])[:1]]
    facts += [
        ("What to do", _fix(fix), fix.get("path", "")) for fix in context.get("fixes", [])[:1]
    ]
    return facts


def _fix(fix: dict[str, Any]) -> str:
    return f"{fix['title']} ({fix['worth']} a week)" if fix.get("worth") else fix["title"]


def commit_range(commits: dict[str, Any]) -> str:
    """Return the commits in words."""
    last, first = commits["last"][:12], commits.get("first", "")[:12]
    return f"{first}..{last}" if first and first != last else last
