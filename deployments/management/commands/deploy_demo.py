"""``manage.py deploy_demo``: planted deployments of what passed among the sample builds."""

from typing import Any

from django.core.management.base import BaseCommand

from accounts.models import Project, User
from deployments.services import Told, record_deployment
from ingest.demo import KNOWN_CAUSES
from policies.models import Verdict

PLANTED = "Planted: nobody deployed it"


class Command(BaseCommand):
    """Tell what a pipeline would tell after the verdicts of ``judge_demo``, once."""

    help = f"Tell deployments of the images of “{KNOWN_CAUSES}” that may ship."

    def handle(self, **options: Any) -> None:
        """Tell them; do nothing where there are some."""
        project = Project.objects.filter(name=KNOWN_CAUSES).first()
        actor = User.objects.filter(is_superuser=True).order_by("pk").first()
        if project is None or actor is None or project.deployments.exists():
            return
        passed = project.verdicts.filter(outcome=Verdict.Outcome.PASS).exclude(environment="")
        for verdict in passed.order_by("pk"):
            told = Told(verdict.digest, verdict.environment, deployed_by=PLANTED)
            record_deployment(project=project, told=told, actor=actor)
