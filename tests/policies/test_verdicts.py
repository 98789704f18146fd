"""Verdicts on images: of which evidence, kept how, asked by whom."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import ProgrammingError, transaction
from rest_framework.test import APIClient

from accounts.models import Project, User
from builds.models import Build, BuildImage, Image
from policies.models import Verdict
from tests.policies.writing import saved
from tests.security.making import built, digest, report, scanned, send, vulnerability
from tests.security.test_statements import OPENSSL, image, openvex, stated, told

pytestmark = pytest.mark.django_db


def ask(client: APIClient, number: int = 1, **query: str) -> Any:
    return client.get(f"/api/v1/images/{digest(number)}/verdict/", query)


def rules(answer: Any) -> list[tuple[str, str]]:
    return [(reason["rule"], reason["outcome"]) for reason in answer.data["reasons"]]


def test_what_is_built_in_refuses_high_and_critical(ci: APIClient, project: Project):
    built(project, 1)
    scanned(ci, report(1, vulnerability("CVE-1")))
    answer = ask(ci)
    assert answer.status_code == 200
    assert (answer.data["verdict"], answer.data["policy"]) == ("fail", "built-in")
    (reason,) = answer.data["reasons"]
    assert reason["rule"] == "vulnerabilities"
    assert reason["message"] == "1 HIGH vulnerability; none may be."
    assert reason["evidence"] == ["CVE-1 (HIGH) in pkg:deb/debian/openssl"]


def test_a_clean_image_passes(ci: APIClient, project: Project):
    built(project, 1)
    scanned(ci, report(1, vulnerability("CVE-1", Severity="LOW")))
    answer = ask(ci)
    assert (answer.data["verdict"], answer.data["passed"]) == ("pass", ["vulnerabilities"])


def test_an_image_that_nobody_scanned_is_unknown_and_its_verdict_is_kept(
    ci: APIClient, project: Project
):
    built(project, 1)
    answer = ask(ci)
    assert answer.data["verdict"] == "unknown"
    assert rules(answer) == [("vulnerabilities", "unknown")]
    assert answer.data["url"].endswith(Verdict.objects.get().get_absolute_url())


def test_of_what_nobody_knows_nothing_is_kept(ci: APIClient):
    answer = ask(ci)
    assert (answer.data["verdict"], answer.data["url"]) == ("unknown", "")
    assert rules(answer) == [("known", "unknown")]
    assert not Verdict.objects.exists()


def test_an_image_of_another_project_is_not_known(ci: APIClient, project: Project, carol: User):
    built(Project.objects.get(name="Elsewhere"), 1)
    assert rules(ask(ci)) == [("known", "unknown")]


def test_an_older_image_is_judged_by_its_own_scan(ci: APIClient, project: Project):
    """What runs may be older than the newest: its scan changes no finding, and counts here."""
    built(project, 1)
    built(project, 2)
    scanned(ci, report(2))
    late = scanned(ci, report(1, vulnerability("CVE-1")))
    assert late.is_late
    assert ask(ci, 2).data["verdict"] == "pass"
    assert ask(ci, 1).data["verdict"] == "fail"


def test_the_newest_scan_of_an_image_counts(ci: APIClient, project: Project):
    built(project, 1)
    scanned(ci, report(1, vulnerability("CVE-1"), CreatedAt="2026-11-02T00:00:00Z"))
    assert ask(ci).data["verdict"] == "fail"
    scanned(ci, report(1, CreatedAt="2026-11-03T00:00:00Z"))
    assert ask(ci).data["verdict"] == "pass"


def test_a_scan_that_left_severities_out_passes_only_what_it_looked_for(
    ci: APIClient, project: Project
):
    built(project, 1)
    scanned(ci, report(1), severities="CRITICAL")
    answer = ask(ci)
    assert rules(answer) == [("vulnerabilities", "unknown")]
    assert answer.data["reasons"][0]["message"] == "The scan did not look for HIGH."


@pytest.mark.parametrize(
    ("updated_at", "outcome"), [("2026-10-31", "pass"), ("2026-10-01", "fail")]
)
def test_the_age_of_the_scanners_database_is_what_its_sender_says(
    ci: APIClient, project: Project, alice: User, updated_at: str, outcome: str
):
    saved(project, alice, "Fresh", "scan: {max_database_age_days: 3}", is_default=True)
    built(project, 1)
    assert ask(ci).data["verdict"] == "fail"  # never scanned
    scanned(ci, report(1), database_updated_at=f"{updated_at}T06:00:00Z", database_version="2")
    assert ask(ci).data["verdict"] == outcome


def test_a_time_that_is_none_is_refused_with_its_place(ci: APIClient, project: Project):
    answer = send(ci, report(1), service="api", database_updated_at="yesterday")
    assert (answer.status_code, answer.data["errors"][0]["attr"]) == (400, "database_updated_at")


def test_an_index_is_all_its_platforms(ci: APIClient, project: Project):
    build = built(project, 1)
    index = f"sha256:{77:064x}"
    Build.objects.filter(pk=build.pk).update(image_digest=index)
    media_type = "application/vnd.oci.image.index.v1+json"
    other = f"sha256:{88:064x}"
    for text, platform, kind in ((index, "", media_type), (other, "linux/arm64", "")):
        image = Image.objects.create(
            project=project, digest=text, platform=platform, media_type=kind
        )
        BuildImage.objects.create(build=build, image=image)
    scanned(ci, report(1))
    answer = ci.get(f"/api/v1/images/{index}/verdict/")
    assert answer.data["reasons"][0]["message"] == (
        "No scan of this image looked for vulnerabilities for linux/arm64."
    )
    config = {"architecture": "arm64", "os": "linux"}
    metadata = {"RepoDigests": [f"shop/api@{index}"], "ImageConfig": config}
    scanned(ci, report(1, vulnerability("CVE-9"), Metadata=metadata))
    assert ci.get(f"/api/v1/images/{index}/verdict/").data["verdict"] == "fail"
    assert ask(ci, 1).data["verdict"] == "pass"  # one platform alone is what its digest says


class TestKept:
    def test_the_same_answer_of_the_same_evidence_is_kept_once(
        self, ci: APIClient, project: Project, time_machine: Any
    ):
        time_machine.move_to("2026-11-05T00:00:00Z", tick=False)
        built(project, 1)
        scanned(ci, report(1, vulnerability("CVE-1")))
        first = ask(ci).data
        time_machine.shift(timedelta(hours=1))
        again = ask(ci).data
        assert (again["id"], again["at"]) == (first["id"], first["at"])
        assert again["confirmed_at"] == "2026-11-05T01:00:00Z"

    def test_a_clock_that_is_put_back_takes_nothing_away(
        self, ci: APIClient, project: Project, time_machine: Any
    ):
        time_machine.move_to("2026-11-05T00:00:00Z", tick=False)
        built(project, 1)
        first = ask(ci).data
        time_machine.move_to("2026-11-04T00:00:00Z", tick=False)
        assert ask(ci).data["confirmed_at"] == first["confirmed_at"]

    def test_another_answer_is_another_verdict_and_the_old_one_stays(
        self, ci: APIClient, project: Project
    ):
        built(project, 1)
        scanned(ci, report(1, CreatedAt="2026-11-02T00:00:00Z"))
        ask(ci)
        scanned(ci, report(1, vulnerability("CVE-1"), CreatedAt="2026-11-03T00:00:00Z"))
        ask(ci)
        kept = Verdict.objects.order_by("at").values_list("outcome", flat=True)
        assert list(kept) == ["pass", "fail"]

    def test_its_evidence_names_the_report(self, ci: APIClient, project: Project):
        built(project, 1)
        scan = scanned(ci, report(1, vulnerability("CVE-1")))
        ask(ci)
        evidence = Verdict.objects.get().evidence
        assert evidence["scans"][0]["report_sha256"] == scan.payload_link.payload.parts[0]["sha256"]
        assert evidence["findings"][0]["name"] == "CVE-1"

    def test_nobody_changes_what_was_said(self, ci: APIClient, project: Project):
        built(project, 1)
        ask(ci)
        with pytest.raises(ProgrammingError), transaction.atomic():
            Verdict.objects.update(outcome="pass")


class TestWhichPolicyHolds:
    def test_the_environments_then_the_default(self, ci: APIClient, project: Project, alice: User):
        built(project, 1)
        saved(project, alice, "Strict", "size: {most_bytes: 1}", environments=["production"])
        saved(project, alice, "Easy", "size: {most_bytes: 2}", is_default=True)
        assert ask(ci, environment="production").data["policy"] == "strict@1"
        assert ask(ci, environment="staging").data["policy"] == "easy@1"
        assert ask(ci).data["policy"] == "easy@1"
        assert ask(ci, policy="built-in").data["policy"] == "built-in"
        assert ask(ci, policy="strict").data["policy"] == "strict@1"

    def test_one_that_is_not_there_is_refused(self, ci: APIClient, project: Project):
        answer = ask(ci, policy="none")
        assert (answer.status_code, answer.data["errors"][0]["attr"]) == (400, "policy")


@pytest.mark.parametrize("text", ["sha256:12", "latest", f"sha256:{'g' * 64}"])
def test_what_is_no_digest_is_refused(ci: APIClient, text: str):
    answer = ci.get(f"/api/v1/images/{text}/verdict/")
    assert (answer.status_code, answer.data["errors"][0]["attr"]) == (400, "digest")


def test_a_long_environment_is_refused(ci: APIClient):
    assert ask(ci, environment="x" * 61).status_code == 400


def test_what_a_newer_scan_found_is_not_hidden_by_an_older_one_that_looked_for_more(
    ci: APIClient, project: Project
):
    built(project, 1)
    low = [vulnerability(f"CVE-{number}", Severity="LOW") for number in range(3)]
    scanned(ci, report(1, *low, CreatedAt="2026-11-02T00:00:00Z"))
    assert ask(ci).data["verdict"] == "pass"
    worse = vulnerability("CVE-9", Severity="CRITICAL")
    body = report(1, worse, CreatedAt="2026-11-03T00:00:00Z")
    assert scanned(ci, body, severities="HIGH,CRITICAL").narrowed_by
    assert ask(ci).data["verdict"] == "fail"


def test_a_statement_about_one_image_excuses_no_other(ci: APIClient, project: Project):
    """The newest image is not affected, the older one that runs may be."""
    for number in (1, 2):
        built(project, number)
        scanned(ci, report(number, vulnerability("CVE-1")))
    told(ci, openvex(stated("CVE-1", "not_affected", image(2, OPENSSL))))
    assert ask(ci, 2).data["waivers"][0]["by"] == "VEX: not affected"
    assert (ask(ci, 2).data["verdict"], ask(ci, 1).data["verdict"]) == ("pass", "fail")


def test_a_statement_about_a_version_excuses_no_other(ci: APIClient, project: Project):
    built(project, 1)
    scanned(ci, report(1, vulnerability("CVE-1", InstalledVersion="0.9")))
    built(project, 2)
    scanned(ci, report(2, vulnerability("CVE-1")))
    told(ci, openvex(stated("CVE-1", "not_affected", OPENSSL)))
    assert (ask(ci, 2).data["verdict"], ask(ci, 1).data["verdict"]) == ("pass", "fail")
