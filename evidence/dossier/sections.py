"""A dossier as tables of text, the same for its page and its PDF."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evidence.dossier.collecting import Dossier


@dataclass(frozen=True, slots=True)
class Section:
    """A table with its heading; ``empty`` is what is said if nothing is known."""

    key: str
    title: str
    heads: tuple[str, ...]
    widths: tuple[int, ...]
    rows: list[tuple[str, ...]]
    empty: str
    left_off: int = 0


def sections_of(dossier: Dossier) -> Iterator[Section]:
    """Yield the sections in the order in which things happen to an image."""
    yield _section(dossier, "builds", "Who built it", BUILD_HEADS, dossier.builds, _build)
    materials = [item | {"of": row} for row in dossier.builds for item in row["materials"]]
    yield _section(dossier, "materials", "What it was made from", MATERIALS, materials, _material)
    arguments = [
        {"of": row, "name": name, "value": value}
        for row in dossier.builds
        for name, value in row["arguments"].items()
    ]
    yield _section(dossier, "arguments", "With which arguments", ARGUMENTS, arguments, _argument)
    yield _section(
        dossier,
        "verifications",
        "Signatures and provenance",
        VERIFICATIONS,
        dossier.verifications,
        _verification,
    )
    yield _section(dossier, "scans", "Scans", SCANS, dossier.scans, _scan)
    yield _section(dossier, "sboms", "Bills of materials", SBOMS, dossier.sboms, _sbom)
    yield _section(dossier, "inspections", "Checks", CHECKS, dossier.inspections, _inspection)
    yield _section(
        dossier, "verdicts", "Verdicts at that time", VERDICTS, dossier.verdicts, _verdict
    )
    waivers = [item | {"of": row} for row in dossier.verdicts for item in row["waivers"]]
    yield _section(dossier, "waivers", "Waivers that they counted", WAIVERS, waivers, _waiver)
    yield _section(
        dossier, "deployments", "Deployments", DEPLOYMENTS, dossier.deployments, _deployment
    )
    yield _section(dossier, "documents", "What was sent", DOCUMENTS, dossier.documents, _document)
    if dossier.events is not None:
        yield _section(dossier, "events", "In the audit trail", EVENTS, dossier.events, _event)


type Head = tuple[str, int]

BUILD_HEADS = (("When", 14), ("Who", 16), ("Service", 14), ("Commit", 34), ("Builder", 22))
MATERIALS = (("Material", 60), ("Digest", 60), ("Build of", 14))
ARGUMENTS = (("Argument", 24), ("Value", 60), ("Build of", 14))
VERIFICATIONS = (("When", 14), ("Result", 20), ("Signed by", 30), ("Provenance", 40), ("By", 18))
SCANS = (("When", 14), ("Scanner", 20), ("Its database", 14), ("Entries", 40))
SBOMS = (("Received", 14), ("Format", 18), ("Packages", -10), ("SHA-256", 60))
CHECKS = (("When", 14), ("Failing", 80))
VERDICTS = (("When", 14), ("Verdict", 10), ("Policy", 18), ("Reasons", 60), ("Asked by", 18))
WAIVERS = (("Finding", 30), ("By", 40), ("Until", 16), ("In the verdict of", 14))
DEPLOYMENTS = (("When", 14), ("Environment", 16), ("Who", 22), ("Job", 50), ("Verdict then", 24))
DOCUMENTS = (("Received", 14), ("Kind", 10), ("Sent by", 20), ("Receipt", 36), ("SHA-256", 60))
EVENTS = (("No.", -8), ("When", 14), ("Who", 18), ("Action", 18), ("To what", 40), ("Hash", 14))

EMPTY = {
    "builds": "No build of this image is known: it was made elsewhere.",
    "materials": "No provenance says.",
    "arguments": "None were given, or none are known.",
    "verifications": "Nobody has verified it.",
    "scans": "Nobody has scanned it.",
    "sboms": "None was sent.",
    "inspections": "Nobody has inspected it.",
    "verdicts": "Nobody has asked whether it may ship.",
    "waivers": "None.",
    "deployments": "None was recorded.",
    "documents": "None is kept.",
    "events": "None.",
}


def _section(
    dossier: Dossier,
    key: str,
    title: str,
    heads: Sequence[Head],
    rows: Iterable[Mapping[str, Any]],
    row_of: Any,
) -> Section:
    return Section(
        key,
        title,
        tuple(head for head, _ in heads),
        tuple(width for _, width in heads),
        [tuple(row_of(row)) for row in rows],
        EMPTY[key],
        dossier.left_off.get(key, 0),
    )


def _build(row: Mapping[str, Any]) -> Iterator[str]:
    yield _time(row["completed_at"] or row["started_at"])
    yield ", ".join(filter(None, (row["author"], row["trigger"], row["pipeline"]))) or "not said"
    yield " ".join(filter(None, (row["service"], row["target"])))
    commit = (row["repository"], row["ref"], row["revision"])
    yield " ".join(filter(None, commit)) or "not said"
    yield " ".join(filter(None, (row["builder"], row["builder_platform"]))) or "not said"


def _material(row: Mapping[str, Any]) -> Iterator[str]:
    yield row["uri"]
    yield row["digest"] or "not said"
    yield _time(row["of"]["completed_at"])


def _argument(row: Mapping[str, Any]) -> Iterator[str]:
    yield str(row["name"])
    yield str(row["value"])
    yield _time(row["of"]["completed_at"])


def _verification(row: Mapping[str, Any]) -> Iterator[str]:
    yield _time(row["verified_at"])
    result = "passed" if row["passed"] else "did not pass"
    yield f"{result} {row['policy']}".strip()
    yield ", ".join(row["signed_by"]) or "nobody that counts"
    provenance = row["provenance"]
    parts = (provenance.get("builder"), provenance.get("build_type"))
    yield " ".join(part for part in parts if isinstance(part, str)) or "none"
    yield row["reported_by"]


def _scan(row: Mapping[str, Any]) -> Iterator[str]:
    yield _time(row["scanned_at"])
    yield f"{row['scanner']} {row['version']}".strip() or "not named"
    yield _time(row["database_updated_at"])
    yield ", ".join(f"{name} {count}" for name, count in _counts(row["counts"])) or "nothing"


def _counts(counts: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    if not isinstance(counts, dict):
        yield prefix, counts
        return
    for name, value in sorted(counts.items()):
        yield from _counts(value, f"{prefix} {name}".strip())


def _sbom(row: Mapping[str, Any]) -> Iterator[str]:
    yield _time(row["received_at"])
    yield row["format"]
    yield str(row["packages"])
    yield row["sha256"]


def _inspection(row: Mapping[str, Any]) -> Iterator[str]:
    yield _time(row["inspected_at"])
    yield ", ".join(row["failing"]) or "none"


def _verdict(row: Mapping[str, Any]) -> Iterator[str]:
    yield _time(row["at"])
    yield row["outcome"]
    yield " ".join(filter(None, (row["policy"], row["environment"])))
    yield "; ".join(row["reasons"]) or "every rule is kept"
    yield row["asked_by"]


def _waiver(row: Mapping[str, Any]) -> Iterator[str]:
    yield str(row.get("finding", ""))
    yield str(row.get("by", ""))
    yield _time(row.get("until")) if row.get("until") else "no end"
    yield _time(row["of"]["at"])


def _deployment(row: Mapping[str, Any]) -> Iterator[str]:
    yield _time(row["deployed_at"])
    yield row["environment"] if row["status"] == "succeeded" else f"{row['environment']}, failed"
    told = f"told by {row['reported_by']}"
    yield f"{row['deployed_by']}, {told}" if row["deployed_by"] else told
    yield row["url"] or "not said"
    verdict = row["verdict"]
    yield f"{verdict['outcome']} by {verdict['policy']}" if verdict else "none was kept"


def _document(row: Mapping[str, Any]) -> Iterator[str]:
    yield _time(row["received_at"])
    yield row["kind"]
    yield row["sent_by"]
    yield row["receipt"]
    yield row["sha256"]


def _event(row: Mapping[str, Any]) -> Iterator[str]:
    yield str(row["sequence"])
    yield _time(row["occurred_at"])
    yield row["actor"]
    yield row["action"]
    yield row["target"]
    yield row["hash"][:12]


def _time(when: str | None) -> str:
    return f"{when[:10]} {when[11:16]} UTC" if when else "not said"
