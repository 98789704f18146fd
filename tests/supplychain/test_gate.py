"""Policies as data, and what they say of images."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buildkit.errors import ParseError
from supplychain.gate.document import BUILT_IN, problems_of, read_policy
from supplychain.gate.evidence import Base, Configuration, Evidence, Found, Scanned, Trust
from supplychain.gate.judging import judge
from supplychain.gate.rules import MOST_NAMED
from supplychain.gate.verdict import Outcome

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
DIGEST = f"sha256:{'a' * 64}"


def scanned(kind="vulnerability", days=0, **more):
    return Scanned(kind, NOW - timedelta(days=days), "0" * 64, **more)


def found(name="CVE-2021-44228", severity="CRITICAL", **more):
    return Found("vulnerability", name, severity, "pkg:maven/log4j-core", **more)


def evidence(*findings, **more):
    values = {"scans": (scanned(),), "findings": findings} | more
    return Evidence(DIGEST, **values)


def verdict(document, known):
    assert problems_of(document) == []
    return judge(document, known, NOW)


def outcomes(document, known):
    """Return the outcome, and of each reason its rule and outcome."""
    told = verdict(document, known)
    return str(told.outcome), [(reason.rule, str(reason.outcome)) for reason in told.reasons]


NONE_CRITICAL = {"vulnerabilities": [{"severity": "CRITICAL", "most": 0}]}


class TestThresholds:
    def test_what_is_over_fails_and_is_named(self):
        told = verdict(NONE_CRITICAL, evidence(found(fixed_version="2.17.1"), found("B", "HIGH")))
        assert told.outcome is Outcome.FAIL
        (reason,) = told.reasons
        assert reason.message == "1 CRITICAL vulnerability; none may be."
        assert reason.evidence == (
            "CVE-2021-44228 (CRITICAL) in pkg:maven/log4j-core, fixed in 2.17.1",
        )

    @pytest.mark.parametrize(("count", "outcome"), [(2, "pass"), (3, "fail")])
    def test_as_many_as_may_be_pass(self, count, outcome):
        policy = {"vulnerabilities": [{"severity": "HIGH", "most": 2}]}
        known = evidence(*(found(str(number), "HIGH") for number in range(count)))
        assert outcomes(policy, known)[0] == outcome

    def test_each_severity_has_its_own_number(self):
        policy = {
            "vulnerabilities": [
                {"severity": "CRITICAL", "most": 1},
                {"severity": "HIGH", "most": 0},
            ]
        }
        assert outcomes(policy, evidence(found(), found("B", "MEDIUM")))[0] == "pass"
        assert outcomes(policy, evidence(found(), found("B", "HIGH")))[0] == "fail"

    def test_fixable_only_leaves_out_what_has_no_fix(self):
        policy = {"vulnerabilities": [{"severity": "CRITICAL", "most": 0, "fixable_only": True}]}
        assert outcomes(policy, evidence(found()))[0] == "pass"
        assert outcomes(policy, evidence(found(fixed_version="1")))[0] == "fail"

    @pytest.mark.parametrize(
        ("first_seen", "outcome"),
        [
            (NOW - timedelta(days=14), "pass"),
            (NOW - timedelta(days=14, seconds=1), "fail"),
            (None, "fail"),
        ],
    )
    def test_a_grace_period_is_for_what_is_known_to_be_young(self, first_seen, outcome):
        policy = {"vulnerabilities": [{"severity": "CRITICAL", "most": 0, "older_than_days": 14}]}
        assert outcomes(policy, evidence(found(first_seen_at=first_seen)))[0] == outcome

    def test_what_is_waived_does_not_count_and_is_told(self):
        until = NOW + timedelta(days=3)
        told = verdict(NONE_CRITICAL, evidence(found(excused_by="waiver 1", excused_until=until)))
        assert told.outcome is Outcome.PASS
        (excuse,) = told.as_dict()["waivers"]
        assert (excuse["by"], excuse["until"]) == ("waiver 1", "2026-11-04T12:00:00+00:00")

    def test_an_image_that_nobody_scanned_is_unknown(self):
        assert outcomes(NONE_CRITICAL, Evidence(DIGEST)) == (
            "unknown",
            [("vulnerabilities", "unknown")],
        )

    def test_a_scan_for_something_else_is_none(self):
        known = evidence(scans=(scanned("secret"),))
        assert outcomes(NONE_CRITICAL, known)[0] == "unknown"

    def test_a_reason_counts_all_and_names_the_first(self):
        told = verdict(NONE_CRITICAL, evidence(*(found(str(n)) for n in range(50))))
        assert told.reasons[0].message == "50 CRITICAL vulnerabilities; none may be."
        assert len(told.reasons[0].evidence) == MOST_NAMED

    @pytest.mark.parametrize(
        ("threshold", "scan", "outcome"),
        [
            ({}, {"severities": ("HIGH", "CRITICAL")}, "pass"),
            ({}, {"severities": ("HIGH",)}, "unknown"),
            ({}, {"ignores_unfixed": True}, "unknown"),
            ({"fixable_only": True}, {"ignores_unfixed": True}, "pass"),
            ({}, {"doubt": "It seems to be cut."}, "unknown"),
            ({}, {"packages_left_out": ("os-pkgs",)}, "unknown"),
            ({"fixable_only": True}, {"packages_left_out": ("os-pkgs",)}, "unknown"),
        ],
    )
    def test_a_scan_passes_only_what_it_looked_for(self, threshold, scan, outcome):
        policy = {"vulnerabilities": [{"severity": "CRITICAL", "most": 0} | threshold]}
        assert outcomes(policy, evidence(scans=(scanned(**scan),)))[0] == outcome
        worse = evidence(found(fixed_version="1"), scans=(scanned(**scan),))
        assert outcomes(policy, worse)[0] == "fail"

    def test_platforms_that_nobody_scanned_are_named(self):
        known = Evidence(DIGEST, unscanned=(("vulnerability", "linux/arm64"),))
        (reason,) = verdict(NONE_CRITICAL, known).reasons
        assert reason.message == (
            "No scan of this image looked for vulnerabilities for linux/arm64."
        )

    @pytest.mark.parametrize(
        "left_out", [{"ignores_unfixed": True}, {"packages_left_out": ("os-pkgs",)}]
    )
    def test_misconfigurations_have_no_fix_and_are_of_no_package(self, left_out):
        policy = {"misconfigurations": [{"severity": "HIGH", "most": 0}]}
        known = evidence(scans=(scanned("misconfiguration", **left_out),))
        assert outcomes(policy, known)[0] == "pass"

    def test_misconfigurations_have_thresholds_of_their_own(self):
        policy = {"misconfigurations": [{"severity": "HIGH", "most": 0}]}
        check = Found("misconfiguration", "DS002", "HIGH", "Dockerfile")
        known = evidence(check, scans=(scanned("misconfiguration"),))
        assert outcomes(policy, known)[0] == "fail"


ROOT = Configuration("", is_root=True, labels={"a": "1"}, failed_checks=("setuid",))
OURS = Configuration("10001", is_root=False, labels={"a": "1", "b": "2"}, passed_checks=("setuid",))
BASE = Base("docker.io/library/node", "20", DIGEST, True, NOW - timedelta(days=40))
SIGNED = Trust(NOW, is_signed=True, has_provenance=True)
UNSIGNED = Trust(NOW, is_signed=False, has_provenance=False, reasons=("foreign-key",))
SECRET = Found("secret", "aws-access-key-id", "CRITICAL", "/app/.env")
AGPL = Found("license", "AGPL-3.0-only", "HIGH", "left-pad")

CASES = [
    ({"known_exploited": {"most": 0}}, evidence(found(is_known_exploited=True)), "fail"),
    ({"known_exploited": {"most": 1}}, evidence(found(is_known_exploited=True)), "unknown"),
    ({"known_exploited": {"most": 0}}, evidence(found()), "unknown"),
    ({"known_exploited": {"most": 0}}, evidence(), "pass"),
    (
        {"known_exploited": {"most": 0}},
        evidence(found(is_known_exploited=False), scans=(scanned(says_known_exploited=True),)),
        "pass",
    ),
    ({"secrets": {"most": 0}}, evidence(SECRET, scans=(scanned("secret"),)), "fail"),
    ({"secrets": {"most": 1}}, evidence(SECRET, scans=(scanned("secret"),)), "pass"),
    ({"secrets": {"most": 0}}, evidence(), "unknown"),
    (
        {"secrets": {"most": 0}},
        evidence(scans=(scanned("secret", severities=("HIGH",)),)),
        "unknown",
    ),
    ({"licenses": {"denied": ["agpl-*"]}}, evidence(AGPL, scans=(scanned("license"),)), "fail"),
    ({"licenses": {"denied": ["GPL-*"]}}, evidence(AGPL, scans=(scanned("license"),)), "pass"),
    ({"scan": {"max_age_days": 7}}, evidence(scans=(scanned(days=7),)), "pass"),
    ({"scan": {"max_age_days": 7}}, evidence(scans=(scanned(days=7.01),)), "fail"),
    ({"scan": {"max_age_days": 7}}, Evidence(DIGEST), "fail"),
    ({"scan": {"max_database_age_days": 1}}, evidence(), "unknown"),
    (
        {"scan": {"max_database_age_days": 1}},
        evidence(scans=(scanned(database_updated_at=NOW - timedelta(days=2)),)),
        "fail",
    ),
    ({"base_image": {"allowed": ["docker.io/library/*"]}}, evidence(bases=(BASE,)), "pass"),
    ({"base_image": {"allowed": ["docker.io/library/node:20"]}}, evidence(bases=(BASE,)), "pass"),
    ({"base_image": {"allowed": ["gcr.io/distroless/*"]}}, evidence(bases=(BASE,)), "fail"),
    ({"base_image": {"max_age_days": 30}}, evidence(bases=(BASE,)), "fail"),
    ({"base_image": {"max_age_days": 41}}, evidence(bases=(BASE,)), "pass"),
    ({"base_image": {"max_age_days": 41}}, evidence(bases=(Base("a"),)), "unknown"),
    ({"base_image": {"pinned": True}}, evidence(bases=(BASE,)), "pass"),
    ({"base_image": {"pinned": True}}, evidence(bases=(Base("a", is_pinned=False),)), "fail"),
    ({"base_image": {"pinned": True}}, evidence(bases=(Base("a"),)), "unknown"),
    ({"base_image": {"pinned": True}}, evidence(bases=()), "pass"),
    ({"base_image": {"pinned": True}}, evidence(), "unknown"),
    ({"user": {"not_root": True}}, evidence(configuration=ROOT), "fail"),
    ({"user": {"not_root": True}}, evidence(configuration=OURS), "pass"),
    ({"user": {"not_root": True}}, evidence(), "unknown"),
    ({"labels": {"required": ["a", "b"]}}, evidence(configuration=ROOT), "fail"),
    ({"labels": {"required": ["a", "b"]}}, evidence(configuration=OURS), "pass"),
    ({"labels": {"required": ["a"]}}, evidence(), "unknown"),
    ({"checks": {"required": ["setuid"]}}, evidence(configuration=ROOT), "fail"),
    ({"checks": {"required": ["setuid"]}}, evidence(configuration=OURS), "pass"),
    ({"checks": {"required": ["shell"]}}, evidence(configuration=OURS), "unknown"),
    ({"checks": {"required": ["shell"]}}, evidence(), "unknown"),
    ({"size": {"most_bytes": 100}}, evidence(size_bytes=100), "pass"),
    ({"size": {"most_bytes": 100}}, evidence(size_bytes=101), "fail"),
    ({"size": {"most_bytes": 100}}, evidence(), "unknown"),
    ({"signature": {"required": True}}, evidence(trust=SIGNED), "pass"),
    ({"signature": {"required": True}}, evidence(trust=UNSIGNED), "fail"),
    ({"signature": {"required": True}}, evidence(), "unknown"),
    ({"provenance": {"required": True}}, evidence(trust=SIGNED), "pass"),
    ({"provenance": {"required": True}}, evidence(trust=UNSIGNED), "fail"),
    ({"provenance": {"required": True}}, evidence(), "unknown"),
]


@pytest.mark.parametrize(("document", "known", "outcome"), CASES)
def test_rules(document, known, outcome):
    rule = next(iter(document))
    told = [] if outcome == "pass" else [(rule, outcome)]
    assert outcomes(document, known) == (outcome, told)


def test_a_failure_outweighs_what_is_not_known():
    policy = NONE_CRITICAL | {"size": {"most_bytes": 1}}
    assert outcomes(policy, evidence(found())) == (
        "fail",
        [("vulnerabilities", "fail"), ("size", "unknown")],
    )


def test_rules_that_are_kept_are_told():
    policy = NONE_CRITICAL | {"size": {"most_bytes": 1}}
    assert verdict(policy, evidence()).passed == ("vulnerabilities",)


def test_evidence_is_plain_values():
    known = evidence(found(first_seen_at=NOW), bases=(BASE,))
    plain = known.as_dict()
    assert plain["findings"][0]["first_seen_at"] == "2026-11-01T12:00:00+00:00"
    assert plain["bases"][0]["repository"] == "docker.io/library/node"


class TestDocuments:
    def test_the_built_in_policy_is_valid(self):
        assert problems_of(BUILT_IN) == []

    def test_yaml_and_json_say_the_same(self):
        yaml = "vulnerabilities:\n- severity: CRITICAL\n  most: 0\n"
        json = '{"vulnerabilities": [{"severity": "CRITICAL", "most": 0}]}'
        assert read_policy(yaml) == read_policy(json) == NONE_CRITICAL

    @pytest.mark.parametrize(
        ("document", "place"),
        [
            ({}, "policy"),
            ({"description": "nothing"}, "policy"),
            ({"vulnerabilites": []}, "policy"),
            ({"vulnerabilities": []}, "vulnerabilities"),
            ({"vulnerabilities": [{"severity": "BAD", "most": 0}]}, "vulnerabilities[0].severity"),
            ({"vulnerabilities": [{"severity": "HIGH"}]}, "vulnerabilities[0]"),
            (
                {"misconfigurations": [{"severity": "HIGH", "most": 0, "fixable_only": True}]},
                "misconfigurations[0]",
            ),
            ({"vulnerabilities": [{"severity": "HIGH", "most": -1}]}, "vulnerabilities[0].most"),
            (
                {"vulnerabilities": [{"severity": "HIGH", "most": n} for n in (1, 2)]},
                "vulnerabilities[1]",
            ),
            ({"user": {"not_root": False}}, "user.not_root"),
            ({"base_image": {}}, "base_image"),
            ({"labels": {"required": []}}, "labels.required"),
            ([], "policy"),
        ],
    )
    def test_what_is_wrong_is_said_with_its_place(self, document, place):
        assert [problem.path for problem in problems_of(document)] == [place]

    def test_an_unknown_rule_is_answered_with_those_there_are(self):
        (problem,) = problems_of({"vulnerabilites": []})
        assert "vulnerabilites is not known here" in problem.message
        assert "known_exploited" in problem.message

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "[]",
            "{",
            "a: [",
            "a: &x [1]\nb: *x",
            "size: {most_bytes: .nan}",
            '{"size": {"most_bytes": NaN}}',
            "!!python/object/apply:os.system ['true']",
            "x" * 100_001,
            "[" * 50_000,
        ],
    )
    def test_what_is_no_policy_is_refused_in_a_sentence(self, text):
        with pytest.raises(ParseError):
            read_policy(text)

    @given(
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(),
            lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        )
    )
    def test_whatever_comes_is_valid_or_has_a_problem(self, document):
        if not problems_of(document):
            judge(document, Evidence(DIGEST), NOW)
