"""Looks at images go in by HTTP; since when a check fails, and what came and went, comes out."""

from datetime import UTC, datetime
from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import Project
from inspections.models import CheckResult, Inspection
from inspections.tasks import match_inspections
from tests.inspections.making import URL, check, looked, sent, taken
from tests.security.making import built, digest

pytestmark = pytest.mark.django_db


def since(inspection: Inspection) -> dict[str, int | None]:
    return dict(inspection.results.values_list("check_id", "since"))


def test_a_check_fails_since_the_first_image_in_a_row_for_which_it_did(
    ci: APIClient, project: Project
):
    builds = [built(project, number) for number in range(1, 5)]
    one = taken(ci, looked(1, check("user"), check("setuid", "pass")))
    two = taken(ci, looked(2, check("user"), check("setuid")))
    three = taken(ci, looked(3, check("user", "pass"), check("setuid", "unknown")))
    four = taken(ci, looked(4, check("user"), check("setuid")))
    assert [item.build for item in (one, two, three, four)] == builds
    assert [(item.came, item.went) for item in (one, two, three, four)] == [
        ([], []),
        (["setuid"], []),
        ([], ["user"]),
        (["user"], []),
    ]
    assert since(one) == {"user": one.pk, "setuid": None}
    assert since(two) == {"user": one.pk, "setuid": two.pk}
    assert since(three) == {"user": None, "setuid": two.pk}
    assert since(four) == {"user": four.pk, "setuid": two.pk}
    detail = ci.get(f"{URL}{two.public_id}/").json()
    assert [(item["id"], item["since_build"]) for item in detail["checks"]] == [
        ("user", str(builds[0].public_id)),
        ("setuid", str(builds[1].public_id)),
    ]
    assert detail["checks"][1]["evidence"][0]["place"] == "/usr/bin/su"
    assert detail["config"]["uid"] == 1000


def test_an_older_image_than_the_newest_changes_nothing(ci: APIClient, project: Project):
    built(project, 1), built(project, 2)
    taken(ci, looked(2, check("user", "pass")))
    old = taken(ci, looked(1, check("user")))
    assert (old.is_late, old.came, since(old)) == (True, [], {"user": None})


def test_a_look_that_waited_changes_nothing_that_a_later_one_has_told(
    ci: APIClient, project: Project
):
    built(project, 1)
    later = taken(ci, looked(1, check("user", "pass"), inspected_at="2026-11-20T12:00:00Z"))
    waited = taken(ci, looked(1, check("user"), inspected_at="2026-11-20T11:00:00Z"))
    assert (waited.is_late, waited.came, since(waited)) == (True, [], {"user": None})
    moment = taken(ci, looked(1, check("user", "unknown"), inspected_at="2026-11-20T11:59:30Z"))
    assert (moment.is_late, moment.inspected_at) == (False, later.inspected_at)


def test_lines_of_images_do_not_mix(ci: APIClient, project: Project):
    built(project, 1)
    built(project, 2, ref_name="feature/x")
    taken(ci, looked(1, check("user")))
    branch = taken(ci, looked(2, check("user")))
    assert (branch.lineage.branch_class, branch.came) == ("other", [])
    assert since(branch) == {"user": branch.pk}


def test_the_same_again_only_moves_its_time(ci: APIClient, project: Project):
    built(project, 1)
    first = taken(ci, looked(1, check("user")))
    again = sent(ci, looked(1, check("user"), inspected_at="2026-11-02T12:00:00Z"))
    assert (again.status_code, again.json()["duplicate"]) == (200, True)
    assert again.json()["id"] == str(first.public_id)
    first.refresh_from_db()
    assert first.inspected_at == datetime(2026, 11, 2, 12, tzinfo=UTC)
    assert Inspection.objects.count() == 1
    assert CheckResult.objects.count() == 1


def test_it_waits_for_the_build_of_its_image(ci: APIClient, project: Project):
    waits = taken(ci, looked(7, check("user"), service="api"))
    assert (waits.lineage, waits.service.slug) == (None, "api")
    match_inspections()
    waits.refresh_from_db()
    assert waits.lineage is None
    build = built(project, 7)
    match_inspections()
    waits.refresh_from_db()
    assert (waits.build, waits.image.digest) == (build, digest(7))
    assert waits.lineage.target == "runtime"
    assert since(waits) == {"user": waits.pk}
    match_inspections()
    assert Inspection.objects.get().lineage == waits.lineage


def test_an_image_without_digests_is_of_the_service_it_names(ci: APIClient, project: Project):
    one = taken(ci, looked(None, check("user"), service="api", variant="prod"))
    assert (one.service.slug, one.lineage.variant, one.build) == ("api", "prod", None)


def test_a_clock_that_is_ahead_tells_nothing(ci: APIClient, project: Project):
    made = taken(ci, looked(None, check("user"), inspected_at="2999-01-01T00:00:00Z"))
    assert made.inspected_at == made.received_at


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"format": 2}, "format"),
        ({"checks": []}, "checks"),
        ({"inspected_at": "yesterday"}, "inspected_at"),
        ({"inspected_at": "2026-11-01T12:00:00"}, "inspected_at"),
        ({"digests": {"manifest": "sha256:1"}}, "digests.manifest"),
        ({"checks": [check("user") | {"status": "maybe"}]}, "checks.0.status"),
        ({"checks": [check("user") | {"id": "Not a name"}]}, "checks.0.id"),
        ({"checks": [check("user"), check("user")]}, "checks"),
        ({"checks": [check("user") | {"evidence": [{}]}]}, "checks.0.evidence.0.place"),
        ({"image": "a\0b"}, "image"),
        ({"config": {"labels": {"x": ["a\0b"]}}}, "config"),
        ({"config": {"labels": {"x": "y" * 1_000_001}}}, "config"),
    ],
)
def test_what_is_wrong_is_named_by_its_place(
    ci: APIClient, project: Project, change: dict[str, Any], place: str
):
    answer = sent(ci, looked(1, check("user")) | change)
    assert answer.status_code == 400
    assert place in {item["attr"] for item in answer.json()["errors"]}, answer.json()
    assert not Inspection.objects.exists()


def test_bodies_that_are_no_document(ci: APIClient, project: Project):
    for body, code in ((b"{", 400), (b"[]", 400), (b'{"x": NaN}', 400), (b" " * 2_100_000, 413)):
        answer = ci.generic("POST", URL, body, content_type="application/json")
        assert answer.status_code == code, body[:10]


def test_a_secret_that_a_sender_left_in_is_not_kept(ci: APIClient, project: Project):
    secret = "ghp_" + "c3D4" * 9
    bad = check("user", evidence=[{"place": f"/x/{secret}", "instruction": f"RUN {secret}"}])
    made = taken(
        ci, looked(1, bad | {"message": secret}, config={"labels": {secret: [secret], "n": 1}})
    )
    assert secret not in ci.get(f"{URL}{made.public_id}/").content.decode()
    assert made.config["labels"]["n"] == 1


def test_a_backslash_is_kept_as_it_is(ci: APIClient, project: Project):
    config = {"labels": {"x": "a\\u0000b", "y": "\\\\ \u00e9 \U0001f600"}}
    assert taken(ci, looked(1, check("user"), config=config)).config == config


def test_who_may_send_and_read(ci: APIClient, api: APIClient, project: Project, carol: Any):
    made = taken(ci, looked(1, check("user")))
    assert sent(api, looked(1, check("user"))).status_code == 403
    assert api.get(URL).json()["results"][0]["id"] == str(made.public_id)
    stranger = APIClient()
    stranger.force_authenticate(carol)
    assert stranger.get(URL).json()["results"] == []
    assert stranger.get(f"{URL}{made.public_id}/").status_code == 404


def test_lists_are_narrowed(ci: APIClient, project: Project):
    built(project, 1), built(project, 2)
    one = taken(ci, looked(1, check("user")))
    taken(ci, looked(2, check("user", "pass"), variant="prod"))
    found = ci.get(f"{URL}?failing=user&service=api").json()["results"]
    assert [item["id"] for item in found] == [str(one.public_id)]
    assert len(ci.get(f"{URL}?variant=prod").json()["results"]) == 1
