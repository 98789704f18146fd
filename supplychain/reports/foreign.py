"""Formats that are known by sight and not read, each with what to send instead."""

from buildkit.values import Json, as_dict, as_dicts, as_text
from supplychain.reports.values import kind_of

INSTEAD = "send the report of an image, as `trivy image --format json` writes it"
_OPERATOR = "aquasecurity.github.io/"
_WORD_LIMIT = 40
_MANY_SCHEMAS = 1_000


def refusal_of(document: object) -> str:
    """Return one sentence: what a document is that is not read, and what to send instead."""
    return f"{_name_of(document)} is not read; {INSTEAD}"


def _name_of(document: object) -> str:
    if isinstance(document, list):
        named = next((item for item in as_dicts(document) if _is_of_operator(item)), None)
        return _name_of(named) if named else "a list that is no report of Trivy's schema 1"
    if not isinstance(document, dict):
        return f"JSON that is {kind_of(document)}"
    for name in (_operator(document), _trivy(document), _sarif(document), _other(document)):
        if name:
            return name
    return "JSON of an unknown format"


def _is_of_operator(entry: Json) -> bool:
    return as_text(entry.get("apiVersion")).startswith(_OPERATOR)


def _operator(document: Json) -> str:
    if _is_of_operator(document):
        return f"the trivy-operator's {_word(document.get('kind')) or 'resource'}"
    if any(_is_of_operator(item) for item in as_dicts(document.get("items"))):
        return "a list of resources of the trivy-operator"
    return ""


def _trivy(document: Json) -> str:
    if "ClusterName" in document or isinstance(document.get("Resources"), list):
        return "a report of a Kubernetes cluster (`trivy k8s`)"
    schema = document.get("SchemaVersion")
    if type(schema) is int and abs(schema) < _MANY_SCHEMAS:
        return f"a report of Trivy's schema {schema}"
    if "predicateType" in document or "payloadType" in document:
        return "an attestation"
    if {"invocation", "scanner"} <= document.keys():
        return "a vulnerability predicate of cosign"
    return ""


def _sarif(document: Json) -> str:
    if not isinstance(document.get("runs"), list):
        return ""
    if document.get("version") != "2.1.0":
        return "SARIF of another version than 2.1.0"
    for run in as_dicts(document["runs"]):
        name = _word(as_dict(as_dict(run.get("tool")).get("driver")).get("name"))
        if name:
            return f"SARIF of {name}"
    return "SARIF without a run of Trivy"


def _other(document: Json) -> str:
    keys = document.keys()
    if "spdxVersion" in keys or "spdx" in as_text(document.get("@context")):
        return "an SPDX document"
    if {"matches", "descriptor"} <= keys:
        return "a report of Grype"
    if {"detector", "manifests"} <= keys:
        return "a dependency snapshot of GitHub"
    if {"scan", "vulnerabilities"} <= keys:
        return "a security report of GitLab"
    if {"statements", "@context"} <= keys:
        return "an OpenVEX document"
    return ""


def _word(value: object) -> str:
    """A name that a sender gave, short enough for a sentence."""
    return " ".join(as_text(value)[:_WORD_LIMIT].split())
