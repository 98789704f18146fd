"""That somebody read a bill of materials is in the trail."""

from accounts.typing import Actor
from audit.services import record_once_a_day
from sboms.models import Sbom


def note_reading(sbom: Sbom, actor: Actor) -> None:
    """Note it once a person, address and day."""
    record_once_a_day(actor=actor, action="sbom.read", target=sbom, project=sbom.project)
