"""Why a finding does not count: a waiver that holds where the image is to go, or a statement."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from policies.images import Subject
from security.models import Finding, Waiver
from security.seen import Seen


@dataclass(frozen=True, slots=True)
class Excuse:
    """By what, and until when if that has an end."""

    by: str
    until: datetime | None = None


class Excuses:
    """The waivers of a project that may be of use for some findings, read at once.

    They are matched here and not taken from the findings' states: an image that is no longer the
    newest may have what was fixed since, and a verdict is for one environment.
    """

    def __init__(self, subject: Subject, environment: str, seen: Iterable[Seen]) -> None:
        self._digests = subject.digests
        self._service = subject.build.service_id if subject.build else None
        names = {name for one in seen for name in (one.name, *one.aliases)}
        active = Waiver.objects.filter(project=subject.project, environment__in=["", environment])
        rows = active.in_state(Waiver.State.ACTIVE).order_by("-expires_at", "pk")
        self._waivers = [waiver for waiver in rows if waiver.name in names]

    def of(self, seen: Seen, known: Finding | None) -> Excuse | None:
        """Return what excuses a finding: a statement before a waiver, of several the longest."""
        if known is not None and self._is_stated(seen, known):
            return Excuse("VEX: not affected")
        for waiver in self._waivers:
            if self._covers(waiver, seen, known):
                return Excuse(f"{waiver.get_kind_display()}: {waiver.reason}", waiver.expires_at)
        return None

    def _is_stated(self, seen: Seen, known: Finding) -> bool:
        """Tell whether the statement by which a finding is not affected is about this image, too.

        It was settled for the newest images. By a name alone it is about all images of that name.
        """
        statement = known.statement
        if known.state != Finding.State.NOT_AFFECTED or statement is None:
            return False
        return statement.version in ("", seen.installed_version) and (
            not statement.image_digest or statement.image_digest in self._digests
        )

    def _covers(self, waiver: Waiver, seen: Seen, known: Finding | None) -> bool:
        """Tell what ``security.states`` tells of findings, of one in an image."""
        if waiver.scope == Waiver.Scope.FINDING:
            return known is not None and waiver.finding_id == known.pk
        return (
            waiver.name in (seen.name, *seen.aliases)
            and waiver.service_id in (None, self._service)
            and waiver.package in ("", seen.package)
        )
