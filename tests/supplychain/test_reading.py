"""What is refused and how, wrong shapes within reports, and bounds."""

import json

import pytest

from buildkit.errors import ParseError
from buildkit.limits import Limits
from supplychain.reports.reading import read_report
from supplychain.reports.values import NAME_LIMIT, PATH_LIMIT
from tests.supplychain.corpus import KEY, load, names
from tests.supplychain.making import read, read_one, schema_2

INSTEAD = "is not read; send the report of an image, as `trivy image --format json` writes it"


def refusal(data: bytes) -> str:
    with pytest.raises(ParseError) as caught:
        read_report(data, key=KEY)
    assert caught.value.path == "report"
    return caught.value.message


@pytest.mark.parametrize("name", names("operator"))
def test_resources_of_the_operator_are_refused(name: str):
    kind = json.loads(load(name))["kind"]
    assert refusal(load(name)) == f"the trivy-operator's {kind} {INSTEAD}"


def test_a_report_of_a_cluster_is_refused():
    told = f"a report of a Kubernetes cluster (`trivy k8s`) {INSTEAD}"
    assert refusal(load("trivy-k8s")) == told


@pytest.mark.parametrize(
    ("document", "name"),
    [
        ({"items": [{"apiVersion": "aquasecurity.github.io/v1"}]}, "a list of resources of the"),
        ([{"apiVersion": "aquasecurity.github.io/v1", "kind": "X"}], "the trivy-operator's X"),
        ({"ClusterName": ""}, "a report of a Kubernetes cluster"),
        ({"SchemaVersion": 3}, "a report of Trivy's schema 3"),
        ({"spdxVersion": "SPDX-2.3"}, "an SPDX document"),
        ({"@context": "https://spdx.org/rdf/3.0.1/spdx-context.jsonld"}, "an SPDX document"),
        ({"matches": [], "descriptor": {}}, "a report of Grype"),
        ({"detector": {}, "manifests": {}}, "a dependency snapshot of GitHub"),
        ({"scan": {}, "vulnerabilities": []}, "a security report of GitLab"),
        ({"statements": [], "@context": "https://openvex.dev/ns"}, "an OpenVEX document"),
        ({"predicateType": "x"}, "an attestation"),
        ({"invocation": {}, "scanner": {}}, "a vulnerability predicate of cosign"),
        ({"version": "2.0.0", "runs": []}, "SARIF of another version than 2.1.0"),
        ({"version": "2.1.0", "runs": []}, "SARIF without a run of Trivy"),
        (
            {"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "CodeQL"}}}]},
            "SARIF of CodeQL",
        ),
        ({}, "JSON of an unknown format"),
        ({"SchemaVersion": True}, "JSON of an unknown format"),
        (["a"], "a list that is no report of Trivy's schema 1"),
        (None, "JSON that is null"),
        ("text", "JSON that is text"),
        (3, "JSON that is a number"),
    ],
)
def test_other_formats_are_named_and_refused(document: object, name: str):
    told = refusal(json.dumps(document).encode())
    assert told.startswith(name)
    assert told.endswith(INSTEAD)


def test_what_is_not_json_is_refused():
    assert refusal(b"<xml/>").startswith("not JSON")
    assert refusal(b"[" * 100_000) == "JSON is nested too deeply"


def test_a_report_that_is_too_big_is_refused():
    with pytest.raises(ParseError, match="allowed are 10"):
        read_report(b'{"SchemaVersion": 2}', key=KEY, limits=Limits(max_json_bytes=10))


def test_misshapen_fields_of_other_findings():
    cause = {"Code": {"Lines": [{"IsCause": 1}]}}
    report = read(
        schema_2(
            Type="dockerfile",
            Misconfigurations=[
                {"CauseMetadata": cause},
                {"CauseMetadata": {"Code": {"Lines": [1]}}},
            ],
            Secrets=[{"Match": 1}],
            ExperimentalModifiedFindings=[{"Type": "secret", "Finding": {"Match": "hidden"}}],
        )
    )
    assert report.problems == (
        "report/Results[0]/Misconfigurations[0]: IsCause is a number, expected a boolean",
        "report/Results[0]/Misconfigurations[1]: Lines holds a number, expected objects",
        "report/Results[0]/Secrets[0]: Match is a number, expected text",
    )
    assert report.suppressed == ()


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        ("text", "text, expected an object"),
        (None, "null, expected an object"),
        ([], "a list, expected an object"),
        ({"Severity": 3}, "Severity is a number, expected text"),
        ({"PkgName": {}}, "PkgName is an object, expected text"),
        ({"PkgName": []}, "PkgName is a list, expected text"),
        ({"Layer": "sha256:a"}, "Layer is text, expected an object"),
        ({"VendorIDs": "RHSA-1"}, "VendorIDs is text, expected a list"),
        ({"VendorIDs": [1]}, "VendorIDs holds a number, expected texts"),
        ({"CVSS": {"nvd": 3}}, "CVSS holds a number, expected objects"),
        ({"CVSS": {"nvd": {"V3Score": 11}}}, "V3Score is no number of 0 to 10"),
        ({"CVSS": {"nvd": {"V3Score": True}}}, "V3Score is no number of 0 to 10"),
    ],
)
def test_a_misshapen_entry_is_left_out_and_named(entry: object, told: str):
    fine = {"VulnerabilityID": "CVE-1"}
    report = read({"SchemaVersion": 2, "Results": [{}, {"Vulnerabilities": [fine, entry, fine]}]})
    assert len(report.vulnerabilities) == 2
    assert report.problems == (f"report/Results[1]/Vulnerabilities[1]: {told}",)


def test_misshapen_lists_and_parts_leave_the_rest():
    report = read(
        {
            "SchemaVersion": 2,
            "ArtifactName": "app",
            "CreatedAt": 3,
            "Metadata": {"RepoTags": "one"},
            "Results": [{"Vulnerabilities": {}, "Secrets": [{}]}, {"Target": 1}, 3],
        }
    )
    assert len(report.secrets) == 1
    assert report.problems == (
        "report/Results[0]/Vulnerabilities: an object, expected a list",
        "report/Results[1]: Target is a number, expected text",
        "report/Results[2]: a number, expected an object",
        "report/Metadata: RepoTags is text, expected a list",
        "report: CreatedAt is a number, expected text",
    )
    assert read({"SchemaVersion": 2, "Results": {}}).problems == (
        "report/Results: an object, expected a list",
    )


def test_problems_are_bounded():
    data = json.dumps(schema_2(Vulnerabilities=[1] * 50)).encode()
    report = read_report(data, key=KEY, limits=Limits(max_problems=3))
    assert len(report.problems) == 4
    assert report.problems[-1] == "47 further problems"


def test_texts_can_be_stored_and_are_bounded():
    [found] = read_one(
        Title="a\0b\ud800c", PkgName="n" * 9_999, PkgPath="/" * 9_999
    ).vulnerabilities
    assert found.title == "a\ufffdb\ufffdc"
    assert len(found.package.name) == NAME_LIMIT
    assert len(found.package.path) == PATH_LIMIT
