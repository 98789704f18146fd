"""A service that things are recommended to."""

import pytest

from accounts.models import Project
from builds.models import Service
from builds.services import get_or_create_service


@pytest.fixture
def service(project: Project) -> Service:
    return get_or_create_service(project_id=project.pk, name="api")
