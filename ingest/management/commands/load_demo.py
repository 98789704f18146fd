"""``manage.py load_demo``: the recorded sample builds, into the first project."""

import logging
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from accounts.models import Project, User
from ingest.demo import ingest_samples, load_samples


class Command(BaseCommand):
    """Load the samples once; what is there already is left alone."""

    help = "Load recorded builds of three small services, dated relative to today."

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
        samples = load_samples(timezone.now())
        failed = 0
        for done, payload in enumerate(
            ingest_samples(samples, project=project, actor=actor), start=1
        ):
            failed += payload.state == "failed"
            if self.stdout.isatty():
                self.stdout.write(f"\rLoading samples {done}/{len(samples)} ", ending="")
        self.stdout.write(f"\nLoaded {len(samples) - failed} recorded builds into {project}.")
        if failed:
            raise CommandError(f"{failed} samples could not be digested; see their receipts.")
