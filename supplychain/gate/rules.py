"""The rules of a policy. Each tells what speaks against an image, and what it lacks to tell."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any

from supplychain.gate.document import SEVERITIES
from supplychain.gate.evidence import Base, Evidence, Found
from supplychain.gate.verdict import Outcome, Reason

MOST_NAMED = 20
"""Things that a reason names; its sentence counts all."""

Rule = Callable[[Any, Evidence, datetime], Iterable[Reason]]


def _fails(rule: str, message: str, evidence: Iterable[str] = ()) -> Reason:
    return Reason(rule, Outcome.FAIL, message, tuple(evidence)[:MOST_NAMED])


def _unknown(rule: str, message: str) -> Reason:
    return Reason(rule, Outcome.UNKNOWN, message)


def counted(evidence: Evidence, kind: str) -> list[Found]:
    """Return findings of a kind that no waiver excuses."""
    return [item for item in evidence.findings if item.kind == kind and not item.excused_by]


def named(found: Iterable[Found]) -> list[str]:
    """Return findings as texts: ``CVE-2021-44228 (CRITICAL) in pkg:maven/…, fixed in 2.17.1``."""
    return [
        f"{item.name} ({item.severity}) in {item.where}"
        + (f", fixed in {item.fixed_version}" if item.fixed_version else "")
        for item in found
    ]


def _not_scanned(rule: str, kind: str, evidence: Evidence) -> Reason:
    platforms = [name for lacking, name in evidence.unscanned if lacking == kind and name]
    of = f" for {', '.join(platforms)}" if platforms else ""
    return _unknown(rule, f"No scan of this image looked for {PLURALS[kind]}{of}.")


PLURALS = {
    "vulnerability": "vulnerabilities",
    "misconfiguration": "misconfigurations",
    "secret": "secrets",
    "license": "licences",
}


def _thresholds(rule: str, kind: str) -> Rule:
    def judge(value: Any, evidence: Evidence, at: datetime) -> Iterator[Reason]:
        scan = evidence.scan_for(kind)
        if scan is None:
            yield _not_scanned(rule, kind, evidence)
            return
        found = counted(evidence, kind)
        for threshold in value:
            over = [item for item in found if _is_meant(item, threshold, at)]
            fixable = bool(threshold.get("fixable_only"))
            if len(over) > threshold["most"]:
                yield _fails(rule, _too_many(kind, threshold, len(over)), named(over))
            elif lacks := scan.lacks([threshold["severity"]], fixable_only=fixable):
                yield _unknown(rule, lacks)

    return judge


def _is_meant(item: Found, threshold: dict[str, Any], at: datetime) -> bool:
    if item.severity != threshold["severity"]:
        return False
    if threshold.get("fixable_only") and not item.fixed_version:
        return False
    days = threshold.get("older_than_days")
    # Of unknown age is as old as may be: a grace period must be proven.
    return not days or item.first_seen_at is None or at - item.first_seen_at > timedelta(days=days)


def _too_many(kind: str, threshold: dict[str, Any], count: int) -> str:
    what = PLURALS[kind] if count != 1 else kind
    fixable = " with a fix" if threshold.get("fixable_only") else ""
    days = threshold.get("older_than_days")
    age = f" known for more than {days:g} days" if days else ""
    allowed = threshold["most"] or "none"
    return f"{count} {threshold['severity']} {what}{fixable}{age}; {allowed} may be."


def _known_exploited(value: Any, evidence: Evidence, at: datetime) -> Iterator[Reason]:
    scan = evidence.scan_for("vulnerability")
    if scan is None:
        yield _not_scanned("known_exploited", "vulnerability", evidence)
        return
    over = [item for item in counted(evidence, "vulnerability") if item.is_known_exploited]
    if len(over) > value["most"]:
        message = f"{len(over)} known to be exploited; {value['most'] or 'none'} may be."
        yield _fails("known_exploited", message, named(over))
    elif not scan.says_known_exploited and counted(evidence, "vulnerability"):
        yield _unknown("known_exploited", "The report does not say which are exploited.")
    elif lacks := scan.lacks(SEVERITIES):
        yield _unknown("known_exploited", lacks)


def _secrets(value: Any, evidence: Evidence, at: datetime) -> Iterator[Reason]:
    scan = evidence.scan_for("secret")
    if scan is None:
        yield _not_scanned("secrets", "secret", evidence)
        return
    over = counted(evidence, "secret")
    if len(over) > value["most"]:
        message = f"{len(over)} secret{'s' * (len(over) != 1)}; {value['most'] or 'none'} may be."
        yield _fails("secrets", message, named(over))
    elif lacks := scan.lacks(SEVERITIES):
        yield _unknown("secrets", lacks)


def _licenses(value: Any, evidence: Evidence, at: datetime) -> Iterator[Reason]:
    scan = evidence.scan_for("license")
    if scan is None:
        yield _not_scanned("licenses", "license", evidence)
        return
    over = [item for item in counted(evidence, "license") if _matches(item.name, value["denied"])]
    if over:
        yield _fails("licenses", f"{len(over)} under licences that are denied.", named(over))
    elif lacks := scan.lacks(SEVERITIES):
        yield _unknown("licenses", lacks)


def _matches(text: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(text.lower(), pattern.lower()) for pattern in patterns)


def _scan(value: Any, evidence: Evidence, at: datetime) -> Iterator[Reason]:
    scan = evidence.scan_for("vulnerability")
    if scan is None:
        yield _fails("scan", "This image was never scanned for vulnerabilities.")
        return
    if _is_older(scan.at, value.get("max_age_days"), at):
        days = value["max_age_days"]
        yield _fails("scan", f"Its newest scan, of {scan.at:%Y-%m-%d}, is over {days:g} days old.")
    days = value.get("max_database_age_days")
    if not days:
        return
    if scan.database_updated_at is None:
        yield _unknown("scan", "The report does not say how old the scanner's database was.")
    elif _is_older(scan.database_updated_at, days, scan.at):
        yield _fails("scan", f"The scanner's database was over {days:g} days old at the scan.")


def _is_older(then: datetime, days: float | None, at: datetime) -> bool:
    return days is not None and at - then > timedelta(days=days)


def _base_image(value: Any, evidence: Evidence, at: datetime) -> Iterator[Reason]:
    if evidence.bases is None:
        yield _unknown("base_image", "No build of this image says what it stands on.")
        return
    for base in evidence.bases:
        yield from _base(value, base, at)


def _base(value: Any, base: Base, at: datetime) -> Iterator[Reason]:
    name = f"{base.repository}:{base.tag}" if base.tag else base.repository
    evidence = [f"{name}@{base.digest}" if base.digest else name]
    allowed = value.get("allowed")
    if allowed and not any(_matches(text, allowed) for text in (base.repository, name)):
        yield _fails("base_image", f"The base {name} is not on the list.", evidence)
    if value.get("pinned") and not base.is_pinned:
        yield (
            _unknown("base_image", f"Whether the base {name} is pinned is not known.")
            if base.is_pinned is None
            else _fails("base_image", f"The base {name} is not pinned by digest.", evidence)
        )
    days = value.get("max_age_days")
    if days and base.created_at is None:
        yield _unknown("base_image", f"How old the base {name} is, is not known.")
    elif days and base.created_at and _is_older(base.created_at, days, at):
        message = f"The base {name}, of {base.created_at:%Y-%m-%d}, is over {days:g} days old."
        yield _fails("base_image", message, evidence)


def _user(value: Any, evidence: Evidence, at: datetime) -> Iterator[Reason]:
    known = evidence.configuration
    if known is None or known.is_root is None:
        yield _unknown("user", "No inspection of this image says whose its processes are.")
    elif known.is_root:
        yield _fails("user", "Its processes are root's.", [f"USER {known.user or '(none)'}"])


def _labels(value: Any, evidence: Evidence, at: datetime) -> Iterator[Reason]:
    if evidence.configuration is None:
        yield _unknown("labels", "No inspection of this image says which labels it has.")
        return
    lacking = [name for name in value["required"] if not evidence.configuration.labels.get(name)]
    if lacking:
        yield _fails("labels", f"It lacks {len(lacking)} required labels.", lacking)


def _size(value: Any, evidence: Evidence, at: datetime) -> Iterator[Reason]:
    size, most = evidence.size_bytes, value["most_bytes"]
    if size is None:
        yield _unknown("size", "Its size is not known.")
    elif size > most:
        message = f"It has {size / 1e6:,.1f} MB; {most / 1e6:,.1f} MB may be."
        yield _fails("size", message, [f"{size} bytes, {size - most} too many"])


def _checks(value: Any, evidence: Evidence, at: datetime) -> Iterator[Reason]:
    known = evidence.configuration
    if known is None:
        yield _unknown("checks", "This image was not inspected.")
        return
    failed = [name for name in value["required"] if name in known.failed_checks]
    if failed:
        yield _fails("checks", f"It fails {len(failed)} required checks.", failed)
    decided = {*known.failed_checks, *known.passed_checks}
    if undecided := [name for name in value["required"] if name not in decided]:
        yield _unknown("checks", f"Not decided: {', '.join(undecided)}.")


def _signature(value: Any, evidence: Evidence, at: datetime) -> Iterator[Reason]:
    if evidence.trust is None:
        yield _unknown("signature", "No verification of this image counts now: verify it.")
    elif not evidence.trust.is_signed:
        yield _fails("signature", "It has no signature that is trusted.", evidence.trust.reasons)


def _provenance(value: Any, evidence: Evidence, at: datetime) -> Iterator[Reason]:
    if evidence.trust is None:
        yield _unknown("provenance", "No verification of this image counts now: verify it.")
    elif not evidence.trust.has_provenance:
        message = "It has no provenance that is trusted."
        yield _fails("provenance", message, evidence.trust.reasons)


RULES: dict[str, Rule] = {
    "vulnerabilities": _thresholds("vulnerabilities", "vulnerability"),
    "misconfigurations": _thresholds("misconfigurations", "misconfiguration"),
    "known_exploited": _known_exploited,
    "secrets": _secrets,
    "licenses": _licenses,
    "scan": _scan,
    "base_image": _base_image,
    "user": _user,
    "labels": _labels,
    "size": _size,
    "checks": _checks,
    "signature": _signature,
    "provenance": _provenance,
}
"""By the name of the rule in a policy's document."""
