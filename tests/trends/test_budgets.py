"""Budgets: what people write, how builds are judged, and what CI is told."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import User
from accounts.roles import Scope
from audit.models import AuditEvent
from builds.models import Build, Service
from builds.partitions import month_of
from cli import judging, records
from trends.budgets import BudgetForm, judge, verdict_of
from trends.models import Budget

pytestmark = pytest.mark.django_db

type ClientOf = Callable[[User], Client]


def built(service: Service, **fields: Any) -> Build:
    at = timezone.now()
    values: dict[str, Any] = {
        "project_id": service.project_id,
        "service": service,
        "listed_at": at,
        "steps_month": month_of(at),
        "status": Build.Status.SUCCEEDED,
        "target": "runtime",
        "buildkit_ref": "abc",
    }
    return Build.objects.create(**values | fields)


def budget(service: Service, metric: str, limit: float, **fields: Any) -> Budget:
    return Budget.objects.create(service=service, metric=metric, limit=limit, **fields)


@pytest.mark.parametrize(
    ("text", "metric", "value"),
    [
        ("90 s", "wall_seconds", 90),
        ("2m", "wall_seconds", 120),
        ("1 min 30 s", "wall_seconds", 90),
        ("150 MB", "image_bytes", 150_000_000),
        ("1.5GiB", "image_bytes", 1.5 * 1024**3),
        ("80 %", "hit_ratio_time", 0.8),
    ],
)
def test_limits_are_read_as_people_write_them(
    service: Service, text: str, metric: str, value: float
):
    form = BudgetForm(service, {"metric": metric, "limit": text})
    assert form.is_valid(), form.errors
    assert form.cleaned_data["limit"] == pytest.approx(value)


@pytest.mark.parametrize("metric", ["wall_seconds", "image_bytes", "hit_ratio_time"])
@pytest.mark.parametrize("text", ["", "much", "-5", "0", "nan", "inf", "1e99", "5 MB MB"])
def test_what_is_no_limit_is_refused_at_its_field(service: Service, metric: str, text: str):
    form = BudgetForm(service, {"metric": metric, "limit": text})
    assert not form.is_valid()
    assert list(form.errors) == ["limit"]


def test_a_build_is_held_against_what_is_meant_for_it(service: Service):
    budget(service, "wall_seconds", 60)
    budget(service, "wall_seconds", 10, target="test")
    budget(service, "image_bytes", 100, target="runtime")
    budget(service, "hit_ratio_time", 0.8)
    build = built(service, wall_seconds=60.0, image_bytes=101, hit_ratio_time=None)
    judged = {item.budget.metric: item.state for item in judge(build)}
    assert judged == {
        "wall_seconds": "kept",
        "image_bytes": "exceeded",
        "hit_ratio_time": "unknown",
    }
    assert verdict_of(judge(build)) == "exceeded"
    build.image_bytes, build.hit_ratio_time = 100, 0.8
    assert verdict_of(judge(build)) == "kept"
    build.hit_ratio_time = 0.79
    assert verdict_of(judge(build)) == "exceeded", "of hits less is worse"
    Budget.objects.exclude(metric="hit_ratio_time").delete()
    build.hit_ratio_time = None
    assert verdict_of(judge(build)) == "unknown"
    Budget.objects.all().delete()
    assert verdict_of(judge(build)) == "none"


def test_leads_set_budgets_and_members_see_them(
    service: Service, alice: User, bob: User, carol: User, client_of: ClientOf
):
    built(service, image_bytes=200_000_000)
    address = f"/projects/{service.project.slug}/services/{service.slug}/budgets/"
    said = {"metric": "image_bytes", "limit": "150 MB", "target": "", "variant": ""}
    assert client_of(bob).post(address, said).status_code == 404
    assert client_of(carol).get(address).status_code == 404
    assert client_of(alice).post(address, said).status_code == 302
    assert client_of(alice).post(address, said | {"limit": "180 MB"}).status_code == 302
    [made] = Budget.objects.all()
    assert made.limit == 180_000_000
    page = client_of(bob).get(address).content.decode()
    assert "Image size at most 180 MB" in page
    assert "Exceeded" in page
    assert "Set a budget" not in page
    wrong = client_of(alice).post(address, said | {"limit": "a lot"})
    assert "Write it with its unit: 10 GB, 500 MB." in wrong.content.decode()
    gone = f"{address}{made.pk}/delete/"
    assert client_of(bob).post(gone).status_code == 404
    assert client_of(alice).post(gone).status_code == 302
    assert not Budget.objects.exists()
    actions = list(AuditEvent.objects.values_list("action", flat=True))
    assert actions.count("budget.changed") == 2
    assert actions.count("budget.deleted") == 1


@pytest.fixture
def ask(
    api_of: Callable[..., APIClient], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Any]:
    """Run ``buildinsights check`` in a directory, against this server."""
    api = api_of(Scope.BUILDS_READ)
    monkeypatch.setenv("BUILDINSIGHTS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("BUILDINSIGHTS_URL", "http://builds.example")
    monkeypatch.setenv("BUILDINSIGHTS_TOKEN", "token")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(
        judging, "_get", lambda _to, path, **query: api.get(f"/api/v1/{path}", query).json()
    )
    return lambda *words: CliRunner().invoke(judging.check, [*words, "--wait=0"])


def recorded(tmp_path: Path, **refs: str) -> None:
    made = records.create(["bake"], tmp_path)
    made.update(refs=refs)


def test_ci_gets_an_exit_code(service: Service, ask: Callable[..., Any], tmp_path: Path):
    budget(service, "image_bytes", 150_000_000)
    build = built(service, image_bytes=200_000_000, buildkit_ref="one")
    recorded(tmp_path, api="default/default/one")
    done = ask()
    assert done.exit_code == 1, done.output
    assert "api: exceeded  http" in done.output
    assert "exceeded  Image size at most 150 MB: 200 MB" in done.output
    Build.objects.filter(pk=build.pk).update(image_bytes=1)
    done = ask("--json")
    assert done.exit_code == 0
    [told] = json.loads(done.output)
    assert (told["verdict"], told["budgets"][0]["state"]) == ("kept", "kept")
    Budget.objects.all().delete()
    done = ask()
    assert (done.exit_code, "api: has no budget" in done.output) == (0, True)


def test_what_cannot_be_asked_is_said(
    service: Service, ask: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    done = ask()
    assert (done.exit_code, "There is no record here yet" in done.output) == (2, True)
    recorded(tmp_path, api="default/default/unknown")
    done = ask()
    assert (done.exit_code, "does not know the build of api yet" in done.output) == (2, True)
    done = ask("--environment=production")
    assert (done.exit_code, "--environment and --policy are for images" in done.output) == (2, True)
    monkeypatch.delenv("BUILDINSIGHTS_URL")
    done = ask()
    assert (done.exit_code, "BUILDINSIGHTS_URL" in done.output) == (2, True)


def test_another_projects_build_is_not_judged(
    service: Service, carol: User, api_of: Callable[..., APIClient]
):
    build = built(service)
    client = APIClient()
    client.force_login(carol)
    assert client.get(f"/api/v1/builds/{build.public_id}/verdict/").status_code == 404
