"""Kinds of rules that look at queues, findings, verdicts and changes with one cause."""

from typing import Any

from accounts.models import Project
from alerts.conditions import Observation
from alerts.evaluating import evaluate_due
from alerts.models import Alert
from bases.models import BaseImage, BaseRepository, BaseUse
from builds.models import Build, Service
from farm.models import Builder, BuildRequest, Source
from policies.models import Policy, PolicyVersion, Verdict
from security.models import Finding
from tests.alerts.making import DAY, HOUR, NOON, build_of, change_of, rule_of, service_of
from tests.alerts.test_conditions import observed


def waits(service: Service, *, asked: Any, claimed: Any = None, builder: Builder) -> None:
    source, _ = Source.objects.get_or_create(
        service=service, defaults={"repository_url": "https://git.example.com/x.git"}
    )
    request = BuildRequest.objects.create(
        build=build_of(service, asked, status=Build.Status.QUEUED),
        source=source,
        project_id=service.project_id,
        requested_by="alice",
        same_as="",
        builder=builder,
        claimed_at=claimed,
    )
    BuildRequest.objects.filter(pk=request.pk).update(requested_at=asked)


def test_the_queue_counts_those_that_still_wait(project: Project):
    service, builder = service_of(project), Builder.objects.create(name="one")
    minute = HOUR / 60
    waits(service, asked=NOON - 50 * minute, claimed=NOON - 48 * minute, builder=builder)
    waits(service, asked=NOON - 40 * minute, claimed=NOON - 34 * minute, builder=builder)
    waits(service, asked=NOON - 20 * minute, builder=builder)
    waits(service, asked=NOON - 3 * HOUR, claimed=NOON, builder=builder)

    [median] = observed(project, "queue", {"limit_seconds": 360})
    [longest] = observed(project, "queue", {"limit_seconds": 1199, "share": 1})
    [earlier] = observed(project, "queue", {"limit_seconds": 1, "share": 1}, at=NOON - 45 * minute)

    assert (median.value, median.samples, median.is_bad) == (360.0, 3, False)
    assert (longest.value, longest.is_bad) == (1200.0, True)
    assert "1 wait now" in longest.summary
    assert earlier.value == 120.0  # its two minutes


def finding_of(service: Service, name: str, **values: Any) -> Finding:
    defaults = {
        "kind": "vulnerability",
        "package": "pkg:deb/debian/openssl",
        "severity": 5,
        "first_seen_at": NOON - DAY,
        "fixed_version": "3.0.9",
    }
    return Finding.objects.create(
        project_id=service.project_id,
        service=service,
        name=name,
        key=f"{service.pk}{name}".encode(),
        **defaults | values,
    )


def names(found: list[Observation]) -> list[str]:
    return [item.fingerprint for item in found]


def test_vulnerabilities_at_or_above_a_severity_or_known_to_be_exploited(project: Project):
    api = service_of(project)
    finding_of(api, "CVE-critical")
    finding_of(api, "CVE-high", severity=4)
    finding_of(api, "CVE-exploited", severity=3, is_known_exploited=True)
    finding_of(api, "CVE-old", first_seen_at=NOON - 40 * DAY)
    finding_of(api, "CVE-back", first_seen_at=NOON - 90 * DAY, reopened_at=NOON - DAY)
    finding_of(api, "CVE-waived", state="waived")
    finding_of(api, "CVE-fixed", state="fixed", fixed_at=NOON - HOUR)
    finding_of(api, "CVE-later", first_seen_at=NOON + HOUR)

    assert sorted(names(observed(project, "vulnerability"))) == [
        "CVE-back",
        "CVE-critical",
        "CVE-exploited",
    ]
    plain = {"severity": "high", "with_known_exploited": False}
    assert sorted(names(observed(project, "vulnerability", plain))) == [
        "CVE-back",
        "CVE-critical",
        "CVE-high",
    ]
    before = observed(project, "vulnerability", at=NOON - 2 * HOUR)
    assert "CVE-fixed" in names(before)


def test_one_vulnerability_in_twelve_services_is_one_alert(project: Project):
    rule_of(project, "vulnerability")
    for number in range(12):
        finding_of(service_of(project, f"s{number}"), "CVE-2026-1")

    evaluate_due(NOON)

    alert = Alert.objects.get()
    assert alert.title == "CVE-2026-1 in several services: 12 services"
    assert alert.members.count() == 12
    assert alert.context["fixes"][0]["title"] == "Update to 3.0.9"


def test_what_a_base_brought_on_one_day_is_one_alert(project: Project):
    rule_of(project, "vulnerability")
    for name in ("CVE-1", "CVE-2", "CVE-3"):
        values = {"is_from_base": True, "base": "docker.io/library/node:22"}
        finding_of(service_of(project), name, **values)
    finding_of(service_of(project), "CVE-own", is_from_base=False)

    evaluate_due(NOON)

    counts = sorted(alert.members.count() for alert in Alert.objects.all())
    assert counts == [1, 3]


def test_a_vulnerability_of_a_base_is_one_alert_on_whatever_day_it_is_found(project: Project):
    rule_of(project, "vulnerability")
    base = {"is_from_base": True, "base": "docker.io/library/node:22"}
    for number in range(3):
        service = service_of(project, f"s{number}")
        finding_of(service, "CVE-1", first_seen_at=NOON - (3 - number) * DAY, **base)
    finding_of(service_of(project), "CVE-2", first_seen_at=NOON - DAY, **base)

    evaluate_due(NOON)

    counts = sorted(alert.members.count() for alert in Alert.objects.all())
    assert counts == [1, 3]


def verdict_of(build: Build, outcome: str, at: Any, version: PolicyVersion) -> None:
    reason = {"rule": "size", "outcome": outcome, "message": "Too large.", "evidence": []}
    Verdict.objects.create(
        project_id=build.project_id,
        digest="sha256:1",
        build=build,
        environment="production",
        version=version,
        outcome=outcome,
        said={"reasons": [reason], "waivers": [], "passed": []},
        evidence={},
        sha256=f"{at}",
        asked_by="ci",
        at=at,
        confirmed_at=at,
    )


def test_the_newest_verdict_of_a_policy_counts(project: Project):
    policy = Policy.objects.create(project=project, slug="base", name="Baseline")
    version = PolicyVersion.objects.create(
        policy=policy, number=2, document={}, text="", author_name="alice"
    )
    api, web = (build_of(service_of(project, name), NOON - 3 * HOUR) for name in ("api", "web"))
    verdict_of(api, "fail", NOON - 2 * HOUR, version)
    verdict_of(web, "fail", NOON - 2 * HOUR, version)
    verdict_of(api, "pass", NOON - HOUR, version)

    now = {item.title: item.is_bad for item in observed(project, "policy")}
    before = observed(project, "policy", at=NOON - 1.5 * HOUR)

    assert now == {
        "api violates Baseline for production": False,
        "web violates Baseline for production": True,
    }
    assert [item.is_bad for item in before] == [True, True]
    assert {item.cause for item in before} == {"policy:base:2:size"}
    assert observed(project, "policy", {"policies": ["other"]}) == []


def stands_on(build: Build, digest: str) -> None:
    repository, _ = BaseRepository.objects.get_or_create(
        project_id=build.project_id, host="docker.io", name="library/node"
    )
    image, _ = BaseImage.objects.get_or_create(
        project_id=build.project_id,
        repository=repository,
        tag="22",
        digest=digest,
        defaults={"first_seen_at": NOON, "last_seen_at": NOON},
    )
    BaseUse.objects.create(
        image=image,
        build=build,
        service=build.service,
        branch_class="default",
        at=build.listed_at,
        role="final",
        is_pinned=False,
    )


def test_a_base_that_hits_twelve_services_is_one_alert_with_twelve_members(project: Project):
    rule_of(project)
    words = {"cause": "base", "words": "Another digest.", "weight": 1.0, "revision": ""}
    for number in range(12):
        service = service_of(project, f"s{number}")
        change = change_of(service, NOON - HOUR, revision=f"{number}", causes=[words])
        assert change.last_before is not None
        stands_on(change.last_before, "sha256:old")
        stands_on(change.build, "sha256:new")
    other = change_of(service_of(project, "other"), NOON - HOUR, revision="c0ffee")
    stands_on(other.build, "sha256:new")

    evaluate_due(NOON)

    base, single = Alert.objects.order_by("cause")
    assert base.cause == "base:docker.io/library/node:22@sha256:new"
    assert base.title.startswith("Base image docker.io/library/node:22 is another one")
    assert base.title.endswith(": 12 services")
    assert base.members.count() == 12
    assert single.cause == "commit:https://git.example.com/shop.git@c0ffee"


def test_one_commit_over_several_services_and_metrics_is_one_alert(project: Project):
    rule_of(project)
    change_of(service_of(project), NOON - HOUR)
    change_of(service_of(project, "web"), NOON - HOUR)
    change_of(service_of(project, "web"), NOON - HOUR, metric="image_bytes")

    evaluate_due(NOON)

    alert = Alert.objects.get()
    assert alert.title == "Commit c0ffee made builds worse: 2 services"
    assert alert.members.count() == 3
