"""SARIF and CycloneDX as Trivy writes them."""

from datetime import UTC, datetime

from supplychain.reports.model import Severity, Target
from supplychain.reports.purls import package_identity
from supplychain.reports.reading import read_report
from supplychain.reports.secrecy import fingerprint
from tests.supplychain.corpus import KEY, load
from tests.supplychain.making import Json, read, result, rule, sarif

MATCH = 'password = "****************"\nSeverity: LOW'
FINDING = (
    "Package: musl\nInstalled Version: 1.1.22-r2\nVulnerability CVE-2019-14697\n"
    "Severity: CRITICAL\nFixed Version: 1.1.22-r3\nLink: [CVE-2019-14697](https://example.org/)"
)


def test_a_misconfiguration_of_sarif():
    report = read_report(load("trivy-sarif-trivy-config"), key=KEY)
    assert (report.format, report.scanner.version) == ("sarif", "0.47.0")
    assert report.artifact.name == "/home/example/"
    [found] = report.misconfigurations
    assert (found.id, found.severity) == ("AVD-AZU-0014", Severity.MEDIUM)
    assert found.target == Target("modules/azure-cosmosdb/main.tf", "config", "terraform")
    assert found.message == "Key should have an expiry date specified."
    assert found.title == "Ensure that the expiration date is set on all keys"
    assert (found.start_line, found.end_line) == (164, 176)
    assert report.problems == ()


def test_a_vulnerability_of_sarif():
    scored = {"cvssv3_baseScore": 9.8, "cvssv3_vector": "CVSS:3.1/AV:N"}
    rules = [
        rule(
            "CVE-2019-14697", "OsPackageVulnerability", "vulnerability", "security", "LOW", **scored
        )
    ]
    properties = {
        "imageName": "alpine:3.10",
        "repoTags": ["alpine:3.10"],
        "repoDigests": None,
        "imageID": "sha256:a",
    }
    run = sarif(rules, [result("CVE-2019-14697", FINDING)], properties=properties)
    report = read(run)
    [found] = report.vulnerabilities
    assert found.package.target == Target("library/app", "os-pkgs", "")
    assert (found.package.name, found.package.version) == ("musl", "1.1.22-r2")
    # The message's: results of one id share a rule.
    assert found.severity == Severity.CRITICAL
    assert (found.fixed_version, found.title) == ("1.1.22-r3", "title of CVE-2019-14697")
    assert (found.cvss_score, found.cvss_vector) == (9.8, "CVSS:3.1/AV:N")
    assert (report.artifact.name, report.artifact.image_id) == ("alpine:3.10", "sha256:a")
    assert report.artifact.kind == "container_image"


def severity_and_score(*tags: str, number: str) -> tuple[Severity, float | None]:
    rules = [rule("CVE-1", "LanguageSpecificPackageVulnerability", *tags)]
    rules[0]["properties"]["security-severity"] = number
    [found] = read(sarif(rules, [result("CVE-1", "Package: a")])).vulnerabilities
    return found.severity, found.cvss_score


def test_severity_of_tags_or_of_the_number_and_no_score_of_a_stand_in():
    assert severity_and_score("vulnerability", "HIGH", number="8.0") == (Severity.HIGH, None)
    assert severity_and_score("vulnerability", "HIGH", number="7.8") == (Severity.HIGH, 7.8)
    assert severity_and_score("vulnerability", number="9.1") == (Severity.CRITICAL, 9.1)
    assert severity_and_score("vulnerability", number="much") == (Severity.UNKNOWN, None)
    assert severity_and_score(number="4.4") == (Severity.MEDIUM, 4.4)


def test_a_secret_of_sarif_is_not_kept():
    told = f"Artifact: app.env\nType: \nSecret Password\nSeverity: HIGH\nMatch: {MATCH}"
    written = rule("password", "Secret", "secret", "security", "HIGH")
    written["fullDescription"] = written["help"] = {"text": MATCH}
    entry = result("password", told, "app.env", 7)
    entry["locations"][0]["physicalLocation"]["region"]["snippet"] = {"text": MATCH}
    report = read(sarif([written], [entry]))
    [found] = report.secrets
    assert found.fingerprint == fingerprint(KEY, MATCH)
    assert (found.rule_id, found.title, found.severity) == (
        "password",
        "title of password",
        Severity.HIGH,
    )
    assert (found.target.name, found.start_line) == ("app.env", 7)
    assert "****" not in repr(report)


def test_a_licence_of_sarif():
    told = "Artifact: Java\nLicense EPL-1.0\nPkgName: a:b\n Classification: reciprocal\n Path: c/d"
    rules = [rule("a:b:EPL-1.0", "License", "license", "security", "MEDIUM")]
    [found] = read(sarif(rules, [result("a:b:EPL-1.0", told)])).licenses
    assert (found.package_name, found.name, found.path) == ("a:b", "EPL-1.0", "c/d")
    assert (found.category, found.severity) == ("reciprocal", Severity.MEDIUM)


def test_a_result_that_does_not_say_what_it_is_and_a_run_of_another_tool():
    document = sarif([], [result("CVE-1", "Package: a")])
    document["runs"].append({"tool": {"driver": {"name": "CodeQL"}}})
    assert read(document).problems == (
        "report/runs[0]/results[0]: its rule does not say what kind of result it is",
        "report/runs[1]: not a run of Trivy",
    )


def test_vulnerabilities_of_cyclonedx():
    report = read_report(load("trivy-cyclonedx-pom"), key=KEY)
    assert (report.format, report.scanner.name, report.scanner.version) == (
        "cyclonedx",
        "Trivy",
        "dev",
    )
    assert report.created_at == datetime(2021, 8, 25, 12, 20, 30, tzinfo=UTC)
    first, second = report.vulnerabilities
    assert (first.id, first.severity, first.severity_source) == (
        "CVE-2020-9548",
        Severity.CRITICAL,
        "ghsa",
    )
    assert (first.cvss_score, first.fixed_version) == (9.8, "2.9.10.4")
    assert first.package.name == "com.fasterxml.jackson.core:jackson-databind"
    assert first.package.target == Target("pom.xml", "lang-pkgs", "pom")
    assert first.package is report.packages[1]
    assert first.url == "https://avd.aquasec.com/nvd/cve-2020-9548"
    # Its source, glad, rates nothing: the NVD does.
    assert (second.severity, second.severity_source) == (Severity.HIGH, "nvd")
    assert second.published_at == datetime(2021, 1, 19, 17, 15, tzinfo=UTC)


def test_packages_of_cyclonedx_and_their_targets():
    report = read_report(load("trivy-cyclonedx-bom-03d8e5"), key=KEY)
    artifact = report.artifact
    assert (artifact.name, artifact.kind) == ("maven-test-project", "container_image")
    assert artifact.image_id.startswith("sha256:49193a2310db")
    assert len(artifact.diff_ids) == 2
    assert (artifact.os_family, artifact.os_name) == ("alpine", "3.16.0")
    listed = [
        (package_identity(package), package.version, package.target.name)
        for package in report.packages
    ]
    system = "maven-test-project (alpine 3.16.0)"
    go = "github.com/package-url/packageurl-go"
    assert listed == [
        ("pkg:apk/alpine/musl", "1.2.3-r0", system),
        ("pkg:maven/org.codehaus.mojo/child-project", "1.0", "Java"),
        ("pkg:maven/com.example/example", "0.0.1", "app/gradle/target/gradle.lockfile"),
        ("pkg:npm/%40example/bootstrap", "5.0.2", "Node.js"),
        ("pkg:composer/pear/log", "1.13.1", "app/composer/composer.lock"),
        ("pkg:composer/pear/pear_exception", "v1.0.0", "app/composer/composer.lock"),
        (f"pkg:golang/{go}", "v0.1.1-0.20220203205134-d70459300c8a", "app/gobinary/gobinary"),
    ]
    musl, child = report.packages[:2]
    assert (musl.licenses, musl.source_name) == (("MIT",), "musl")
    assert musl.layer_diff_id.startswith("sha256:dd565ff850e7")
    assert child.path == "app/maven/target/child-project-1.0.jar"
    assert [package.name for package in report.packages][3] == "@example/bootstrap"


def test_packages_without_references_are_of_the_one_system():
    report = read_report(load("trivy-cyclonedx-bom-missing-refs"), key=KEY)
    assert [package.target.name for package in report.packages] == [
        "test-project (alpine 3.16.0)",
        "test-project",
    ]
    assert report.packages[0].licenses == ("MIT",)


def test_a_material_without_components_and_an_old_list_of_tools():
    report = read_report(load("trivy-cyclonedx-empty-bom"), key=KEY)
    assert (report.scanner.name, report.packages, report.targets) == ("Trivy", (), ())
    assert read({"bomFormat": "CycloneDX", "specVersion": "1.6"}).problems == ()


def bom(*vulnerabilities: Json) -> Json:
    return {"bomFormat": "CycloneDX", "vulnerabilities": list(vulnerabilities)}


def test_vulnerabilities_alone_refer_to_packages_of_another_document():
    report = read(
        bom(
            {
                "id": "CVE-1",
                "references": [{"id": "GHSA-1"}, {"id": "CVE-1"}],
                "ratings": [
                    {"source": {"name": "a"}, "method": "CVSSv4", "score": 6, "severity": "low"},
                    {"source": {"name": "b"}, "method": "CVSSv2", "score": 9, "severity": "info"},
                    {"source": {"name": "FIRST"}, "method": "EPSS", "score": 0.5},
                ],
                "affects": [
                    {
                        "ref": "urn:cdx:3ff14136/1#pkg:rpm/centos/openssl-libs@1.0.2k?epoch=1",
                        "versions": [{"version": "1:1.0.2k"}],
                    },
                    {"ref": "urn:cdx:3ff14136/1#nowhere"},
                ],
            }
        )
    )
    [found] = report.vulnerabilities
    assert found.aliases == ("GHSA-1",)
    assert (found.severity, found.severity_source) == (Severity.LOW, "a")
    assert (found.cvss_score, found.epss) == (6.0, 0.5)
    assert (found.package.name, found.package.version) == ("openssl-libs", "1:1.0.2k")
    assert found.package.target == Target("", "os-pkgs", "centos")
    assert package_identity(found.package) == "pkg:rpm/centos/openssl-libs"
    assert report.problems == ("report/vulnerabilities[0]/affects[1]: ref is to no component",)


def test_what_a_material_says_does_not_count():
    analysis = {"state": "not_affected", "justification": "code_not_reachable"}
    affects = [{"ref": "pkg:npm/a@1"}]
    report = read(bom({"id": "CVE-1", "affects": affects, "analysis": analysis}))
    [found] = report.suppressed
    assert (found.status, found.statement) == ("not_affected", "code_not_reachable")
    assert report.vulnerabilities == ()


def test_ratings_of_github_and_of_no_known_source():
    affects = [{"ref": "pkg:npm/a@1"}]
    ratings = [
        {"source": {"name": "ghsa"}, "severity": "medium"},
        {"source": {"name": "nvd"}, "method": "CVSSv31", "severity": "critical"},
    ]
    others = [
        {"source": {"name": "a"}, "method": "CVSSv2", "score": 3, "severity": "low"},
        {"source": {"name": "b"}, "method": "CVSSv2", "score": 4, "severity": "high"},
        {"source": {"name": "b"}, "method": "OWASP", "score": 9, "severity": "critical"},
    ]
    github = {"id": "GHSA-1", "ratings": ratings, "affects": affects}
    found = read(bom(github, {"id": "CVE-1", "ratings": others, "affects": affects}))
    told = [
        (item.severity, item.severity_source, item.cvss_score) for item in found.vulnerabilities
    ]
    # The score is that of the severity's source.
    assert told == [(Severity.MEDIUM, "ghsa", None), (Severity.HIGH, "b", 4.0)]
