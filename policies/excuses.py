"""Why a finding does not count: a waiver that holds where the image is to go, or a statement."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from policies.images import Subject
from security.following import TAG
from security.models import Finding, Kind, Scan, VexStatement, VexStatus, Waiver
from security.seen import Seen

CLOSING = (VexStatus.NOT_AFFECTED, VexStatus.FIXED)


@dataclass(frozen=True, slots=True)
class Excuse:
    """By what, and until when if that has an end."""

    by: str
    until: datetime | None = None


class Excuses:
    """The waivers and statements of a project that may be of use for some findings, read at once.

    They are matched here and not taken from the findings' states: an image that is no longer the
    newest may have what was fixed since, and a verdict is for one environment.
    """

    def __init__(self, subject: Subject, environment: str, seen: Iterable[Seen]) -> None:
        self._images = _known_by(subject)
        self._names = _names_of(subject)
        self._service = subject.build.service_id if subject.build else None
        names = {name for one in seen for name in (one.name, *one.aliases)}
        active = Waiver.objects.filter(project=subject.project, environment__in=["", environment])
        rows = active.in_state(Waiver.State.ACTIVE).order_by("-expires_at", "pk")
        self._waivers = [waiver for waiver in rows if waiver.name in names]
        stated = VexStatement.objects.filter(project=subject.project, is_understood=True)
        stated = stated.filter(names__overlap=sorted(names), document__is_superseded=False)
        self._statements = list(stated.order_by("-stated_at", "-pk"))

    def of(self, seen: Seen, known: Finding | None) -> Excuse | None:
        """Return what excuses a finding: a statement before a waiver, of several the longest."""
        if seen.kind == Kind.VULNERABILITY and self._is_stated(seen):
            return Excuse("VEX: not affected")
        for waiver in self._waivers:
            if self._covers(waiver, seen, known):
                return Excuse(f"{waiver.get_kind_display()}: {waiver.reason}", waiver.expires_at)
        return None

    def _is_stated(self, seen: Seen) -> bool:
        """Tell whether by the newest statement about each of the images none is affected."""
        own = [item for item in self._statements if self._is_about(item, seen)]
        return all(self._is_unaffected(digests, seen, own) for digests in self._images)

    def _is_unaffected(self, digests: set[str], seen: Seen, stated: Iterable[VexStatement]) -> bool:
        version = seen.installed_version
        about = (
            item
            for item in stated
            if item.is_of(version=version, digests=digests, names=self._names)
        )
        newest = next(about, None)
        return newest is not None and newest.status in CLOSING

    def _is_about(self, statement: VexStatement, seen: Seen) -> bool:
        """Tell what ``security.states`` tells of findings, but for the image."""
        return (
            not {seen.name, *seen.aliases}.isdisjoint(statement.names)
            and statement.service_id in (None, self._service)
            and statement.package in ("", seen.package)
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


def _known_by(subject: Subject) -> list[set[str]]:
    """Return the digests of each image, its index's among them; of what no build made, its own."""
    shared = {subject.digest, subject.build.image_digest if subject.build else ""} - {""}
    return [{*shared, image.digest, image.config_digest} for image in subject.images] or [shared]


def _names_of(subject: Subject) -> set[str]:
    """Return what scanners call the images, without tags."""
    scans = Scan.objects.filter(project=subject.project).filter(
        Q(image__in=subject.images) | Q(digests__overlap=list(subject.digests))
    )
    names = scans.order_by().values_list("image_name", flat=True).distinct()
    return {TAG.sub("", name) for name in names}
