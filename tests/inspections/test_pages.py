"""Pages of checks: whoever may see them, whatever is in a document, however many there are."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from accounts.models import Project, User
from builds.models import BuildSource, Service, SourceText
from inspections.models import Inspection
from tests.inspections.making import check, linted, looked, taken, warned
from tests.security.making import built, digest

pytestmark = pytest.mark.django_db

HOSTILE = "<script>alert(1)</script>"
CHECKS, RULES = "/projects/shop/image-checks/", "/projects/shop/dockerfile-checks/"


def shown(browser: Any, address: str) -> str:
    page = browser.get(address)
    assert page.status_code == 200
    return page.content.decode()


def test_empty_pages_say_what_to_do(project: Project, bob: User, client_of: Any):
    browser = client_of(bob)
    assert "buildinsights inspect IMAGE" in shown(browser, CHECKS)
    assert "buildinsights lint" in shown(browser, RULES)


def test_what_is_in_a_document_is_shown_inert(
    ci: APIClient, project: Project, bob: User, client_of: Any
):
    built(project, 1)
    place = {"place": HOSTILE, "detail": HOSTILE, "instruction": HOSTILE, "layer": HOSTILE[:20]}
    words = {"title": HOSTILE, "message": HOSTILE, "remediation": HOSTILE}
    config = {"user": HOSTILE, "uid": HOSTILE, "cmd": [HOSTILE], "entrypoint": 1, "bases": [1]}
    document = looked(1, check("user", evidence=[place], **words), image=HOSTILE, config=config)
    made = taken(ci, document | {"platform": HOSTILE, "problem": HOSTILE, "is_complete": False})
    bad = warned("Rule", description=HOSTILE, detail=HOSTILE, file=HOSTILE, url="javascript:1")
    assert ci.post("/api/v1/lint-rules/", linted(bad), format="json").status_code == 201
    browser = client_of(bob)
    for address in (CHECKS, made.get_absolute_url(), RULES):
        text = shown(browser, address)
        assert HOSTILE not in text
        assert "javascript:" not in text


def test_an_image_of_production_stands_for_its_service(
    ci: APIClient, project: Project, bob: User, client_of: Any
):
    built(project, 1, variant="prod")
    built(project, 2, variant="dev")
    built(project, 3, variant="prod", ref_name="feature/x")
    prod = taken(ci, looked(1, check("user"), is_production=True))
    taken(ci, looked(2, check("setuid")))
    taken(ci, looked(3, check("tag"), is_production=True))
    page = client_of(bob).get(CHECKS)
    assert page.context["columns"] == [prod]
    assert [row["name"] for row in page.context["rows"]] == ["user"]
    assert [item["result"].check_id for item in page.context["failures"]] == ["user"]
    dev = client_of(bob).get(f"{CHECKS}?variant=dev")
    assert [row["name"] for row in dev.context["rows"]] == ["setuid"]


def test_the_worst_services_are_shown_and_the_others_counted(
    ci: APIClient, project: Project, bob: User, client_of: Any
):
    for number in range(10):
        severity = "HIGH" if number == 9 else "LOW"
        taken(ci, looked(None, check("user", severity=severity), service=f"service-{number}"))
    page = client_of(bob).get(CHECKS)
    assert [item.service.name for item in page.context["columns"]][:2] == ["service-9", "service-0"]
    assert (len(page.context["columns"]), page.context["left_off"]) == (8, 2)
    counts = {item["label"]: (item["count"], item["services"]) for item in page.context["counts"]}
    assert counts == {"High": (1, 1), "Medium": (0, 0), "Low": (9, 9)}


def test_a_failure_tells_where_since_when_and_what_mends_it(
    ci: APIClient, project: Project, bob: User, client_of: Any
):
    first, second = built(project, 1), built(project, 2, target="")
    text = SourceText.objects.create(project=project, sha256="x", text='FROM a:1\nCMD ["/a"]\n')
    BuildSource.objects.create(
        build=second, source_text=text, filename="Dockerfile", language="Dockerfile"
    )
    taken(ci, looked(1, check("user"), check("base-pinned", "pass")))
    bases = [{"uri": "pkg:docker/a@1?platform=linux%2Famd64", "digest": digest(5)}]
    document = looked(2, check("user"), check("base-pinned"), config={"bases": bases})
    page = client_of(bob).get(taken(ci, document).get_absolute_url())
    user, base = page.context["failures"]
    assert [line["text"] for line in base["diff"] if line["kind"] == "added"] == [
        f"FROM a:1@{digest(5)}"
    ]
    assert [line["text"] for line in user["diff"] if line["kind"] == "added"] == [
        "USER 10001:10001"
    ]
    content = page.content.decode()
    assert "/usr/bin/su" in content
    # The build of another target is of another lineage.
    assert (user["since"].build, first.inspections.count()) == (second, 1)


def test_a_build_leads_to_the_checks_of_its_image(
    ci: APIClient, project: Project, bob: User, client_of: Any
):
    build = built(project, 1)
    made = taken(ci, looked(1, check("user")))
    layers = shown(client_of(bob), f"{build.get_absolute_url()}?tab=layers")
    assert made.get_absolute_url() in layers


def test_pages_cost_the_same_whatever_their_length(
    ci: APIClient, project: Project, bob: User, client_of: Any
):
    browser = client_of(bob)

    def queries(address: str) -> int:
        with CaptureQueriesContext(connection) as captured:
            shown(browser, address)
        return len(captured)

    def send(first: int, last: int) -> None:
        for number in range(first, last):
            service = Service.objects.create(project=project, name=f"s{number}", slug=f"s{number}")
            build = built(project, number)
            build.service = service
            build.save()
            taken(ci, looked(number, check("user"), check("setuid"), image=f"i{number}"))
            ci.post(
                "/api/v1/lint-rules/",
                linted(warned("A"), warned("B"), service=service.slug),
                format="json",
            )

    send(1, 3)
    inspection = Inspection.objects.latest("pk").get_absolute_url()
    few = [queries(address) for address in (CHECKS, RULES, inspection)]
    send(3, 23)
    assert [queries(address) for address in (CHECKS, RULES, inspection)] == few


def test_trends_count_a_commit_once(ci: APIClient, project: Project, bob: User, client_of: Any):
    for hour, revision, count in ((1, "a", 1), (2, "b", 3), (3, "b", 3), (4, "c", 2)):
        warnings = [warned("A", line) for line in range(count)]
        document = linted(*warnings, revision=revision, checked_at=f"2026-11-01T0{hour}:00:00Z")
        document |= {"change_id": ""} if hour != 3 else {"ref_name": "master"}
        assert ci.post("/api/v1/lint-rules/", document, format="json").status_code == 201
    [row] = client_of(bob).get(RULES).context["rows"]
    assert row["trend"]["summary"] == "3 looks, 1 places at first and 2 in the newest"
    assert (row["state"], row["rule"].count) == ("Broken", 2)


def test_nobody_else_sees_them(ci: APIClient, project: Project, carol: User, client_of: Any):
    made = taken(ci, looked(1, check("user")))
    browser = client_of(carol)
    for address in (CHECKS, RULES, made.get_absolute_url()):
        assert browser.get(address).status_code == 404
