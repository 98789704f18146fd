"""The service whose builds are followed."""

import pytest

from accounts.models import Project
from builds.models import Service
from builds.services import get_or_create_service


@pytest.fixture
def service(project: Project) -> Service:
    """A service without builds yet."""
    return get_or_create_service(project_id=project.pk, name="api")
