"""Trivy's own JSON: values computed by hand from real reports, and shapes they do not have."""

import hashlib
import hmac
from datetime import UTC, datetime

import pytest

from supplychain.reports.model import Severity, Target
from supplychain.reports.purls import package_identity
from supplychain.reports.reading import read_report
from tests.supplychain.corpus import KEY, load
from tests.supplychain.making import read, read_one, schema_2

MATCH = "AKIAIOSFODNN7EXAMPLE is the key"


def test_an_image_of_a_distribution():
    report = read_report(load("trivy-v2-centos-7-0f"), key=KEY)
    assert (report.format, report.scanner.name, report.scanner.version) == (
        "trivy-2",
        "Trivy",
        "dev",
    )
    assert report.created_at == datetime(2021, 8, 25, 12, 20, 30, tzinfo=UTC)
    artifact = report.artifact
    assert artifact.kind == "container_image"
    assert artifact.image_id.startswith("sha256:f1cb7c7d58b73eac")
    assert [diff_id[:15] for diff_id in artifact.diff_ids] == ["sha256:89169d87"]
    assert artifact.repo_tags == ("ghcr.io/aquasecurity/trivy-test-images:centos-7",)
    assert (artifact.os_family, artifact.os_name, artifact.platform) == (
        "centos",
        "7.6.1810",
        "linux/amd64",
    )
    found = next(item for item in report.vulnerabilities if item.id == "CVE-2018-0734")
    assert found.aliases == ("RHSA-2019:2304",)
    assert (found.severity, found.severity_source) == (Severity.LOW, "redhat")
    # Red Hat's, not the higher one of the NVD.
    assert found.cvss_score == 5.1
    assert found.cvss_vector == "CVSS:3.0/AV:L/AC:H/PR:N/UI:N/S:U/C:H/I:N/A:N"
    assert (found.fixed_version, found.status) == ("1:1.0.2k-19.el7", "fixed")
    assert found.url == "https://avd.aquasec.com/nvd/cve-2018-0734"
    assert found.package.name == "openssl-libs"
    assert found.package.version == "1:1.0.2k-16.el7"
    assert found.package.layer_digest.startswith("sha256:ac9208207ada")
    assert found.package.layer_diff_id.startswith("sha256:89169d87dbe2")
    assert package_identity(found.package) == "pkg:rpm/centos/openssl-libs"


def test_what_was_suppressed_is_not_counted():
    report = read_report(load("trivy-v2-npm-with-suppressed"), key=KEY)
    assert [item.id for item in report.vulnerabilities] == ["CVE-2017-20165"]
    assert report.vulnerabilities[0].published_at == datetime(
        2023, 1, 9, 10, 15, 10, 447_000, tzinfo=UTC
    )
    [suppressed] = report.suppressed
    assert suppressed.vulnerability.id == "CVE-2017-16137"
    assert suppressed.vulnerability.cvss_score == 3.7
    assert (suppressed.status, suppressed.source) == ("not_affected", "./vex.json")
    assert suppressed.statement == "vulnerable_code_not_in_execute_path"
    assert report.created_at == datetime(2024, 9, 9, 7, 21, 9, 230_231, tzinfo=UTC)


def test_a_report_of_schema_1():
    report = read_report(load("trivy-legacy-list-legacy-trivy-mix"), key=KEY)
    assert (report.format, report.created_at, report.artifact.name) == ("trivy-1", None, "")
    assert report.targets[0] == Target("php-app/composer.lock", "", "composer")
    nameless, lodash = report.vulnerabilities[:2]
    assert (nameless.id, nameless.severity) == ("", Severity.UNKNOWN)
    assert lodash.fixed_version == ">=4.17.11"
    assert (lodash.cvss_score, lodash.url, lodash.status) == (None, "", "")
    assert package_identity(lodash.package) == "npm:lodash"


def test_a_list_without_results_is_an_empty_report():
    assert read([]).targets == ()


@pytest.mark.parametrize("results", [None, []])
def test_results_may_be_null_or_none(results: object):
    assert read({"SchemaVersion": 2, "Results": results}).problems == ()


def test_a_version_is_put_together_as_findings_have_it():
    packages = [
        {"Name": "bash", "Version": "5.2", "Release": "3", "Epoch": 1, "SrcName": "bash-src"},
        {"Name": "curl", "Version": "8.0", "Release": "1"},
        {"Name": "left-pad", "Version": "1.3.0", "Licenses": ["MIT"], "FilePath": "a/b"},
    ]
    found = read(schema_2(Packages=packages)).packages
    assert [package.version for package in found] == ["1:5.2-3", "8.0-1", "1.3.0"]
    assert found[0].source_name == "bash-src"
    assert (found[2].licenses, found[2].path) == (("MIT",), "a/b")


@pytest.mark.parametrize(
    ("ratings", "score"),
    [
        ({}, None),
        ({"nvd": {"V2Score": 5, "V40Score": 6.5, "V3Score": 7}}, 7.0),
        ({"nvd": {"V2Score": 5, "V40Score": 6.5}}, 6.5),
        ({"nvd": {"V2Score": 5}}, 5.0),
        ({"nvd": {"V3Score": 9}, "redhat": {"V3Score": 4}, "ghsa": {"V3Score": 9.5}}, 4.0),
        ({"nvd": {"V3Score": 8}, "ghsa": {"V3Score": 9.5}}, 9.5),
        ({"nvd": {"V3Score": 8}, "redhat": {"V40Score": 3}}, 8.0),
    ],
)
def test_score_by_version_and_then_by_source(ratings: object, score: float | None):
    [found] = read_one(CVSS=ratings, SeveritySource="redhat").vulnerabilities
    assert found.cvss_score == score


def test_a_vector_is_that_of_the_score():
    ratings = {"ghsa": {"V40Score": 7.1, "V40Vector": "CVSS:4.0/AV:N", "V2Vector": "AV:N"}}
    assert read_one(CVSS=ratings).vulnerabilities[0].cvss_vector == "CVSS:4.0/AV:N"


def test_exploitability_is_what_a_report_says_or_unknown():
    [silent] = read_one().vulnerabilities
    assert (silent.epss, silent.is_known_exploited) == (None, None)
    assert read_one(Custom={"epss_score": 0.123}).vulnerabilities[0].epss == 0.123
    assert read_one(Custom={"epss_score": 12}).vulnerabilities[0].epss is None
    assert read_one(Custom="of a plugin").vulnerabilities[0].epss is None


@pytest.mark.parametrize("said", ["0001-01-01T00:00:00Z", "yesterday", "0001-01-01T00:00:00+23:00"])
def test_a_time_that_is_none(said: str):
    assert read_one(PublishedDate=said).vulnerabilities[0].published_at is None


def test_severity_in_any_case_and_of_unknown_words():
    words = ["high", "NEGLIGIBLE", "SEVERE", ""]
    found = [read_one(Severity=word).vulnerabilities[0].severity for word in words]
    assert found == [Severity.HIGH, Severity.NEGLIGIBLE, Severity.UNKNOWN, Severity.UNKNOWN]


def test_a_finding_of_a_secret_keeps_a_fingerprint_and_never_the_match():
    secret = {
        "RuleID": "aws-access-key-id",
        "Category": "AWS",
        "Severity": "CRITICAL",
        "Title": f"AWS Access Key ID {MATCH}",
        "StartLine": 3,
        "EndLine": 4,
        "Code": {"Lines": [{"Number": 3, "Content": MATCH, "IsCause": True}]},
        "Match": MATCH,
        "Layer": {"Digest": "sha256:a", "DiffID": "sha256:b"},
        "CreatedBy": f"COPY {MATCH}",
    }
    report = read(schema_2(Class="secret", Secrets=[secret, secret | {"StartLine": MATCH}]))
    [found] = report.secrets
    assert found.fingerprint == hmac.new(KEY, MATCH.encode(), hashlib.sha256).digest()
    assert found.title == "AWS Access Key ID ***"
    assert (found.rule_id, found.category) == ("aws-access-key-id", "AWS")
    assert (found.start_line, found.end_line, found.layer_diff_id) == (3, 4, "sha256:b")
    assert report.problems == ("report/Results[0]/Secrets[1]: StartLine is no number of a line",)
    assert MATCH not in repr(report)


def test_secrets_without_a_match_are_not_one_secret():
    assert read(schema_2(Secrets=[{"RuleID": "a"}])).secrets[0].fingerprint == b""


@pytest.mark.parametrize(
    ("content", "kept"),
    [
        ("RUN curl -k https://example.org", "RUN curl -k https://example.org"),
        ("ENV TOKEN=hidden OTHER='hid den' \\", "ENV TOKEN=*** OTHER=*** \\"),
        ('env TOKEN="hid \\"den"', "env TOKEN=***"),
        ('ENV TOKEN="hidden without an end', "ENV TOKEN=***"),
        ("ENV TOKEN hidden=too", "ENV TOKEN ***"),
        ("ARG TOKEN=hidden", "ARG TOKEN=***"),
        ("ARG TOKEN", "ARG TOKEN"),
    ],
)
def test_an_instruction_without_values_of_variables(content: str, kept: str):
    lines = [{"Content": content, "IsCause": True}, {"Content": "USER root", "IsCause": False}]
    check = {"ID": "DS-0031", "Status": "FAIL", "CauseMetadata": {"Code": {"Lines": lines}}}
    report = read(schema_2(Type="dockerfile", Misconfigurations=[check]))
    assert report.misconfigurations[0].resource == kept
    report = read(schema_2(Type="kubernetes", Misconfigurations=[check]))
    assert report.misconfigurations[0].resource == ""


def test_a_misconfiguration():
    report = read_report(load("trivy-v2-dockerfile-file-pattern"), key=KEY)
    [found] = report.misconfigurations
    assert (found.id, found.status, found.severity) == ("DS-0002", "FAIL", Severity.HIGH)
    assert found.target == Target("Customfile", "config", "dockerfile")
    assert found.resolution == "Add 'USER <non root user name>' line to the Dockerfile"
    assert (found.resource, found.start_line, found.end_line) == ("", None, None)


def test_a_licence():
    report = read_report(load("trivy-v2-license"), key=KEY)
    found = report.licenses[1]
    assert (found.package_name, found.name) == ("org.ow2.asm:asm", "BSD-3-Clause")
    assert (found.category, found.severity) == ("notice", Severity.LOW)
    assert found.target == Target("Java", "license", "")


def test_equal_packages_are_made_once():
    same = {"PkgName": "a", "InstalledVersion": "1"}
    findings = [{"VulnerabilityID": name, **same} for name in ("CVE-1", "CVE-2")]
    first, second = read(schema_2(Vulnerabilities=findings)).vulnerabilities
    assert first.package is second.package
