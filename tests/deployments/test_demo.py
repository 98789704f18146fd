"""Deployments among the sample data: of what passed, and said to be planted."""

import pytest
from django.core.management import call_command
from rest_framework.test import APIClient

from accounts.models import Project, User
from deployments.models import Deployment
from ingest.demo import KNOWN_CAUSES
from tests.security.making import built, digest, report, scanned, vulnerability

pytestmark = pytest.mark.django_db


def test_what_passed_is_deployed_once(ci: APIClient, project: Project, alice: User):
    User.objects.filter(pk=alice.pk).update(is_superuser=True)
    Project.objects.filter(pk=project.pk).update(name=KNOWN_CAUSES)
    for number, found in ((1, [vulnerability("CVE-1")]), (2, [])):
        build = built(project, number)
        scanned(ci, report(number, *found))
        ci.get(f"/api/v1/images/{digest(number)}/verdict/?environment=production")
    for _ in range(2):
        call_command("deploy_demo")
    [made] = Deployment.objects.select_related("verdict")
    assert (made.digest, made.environment, made.build) == (digest(2), "production", build)
    assert (made.deployed_by, made.verdict.outcome) == ("Planted: nobody deployed it", "pass")
