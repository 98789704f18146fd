"""``manage.py judge_demo``: verdicts on the newest images of the builds with known causes."""

from typing import Any

from django.core.management.base import BaseCommand

from accounts.models import Project, User
from builds.models import Build
from ingest.demo import KNOWN_CAUSES
from policies.choosing import choose
from policies.verdicts import give_verdict

ENVIRONMENT = "production"


class Command(BaseCommand):
    """Ask what a pipeline would ask before each deployment, once."""

    help = f"Ask whether the newest image of each service of “{KNOWN_CAUSES}” may ship."

    def handle(self, **options: Any) -> None:
        """Give the verdicts by the policy that holds; do nothing where there are some."""
        project = Project.objects.filter(name=KNOWN_CAUSES).first()
        actor = User.objects.filter(is_superuser=True).order_by("pk").first()
        if project is None or actor is None or project.verdicts.exists():
            return
        chosen = choose(project, environment=ENVIRONMENT)
        builds = Build.objects.filter(project=project, status=Build.Status.SUCCEEDED)
        for build in builds.order_by("service_id", "-listed_at").distinct("service_id"):
            give_verdict(
                project=project,
                digest=build.image_digest,
                environment=ENVIRONMENT,
                chosen=chosen,
                actor=actor,
            )
