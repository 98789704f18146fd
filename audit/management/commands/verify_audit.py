"""``manage.py verify_audit``: prove that the trail is complete and unchanged."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from audit.checkpoints import newest_of
from audit.models import AuditEvent
from audit.verification import all_chains, verify_chain


class Command(BaseCommand):
    """Verify every chain; exit with an error at the first break of any."""

    help = "Verify the hash chain of every project's audit trail."

    def handle(self, **options: Any) -> None:
        """Print one line a chain."""
        broken = 0
        for chain in all_chains():
            count = AuditEvent.objects.in_chain(chain).count()
            if found := verify_chain(chain):
                broken += 1
                self.stderr.write(f"{chain}: broken at event {found.sequence}: {found.reason}")
            else:
                self.stdout.write(f"{chain}: {count} events, unbroken, {_signed(chain)}")
        if broken:
            raise CommandError(f"{broken} broken chain(s)")


def _signed(chain: str) -> str:
    newest = newest_of(chain)
    return f"signed up to {newest.sequence}" if newest else "no checkpoint"
