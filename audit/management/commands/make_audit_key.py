"""``manage.py make_audit_key PATH``: a new key to sign checkpoints with."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from audit.signing import make_key_file, read_key


class Command(BaseCommand):
    """Write a key that only its owner can read; print the fingerprint to publish."""

    help = "Make an Ed25519 key for AUDIT_SIGNING_KEY_FILE."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the path of the new file."""
        parser.add_argument("path", type=Path)

    def handle(self, path: Path, **options: Any) -> None:
        """Make the key; never write over one."""
        if not make_key_file(path):
            raise CommandError(f"{path} is there already.")
        self.stdout.write(f"{path}: fingerprint {read_key(path).key_id}")
