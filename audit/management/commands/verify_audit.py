"""``manage.py verify_audit``: prove that the trail is complete and unchanged."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from audit.models import AuditEvent
from audit.services import verify_chain


class Command(BaseCommand):
    """Verify every chain; exit with an error at the first break of any."""

    help = "Verify the hash chain of every project's audit trail."

    def handle(self, **options: Any) -> None:
        """Print one line a chain."""
        broken = 0
        for chain in AuditEvent.objects.chains():
            count = AuditEvent.objects.in_chain(chain).count()
            found = verify_chain(chain)
            if found:
                broken += 1
                self.stderr.write(f"{chain}: broken at event {found.sequence}: {found.reason}")
            else:
                self.stdout.write(f"{chain}: {count} events, unbroken")
        if broken:
            raise CommandError(f"{broken} broken chain(s)")
