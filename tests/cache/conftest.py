"""Builds of a simulated builder as stored ones."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Project
from builds.models import Build, Service
from builds.services import get_or_create_service
from cache import advising
from cache.models import Explanation
from tests.buildkit.simulating import Builder


@pytest.fixture
def service(project: Project) -> Service:
    return get_or_create_service(project_id=project.pk, name="api")


@pytest.fixture
def stored(service: Service, monkeypatch: pytest.MonkeyPatch) -> Callable[[Builder], list[Build]]:
    """Let a simulated builder's builds be stored ones, an hour apart, the last one just now."""
    evidence: dict[int, Any] = {}
    monkeypatch.setattr(advising, "evidence_of", lambda build: evidence.get(build.pk))

    def store(builder: Builder) -> list[Build]:
        made = []
        for age, one in enumerate(reversed(builder.history)):
            at = timezone.now() - timedelta(hours=age)
            build = Build.objects.create(
                project_id=service.project_id,
                service=service,
                target="api",
                listed_at=at,
                steps_month=at.date().replace(day=1),
                status=Build.Status.SUCCEEDED,
            )
            Explanation.objects.create(build=build)
            evidence[build.pk] = one.evidence
            made.append(build)
        return made[::-1]

    return store
