"""``manage.py load_demo``: the recorded sample builds."""

import logging
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from accounts.models import Project, User
from accounts.services import create_project
from ingest.demo import (
    KNOWN_CAUSES,
    Sample,
    ingest_samples,
    label_services,
    load_planted,
    load_samples,
)


class Command(BaseCommand):
    """Load the samples once; what is there already is left alone."""

    help = (
        "Load recorded builds, dated relative to today: of three small services into the first "
        f"project, and of six with known causes and planted findings into “{KNOWN_CAUSES}”."
    )

    def handle(self, **options: Any) -> None:
        """Send each sample through the ordinary way in."""
        project = Project.objects.order_by("pk").first()
        actor = User.objects.filter(is_superuser=True).order_by("pk").first()
        if project is None or actor is None:
            raise CommandError("There is no project yet: run `manage.py serve` first.")
        if project.builds.exists():
            self.stdout.write(f"{project} has builds already; the samples are not loaded again.")
            return
        logging.getLogger("ingest").setLevel(logging.WARNING)
        now = timezone.now()
        self._load(load_samples(now), project, actor)
        label_services(project, actor)
        known = create_project(name=KNOWN_CAUSES, owner=actor)
        self._load(load_planted(now), known, actor)

    def _load(self, samples: list[Sample], project: Project, actor: User) -> None:
        failed = 0
        for done, payload in enumerate(
            ingest_samples(samples, project=project, actor=actor), start=1
        ):
            failed += payload.state == "failed"
            if self.stdout.isatty():
                self.stdout.write(f"\rLoading samples {done}/{len(samples)} ", ending="")
        if failed:
            raise CommandError(f"{failed} samples could not be digested; see their receipts.")
        self.stdout.write(f"\nLoaded {_told(samples)} into {project}.")


def _told(samples: list[Sample]) -> str:
    """Say how many builds there are, and how many reports if there are any."""
    reports = sum(sample.is_report for sample in samples)
    told = f"{len(samples) - reports} recorded builds"
    return f"{told} and {reports} planted reports" if reports else told
