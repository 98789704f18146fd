"""Layer advice on the server: made from stored builds, shown to members, and given to machines."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Project
from builds.models import Build, Service
from cache import advising
from cache.models import Advised, Explanation, LayerAdvice
from farm.models import Source
from tests.buildkit.simulating import Builder
from tests.buildkit.test_advising import FILES, NODE

pytestmark = pytest.mark.django_db

BETTER = """\
FROM node
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci
COPY . .
RUN npm run build
"""


def built(*texts: str, **fields: Any) -> Builder:
    """Builds of those Dockerfiles, before each of which a source file changed."""
    builder = Builder(**fields)
    for number, text in enumerate(texts):
        builder.build(text, FILES | {"src/a.js": str(number)})
    return builder


def test_advice_is_made_once_an_hour_and_replaced(
    service: Service, stored: Callable[[Builder], list[Build]]
):
    assert advising.due() == []
    stored(built(NODE, NODE, NODE))
    assert advising.due() == [service.pk]
    advising.advise_service(service)
    [advice] = LayerAdvice.objects.filter(kind="install")
    assert (advice.seconds_a_week, advice.builds, advice.target) == (20.0, 2, "api")
    assert advice.diff.startswith("--- a/Dockerfile\n+++ b/Dockerfile\n")
    assert advice.since is None
    assert Advised.objects.get().groups == [
        {"target": "api", "variant": "", "builds": 3, "unread": 0}
    ]
    assert advising.due() == [], "nothing new"
    Explanation.objects.update(made_at=timezone.now() + timedelta(minutes=1))
    assert advising.due() == [], "not within the hour"
    Advised.objects.update(made_at=timezone.now() - timedelta(minutes=61))
    assert advising.due() == [service.pk]
    before = list(LayerAdvice.objects.order_by("key").values_list("key", "seconds_a_week"))
    advising.advise_service(service)
    assert list(LayerAdvice.objects.order_by("key").values_list("key", "seconds_a_week")) == before


def test_followed_advice_is_told_with_its_effect_and_interval(
    service: Service, stored: Callable[[Builder], list[Build]]
):
    builds = stored(built(*[NODE] * 9, *[BETTER] * 9))
    advising.advise_service(service)
    [followed] = LayerAdvice.objects.exclude(since=None)
    assert (followed.kind, followed.since) == ("install", builds[9].listed_at)
    assert (followed.builds_before, followed.builds_since) == (9, 9)
    assert followed.mean_before == 10.0, "it ran in each"
    assert followed.mean_since == pytest.approx(10 / 9), "the new instruction had to run once"
    assert followed.difference == pytest.approx(10 / 9 - 10)
    assert followed.difference_low is not None
    assert followed.difference_high is not None
    assert followed.difference_low <= 10 / 9 - 10 <= followed.difference_high < 0
    assert not LayerAdvice.objects.filter(kind="install", since=None).exists()


def test_few_builds_tell_no_effect(service: Service, stored: Callable[[Builder], list[Build]]):
    stored(built(*[NODE] * 3, *[BETTER] * 2))
    advising.advise_service(service)
    followed = LayerAdvice.objects.get(kind="install")
    assert (followed.builds_before, followed.builds_since, followed.difference) == (3, 2, None)


def test_the_paths_of_a_diff_are_those_of_the_repository(
    service: Service, stored: Callable[[Builder], list[Build]]
):
    Source.objects.create(service=service, repository_url="https://x.example/y", context="web/api")
    stored(built(NODE, NODE))
    advising.advise_service(Service.objects.select_related("source").get())
    assert "+++ b/web/api/Dockerfile\n" in LayerAdvice.objects.get(kind="install").diff


def test_secrets_in_a_dockerfile_are_masked(
    service: Service, stored: Callable[[Builder], list[Build]]
):
    secret = "npm_" + "a1B2" * 9
    text = NODE.replace("WORKDIR /app", f"WORKDIR /app\nENV NPM_TOKEN={secret}")
    stored(built(text, text))
    advising.advise_service(service)
    rows = str(list(LayerAdvice.objects.values()))
    assert "npm ci" in rows
    assert secret not in rows


def test_a_service_without_records_has_no_advice(service: Service, project: Project):
    at = timezone.now()
    build = Build.objects.create(
        project=project,
        service=service,
        listed_at=at,
        steps_month=at.date().replace(day=1),
        status=Build.Status.FAILED,
    )
    Explanation.objects.create(build=build)
    advising.advise_service(service)
    assert Advised.objects.get().groups == [{"target": "", "variant": "", "builds": 0, "unread": 0}]
    assert not LayerAdvice.objects.exists()
