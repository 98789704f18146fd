"""Reports made by hand, in the shapes that Trivy's source gives them."""

import json
from typing import Any

from supplychain.reports.model import Report
from supplychain.reports.reading import read_report
from tests.supplychain.corpus import KEY

Json = dict[str, Any]


def read(document: object) -> Report:
    """Read a document."""
    return read_report(json.dumps(document).encode(), key=KEY)


def schema_2(**result: object) -> Json:
    """A report of schema 2 with one result."""
    return {"SchemaVersion": 2, "Results": [{"Target": "app", "Class": "", "Type": "", **result}]}


def read_one(**finding: object) -> Report:
    """A report with one vulnerability."""
    return read(schema_2(Vulnerabilities=[{"VulnerabilityID": "CVE-1", **finding}]))


def rule(rule_id: str, name: str, *tags: str, **properties: object) -> Json:
    """A rule of SARIF."""
    return {
        "id": rule_id,
        "name": name,
        "shortDescription": {"text": f"title of {rule_id}"},
        "helpUri": f"https://example.org/{rule_id}",
        "properties": {"tags": list(tags), **properties},
    }


def result(rule_id: str, message: str, uri: str = "library/app", start: int = 1) -> Json:
    """A result of SARIF."""
    physical = {
        "artifactLocation": {"uri": uri, "uriBaseId": "ROOTPATH"},
        "region": {"startLine": start, "endLine": start},
    }
    location = {"physicalLocation": physical}
    return {"ruleId": rule_id, "message": {"text": message}, "locations": [location]}


def sarif(rules: list[Json], results: list[Json], **run: object) -> Json:
    """A document of SARIF with one run of Trivy."""
    driver = {"name": "Trivy", "version": "0.60.0", "rules": rules}
    return {"version": "2.1.0", "runs": [{"tool": {"driver": driver}, "results": results, **run}]}
