"""Policies: their versions, where they hold, who may change them, and what they would have said."""

import time
from datetime import timedelta
from typing import Any

import pytest
from django.db import ProgrammingError, connection, transaction
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from accounts.models import Project, User
from accounts.roles import Scope
from audit.models import AuditEvent
from policies import dry_runs
from policies.models import Policy, PolicyVersion, Verdict
from policies.pages import dry_run_page
from tests.policies.writing import saved, written
from tests.security.making import built, digest, report, scanned, vulnerability

pytestmark = pytest.mark.django_db

RULES = "# ours\nvulnerabilities:\n- {severity: HIGH, most: 0}\n"


@pytest.fixture
def lead(api_of: Any) -> APIClient:
    return api_of(Scope.BUILDS_READ, Scope.POLICIES_WRITE)


def body(**fields: Any) -> dict[str, Any]:
    return {"name": "Production", "environments": ["production"], "text": RULES} | fields


class TestApi:
    def test_a_policy_is_made_with_its_first_version(self, lead: APIClient):
        answer = lead.post("/api/v1/policies/", body(note="begin"), format="json")
        assert answer.status_code == 201
        assert answer.data["slug"] == "production"
        assert answer.data["environments"] == ["production"]
        (version,) = answer.data["versions"]
        assert (version["number"], version["text"], version["note"]) == (1, RULES.strip(), "begin")
        assert version["rules"] == {"vulnerabilities": [{"severity": "HIGH", "most": 0}]}

    def test_another_text_is_another_version_and_the_trail_tells(self, lead: APIClient):
        lead.post("/api/v1/policies/", body(), format="json")
        changed = body(
            name="Prod", text="size: {most_bytes: 5}", environments=["production", "staging"]
        )
        answer = lead.put("/api/v1/policies/production/", changed, format="json")
        assert [version["number"] for version in answer.data["versions"]] == [2, 1]
        assert answer.data["environments"] == ["production", "staging"]
        assert (answer.data["slug"], answer.data["name"]) == ("production", "Prod")
        same = lead.put("/api/v1/policies/production/", changed, format="json")
        assert same.data["version"] == 2
        event = AuditEvent.objects.filter(action="policy.changed").first()
        assert event.changes["rules"] == {"size": {"most_bytes": 5}}

    def test_rules_that_are_wrong_are_refused_with_every_place(self, lead: APIClient):
        text = "size: {most_bytes: -1}\nuser: {not_root: 5}"
        answer = lead.post("/api/v1/policies/", body(text=text), format="json")
        assert answer.status_code == 400
        told = [(error["attr"], error["detail"].split(":")[0]) for error in answer.data["errors"]]
        assert told == [("text", "size.most_bytes"), ("text", "user.not_root")]

    def test_an_environment_has_one_policy(self, lead: APIClient, project: Project, alice: User):
        saved(project, alice, "First", RULES, environments=["production"])
        answer = lead.post("/api/v1/policies/", body(), format="json")
        assert (answer.status_code, answer.data["errors"][0]["code"]) == (409, "environment_taken")
        assert Policy.objects.count() == 1

    @pytest.mark.parametrize("name", ["First", "first", "Built-in", "!!!"])
    def test_a_name_leads_to_one_policy(
        self, lead: APIClient, project: Project, alice: User, name: str
    ):
        saved(project, alice, "First", RULES)
        answer = lead.post("/api/v1/policies/", body(name=name), format="json")
        assert (answer.status_code, answer.data["errors"][0]["code"]) == (409, "policy_taken")

    def test_there_is_one_default(self, project: Project, alice: User):
        saved(project, alice, "First", RULES, is_default=True)
        saved(project, alice, "Second", RULES, is_default=True)
        assert list(Policy.objects.filter(is_default=True).values_list("slug", flat=True)) == [
            "second"
        ]

    def test_a_retired_one_holds_nowhere_and_is_not_changed(
        self, lead: APIClient, project: Project, alice: User
    ):
        saved(project, alice, "Production", RULES, environments=["production"], is_default=True)
        assert lead.post("/api/v1/policies/production/retire/").data["environments"] == []
        assert lead.put("/api/v1/policies/production/", body(), format="json").status_code == 409
        answer = lead.get(f"/api/v1/images/{digest(1)}/verdict/?environment=production")
        assert answer.data["policy"] == "built-in"

    def test_who_reads_does_not_write(self, api: APIClient, project: Project, alice: User):
        saved(project, alice, "First", RULES)
        assert api.get("/api/v1/policies/first/").status_code == 200
        for path in ("/api/v1/policies/", "/api/v1/policies/first/retire/"):
            assert api.post(path, body(), format="json").status_code == 403

    def test_nobody_else_sees_them(self, project: Project, alice: User, carol: User):
        saved(project, alice, "First", RULES)
        client = APIClient()
        client.force_login(carol)
        assert client.get("/api/v1/policies/first/").status_code == 404
        assert client.get("/api/v1/policies/?project=shop").status_code == 400

    def test_a_version_stays_as_it_was_written(self, project: Project, alice: User):
        saved(project, alice, "First", RULES)
        with pytest.raises(ProgrammingError), transaction.atomic():
            PolicyVersion.objects.update(text="size: {most_bytes: 1}")


class TestDryRun:
    def test_which_builds_it_would_have_failed(
        self, api: APIClient, ci: APIClient, project: Project
    ):
        builds = [built(project, number) for number in (1, 2, 3)]
        scanned(ci, report(1, vulnerability("CVE-1")))
        scanned(ci, report(2))
        answer = api.post("/api/v1/policies/dry-run/", {"text": RULES}, format="json")
        assert answer.status_code == 200
        assert answer.data["outcomes"] == {"pass": 1, "fail": 1, "unknown": 1}
        assert answer.data["rules"] == {"vulnerabilities": 1}
        told = {line["build"]: line["verdict"] for line in answer.data["builds"]}
        assert told == {
            str(builds[0].public_id): "fail",
            str(builds[1].public_id): "pass",
            str(builds[2].public_id): "unknown",
        }
        assert not Verdict.objects.exists()

    def test_a_build_is_judged_at_the_time_of_its_scan(
        self, api: APIClient, ci: APIClient, project: Project
    ):
        built(project, 1)
        scanned(ci, report(1))
        text = "scan: {max_age_days: 0.5}"
        answer = api.post("/api/v1/policies/dry-run/", {"text": text}, format="json")
        assert answer.data["outcomes"]["pass"] == 1

    def test_of_an_environment_its_builds_alone(
        self, api: APIClient, ci: APIClient, project: Project
    ):
        built(project, 1)
        built(project, 2, environment="staging")
        said = {"text": RULES, "environment": "staging", "builds": 5}
        answer = api.post("/api/v1/policies/dry-run/", said, format="json")
        assert len(answer.data["builds"]) == 1

    def test_what_there_is_no_time_for_is_told(
        self, api: APIClient, ci: APIClient, project: Project, monkeypatch: pytest.MonkeyPatch
    ):
        for number in (1, 2, 3):
            built(project, number)
        judged = dry_runs.judge

        def slow(*args: Any) -> Any:
            monkeypatch.setattr(dry_runs.time, "monotonic", lambda: now() + 60)
            return judged(*args)

        now = time.monotonic
        monkeypatch.setattr(dry_runs, "judge", slow)
        answer = api.post("/api/v1/policies/dry-run/", {"text": RULES}, format="json")
        told = answer.data
        assert (len(told["builds"]), told["asked"], told["complete"]) == (1, 3, False)

    def test_a_statement_is_ended_when_the_time_is_over(
        self, project: Project, monkeypatch: pytest.MonkeyPatch
    ):
        builds = [built(project, number) for number in (1, 2)]
        known = dry_runs.evidence_of

        def slow(subject: Any, environment: str) -> Any:
            if subject.build == builds[0]:
                with connection.cursor() as cursor:
                    cursor.execute("SELECT pg_sleep(60)")
            return known(subject, environment)

        monkeypatch.setattr(dry_runs, "evidence_of", slow)
        monkeypatch.setattr(dry_runs, "AT_MOST", timedelta(seconds=4))
        run = dry_runs.dry_run(project, written(RULES).document)
        assert [item.build for item in run.tried] == [builds[1]]
        assert (run.builds, run.is_whole) == (2, False)
        assert "the newest 1 of 2 builds only" in dry_run_page(run)["cut"]

    def test_rules_that_are_wrong_are_refused(self, api: APIClient):
        answer = api.post("/api/v1/policies/dry-run/", {"text": "[]"}, format="json")
        assert (answer.status_code, answer.data["errors"][0]["attr"]) == (400, "text")


class TestPages:
    @pytest.fixture
    def browser(self, alice: User, client_of: Any) -> Any:
        return client_of(alice)

    def test_a_policy_is_written_tried_and_changed(
        self, browser: Any, ci: APIClient, project: Project
    ):
        built(project, 1)
        scanned(ci, report(1, vulnerability("CVE-1")))
        said = {"name": "Production", "environments": "production", "text": RULES}
        tried = browser.post("/projects/shop/policies/new/", said | {"try": "1"})
        assert "Would have failed 1 of 1 builds" in tried.content.decode()
        assert not Policy.objects.exists()
        made = browser.post("/projects/shop/policies/new/", said)
        assert made.headers["Location"] == "/projects/shop/policies/production/"
        changed = said | {"text": "size: {most_bytes: 5}", "note": "<b>smaller</b>"}
        browser.post("/projects/shop/policies/production/", changed)
        page = browser.get("/projects/shop/policies/production/").content.decode()
        assert "Version 2" in page
        assert "&lt;b&gt;smaller&lt;/b&gt;" in page

    def test_wrong_rules_are_told_beside_the_field(self, browser: Any, project: Project):
        said = {"name": "P", "text": "size: {most_bytes: -1}"}
        page = browser.post("/projects/shop/policies/new/", said).content.decode()
        assert "size.most_bytes: -1 is less than the minimum of 0" in page

    def test_a_verdict_tells_why(self, browser: Any, ci: APIClient, project: Project):
        built(project, 1)
        scanned(ci, report(1, vulnerability("<script>alert(1)</script>")))
        ci.get(f"/api/v1/images/{digest(1)}/verdict/")
        for address in (
            Verdict.objects.get().get_absolute_url(),
            "/projects/shop/verdicts/?outcome=fail",
            "/projects/shop/policies/",
        ):
            page = browser.get(address).content.decode()
            assert "1 HIGH vulnerability; none may be." in page
            assert "<script>alert" not in page

    def test_a_viewer_reads_and_changes_nothing(
        self, bob: User, project: Project, alice: User, client_of: Any
    ):
        saved(project, alice, "First", RULES)
        viewer = client_of(bob)
        page = viewer.get("/projects/shop/policies/first/").content.decode()
        assert "<textarea" not in page
        assert viewer.get("/projects/shop/policies/new/").status_code == 404
        assert viewer.post("/projects/shop/policies/first/", {"text": RULES}).status_code == 404
        assert viewer.post("/projects/shop/policies/first/retire/").status_code == 404

    def test_nobody_else_sees_them(
        self, carol: User, project: Project, alice: User, client_of: Any
    ):
        saved(project, alice, "First", RULES)
        stranger = client_of(carol)
        for path in ("policies/", "policies/first/", "verdicts/"):
            assert stranger.get(f"/projects/shop/{path}").status_code == 404

    def test_lists_cost_the_same_whatever_their_length(
        self, browser: Any, ci: APIClient, project: Project, alice: User
    ):
        def queries(path: str) -> int:
            with CaptureQueriesContext(connection) as captured:
                assert browser.get(path).status_code == 200
            return len(captured)

        def add(numbers: range) -> None:
            for number in numbers:
                built(project, number)
                saved(project, alice, f"P{number}", RULES, environments=[f"e{number}"])
                ci.get(f"/api/v1/images/{digest(number)}/verdict/?environment=e{number}")

        add(range(1, 3))
        paths = ["/projects/shop/policies/", "/projects/shop/verdicts/", "/api/v1/policies/"]
        few = [queries(path) for path in paths]
        add(range(3, 13))
        assert [queries(path) for path in paths] == few
