"""``manage.py reseal_channels``: seal the secrets of channels with today's ``SECRET_KEY``."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from channels.models import Channel
from channels.sealing import SealedError, seal, unseal


class Command(BaseCommand):
    """Do what lets former keys be taken out of ``SECRET_KEY_FALLBACKS``."""

    help = "Seal the secrets of channels with SECRET_KEY, so that no fallback is needed for them."

    def handle(self, **options: Any) -> None:
        """Seal each channel's secrets again, and fail naming those that no key opens."""
        numbers = Channel.objects.exclude(sealed=b"").order_by("pk").values_list("pk", flat=True)
        lost = [name for number in list(numbers) for name in _reseal(number)]
        if lost:
            raise CommandError(f"No key opens the secrets of: {', '.join(lost)}. Enter them again.")
        self.stdout.write("Every channel is sealed with SECRET_KEY.")


@transaction.atomic
def _reseal(number: int) -> list[str]:
    """Seal one channel's secrets again; return its name if that cannot be."""
    channel = Channel.objects.select_for_update(no_key=True).get(pk=number)
    try:
        secrets = unseal(channel.public_id, bytes(channel.sealed))
    except SealedError:
        return [channel.name]
    channel.sealed = seal(channel.public_id, secrets)
    channel.save(update_fields=["sealed"])
    return []
