"""Ratings of a vulnerability in CycloneDX: whose severity and whose score count."""

from buildkit.values import Json, as_float
from supplychain.reports.model import Severity
from supplychain.reports.values import MAX_CVSS, child, objects, score, text

# Preferred first. A source that has only a severity names no method.
_METHODS = ("CVSSv31", "CVSSv3", "CVSSv4", "", "CVSSv2")
_SCORED = (("CVSSv31", "CVSSv3"), ("CVSSv4",), ("CVSSv2",))
_SEVERITIES: dict[str, Severity] = {
    **{item.value.lower(): item for item in Severity},
    "info": Severity.NEGLIGIBLE,
    "none": Severity.NEGLIGIBLE,
}


class Ratings:
    """Severity, its source, and score of a vulnerability, chosen as Trivy chooses them.

    The severity is that of the source that the vulnerability is from; of GitHub for its own ids;
    of the NVD; else the highest. The score is as ``model.Vulnerability`` says.
    """

    __slots__ = ("cvss_score", "cvss_vector", "epss", "severity", "source")

    def __init__(self, entry: Json) -> None:
        ratings = objects(entry, "ratings")
        self.severity, self.source = _severity(entry, ratings)
        self.cvss_score, self.cvss_vector = _cvss(ratings, self.source)
        # Not of the specification; Grype's way to write it.
        epss = [as_float(item.get("score")) for item in ratings if item.get("method") == "EPSS"]
        self.epss = next((item for item in epss if item is not None and 0 <= item <= 1), None)


def _severity(entry: Json, ratings: list[Json]) -> tuple[Severity, str]:
    ranked: list[tuple[str, int, Severity]] = []
    for item in ratings:
        method, word = text(item, "method"), text(item, "severity")
        if word and method in _METHODS:
            severity = _SEVERITIES.get(word.lower(), Severity.UNKNOWN)
            ranked.append((_source(item), _METHODS.index(method), severity))
    ranked.sort(key=lambda item: item[1])
    preferred = [text(child(entry, "source"), "name")]
    if text(entry, "id").startswith("GHSA-"):
        preferred.append("ghsa")
    for name in (*preferred, "nvd"):
        for source, _, severity in ranked:
            if source == name:
                return severity, source
    if not ranked:
        return Severity.UNKNOWN, ""
    source, _, severity = max(ranked, key=lambda item: item[2].rank)
    return severity, source


def _cvss(ratings: list[Json], preferred: str) -> tuple[float | None, str]:
    for methods in _SCORED:
        best: tuple[float, str] | None = None
        for item in ratings:
            if item.get("method") not in methods:
                continue
            found = score(item, "score", MAX_CVSS)
            if found is None:
                continue
            if _source(item) == preferred:
                return found, text(item, "vector")
            if best is None or found > best[0]:
                best = found, text(item, "vector")
        if best:
            return best
    return None, ""


def _source(rating: Json) -> str:
    return text(child(rating, "source"), "name")
