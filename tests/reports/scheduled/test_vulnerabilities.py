"""Which findings a report lists as new."""

import pytest
import time_machine
from rest_framework.test import APIClient

from accounts.models import Project
from reports.scheduled.scope import Scope
from reports.scheduled.sections.vulnerabilities import vulnerabilities
from tests.alerts.test_vulnerability_rule import shipped
from tests.reports.scheduled.conftest import DAY
from tests.security.making import NOW

pytestmark = pytest.mark.django_db


def test_a_finding_of_a_branch_is_listed_when_it_is_shipped(ci: APIClient, project: Project):
    shipped(ci, project)
    last = (NOW + 41 * DAY).date()

    with time_machine.travel(NOW + 42 * DAY, tick=False):
        section = vulnerabilities(Scope.of(project, first=last - 6 * DAY, last=last))

    assert section is not None
    assert section.lead.startswith("1 new finding, 0 came back, 0 fixed")
    _, new = section.tables
    assert new.title == "New, or back, and still open, the worst first"
    assert [row[0].value for row in new.rows] == ["CVE-1"]
