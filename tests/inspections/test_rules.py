"""BuildKit's checks over time, from builds and from runs of the checks alone."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import Project
from buildkit.model import BuildStatus, BuildWarning, SourceRange
from builds.models import Build
from builds.services import BuildContext, get_or_create_service, record_build
from inspections.models import Rule, RuleLook
from tests.builds.making import START, step
from tests.builds.making import build as decoded
from tests.inspections.making import linted, warned

pytestmark = pytest.mark.django_db

URL = "/api/v1/lint-rules/"
HOUR = 3_600_000_000_000


def warning(rule: str, line: int = 1, detail: str = "") -> BuildWarning:
    """A warning as BuildKit's progress has it."""
    return BuildWarning(
        vertex_digest="sha256:1",
        level=1,
        short=f"{rule}: {detail or f'{rule} in words'} (line {line})",
        detail=(f"What {rule} says",),
        url=f"https://docs.docker.com/go/dockerfile/rule/{rule}/",
        filename="Dockerfile",
        ranges=(SourceRange(line, line),),
    )


def recorded(
    project: Project, hour: int, *warnings: BuildWarning, ref_name: str = "main", **fields: Any
) -> Build:
    """A build of api, so many hours after the start."""
    service = get_or_create_service(project_id=project.pk, name="api")
    made = decoded(
        step(0, 0, 1),
        ref=f"ref{hour}",
        started=START + hour * HOUR,
        target="runtime",
        warnings=warnings,
        **fields,
    )
    context = BuildContext(ref_name=ref_name, revision=f"commit-{hour}")
    known = Build.objects.filter(buildkit_ref=f"ref{hour}").first()
    received = datetime(2026, 1, 10, tzinfo=UTC)
    return record_build(
        service=service, decoded=made, context=context, build=known, received_at=received
    )


def rules() -> dict[str, Rule]:
    return {rule.name: rule for rule in Rule.objects.with_state()}


def at(hour: int) -> datetime:
    return datetime(2026, 1, 5, 8, tzinfo=UTC) + timedelta(hours=hour)


def test_a_rule_is_broken_from_one_build_to_another(project: Project):
    one = recorded(project, 1, warning("JSONArgsRecommended", 6), warning("JSONArgsRecommended", 9))
    two = recorded(project, 2, warning("JSONArgsRecommended", 7), warning("StageNameCasing"))
    known = rules()
    arguments, casing = known["JSONArgsRecommended"], known["StageNameCasing"]
    assert (arguments.first_build, arguments.last_build, arguments.is_broken) == (one, two, True)
    assert (arguments.first_at, arguments.count) == (at(1), 1)
    assert arguments.places == [
        {"detail": "JSONArgsRecommended in words", "file": "Dockerfile", "lines": [[7, 7]]}
    ]
    assert arguments.description == "What JSONArgsRecommended says"
    assert (casing.first_build, casing.count) == (two, 1)
    recorded(project, 3)
    assert [rule.is_broken for rule in rules().values()] == [False, False]
    assert list(RuleLook.objects.order_by("at").values_list("counts", flat=True)) == [
        {"JSONArgsRecommended": 2},
        {"JSONArgsRecommended": 1, "StageNameCasing": 1},
        {},
    ]


def test_a_build_that_is_recorded_again_counts_once(project: Project):
    for _ in range(2):
        recorded(project, 1, warning("MaintainerDeprecated"), warning("MaintainerDeprecated"))
    assert RuleLook.objects.get().counts == {"MaintainerDeprecated": 1}
    assert Rule.objects.get().count == 1


def test_what_says_nothing_of_a_dockerfile_ends_no_rule(project: Project):
    recorded(project, 1, warning("MaintainerDeprecated"))
    recorded(project, 2, status=BuildStatus.FAILED)
    recorded(project, 3, ref_name="feature/x")
    assert rules()["MaintainerDeprecated"].is_broken


def test_other_warnings_are_no_rules(project: Project):
    odd = BuildWarning("", 1, "no rule is named here", (), "", "", ())
    recorded(project, 1, odd)
    assert RuleLook.objects.get().counts == {}


def test_an_older_build_that_comes_late_is_the_first(project: Project):
    recorded(project, 2, warning("MaintainerDeprecated", 4))
    old = recorded(project, 1, warning("MaintainerDeprecated", 3))
    [rule] = rules().values()
    assert (rule.first_build, rule.places[0]["lines"]) == (old, [[4, 4]])


def test_builds_and_runs_of_the_checks_alone_feed_one_history(ci: APIClient, project: Project):
    build = recorded(project, 1, warning("MaintainerDeprecated", 2))
    document = linted(warned("MaintainerDeprecated", 2), checked_at="2026-01-05T10:00:00Z")
    answer = ci.post(URL, document, format="json")
    assert (answer.status_code, answer.json()["rules"]) == (201, {"MaintainerDeprecated": 1})
    [rule] = ci.get(f"{URL}?service=api").json()["results"]
    assert rule["first_build"] == str(build.public_id)
    assert (rule["last_build"], rule["is_broken"], rule["count"]) == (None, True, 1)
    ci.post(URL, document | {"checked_at": "2026-01-05T11:00:00Z"}, format="json")
    assert RuleLook.objects.count() == 2
    ci.post(URL, linted(checked_at="2026-01-05T12:00:00Z"), format="json")
    [rule] = ci.get(URL).json()["results"]
    assert (rule["is_broken"], rule["last_at"]) == (False, "2026-01-05T11:00:00Z")


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"service": ""}, "service"),
        ({"checked_at": "yesterday"}, "checked_at"),
        ({"warnings": [warned("not a rule")]}, "warnings.0.rule"),
        ({"warnings": [warned("A", lines=[[1]])]}, "warnings.0.lines.0"),
    ],
)
def test_what_is_wrong_is_named_by_its_place(
    ci: APIClient, project: Project, change: dict[str, Any], place: str
):
    answer = ci.post(URL, linted() | change, format="json")
    assert answer.status_code == 400
    assert place in {item["attr"] for item in answer.json()["errors"]}, answer.json()


def test_an_address_that_is_none_becomes_no_link(ci: APIClient, project: Project):
    ci.post(URL, linted(warned("A", url="javascript:alert(1)")), format="json")
    assert Rule.objects.get().url == ""


def test_who_may_send_and_read(ci: APIClient, api: APIClient, project: Project, carol: Any):
    ci.post(URL, linted(warned("A")), format="json")
    assert api.post(URL, linted(), format="json").status_code == 403
    assert len(api.get(URL).json()["results"]) == 1
    stranger = APIClient()
    stranger.force_authenticate(carol)
    assert stranger.get(URL).json()["results"] == []
