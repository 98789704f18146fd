"""What a line about a base shows, for pages and API alike: the same queries for any number."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from django.utils import timezone

from bases.drift import drifts_of
from bases.measuring import Inherited, inherited
from bases.models import BaseImage, BasePolicy, BaseUse
from bases.policies import breaches_of
from supplychain.bases.drifting import Drift
from supplychain.bases.editing import short


@dataclass(frozen=True, slots=True)
class Line:
    """A base with who stands on it now, how far it is behind, and what it brings along."""

    image: BaseImage
    uses: list[BaseUse]
    drift: Drift
    findings: Inherited
    breaches: list[str]

    @property
    def name(self) -> str:
        """Its name without digest, as people write it."""
        return short(self.image.reference).partition("@")[0]

    @property
    def services(self) -> list[str]:
        """The services on it, by name."""
        return sorted({use.service.name for use in self.uses})

    @property
    def roles(self) -> list[str]:
        """What it is to builds: the final image first."""
        known = {use.role: use.get_role_display() for use in self.uses}
        return [known[role] for role in BaseUse.Role.values if role in known]

    @property
    def pinned(self) -> str:
        """How many of the newest builds name its digest: ``yes``, ``no`` or ``1 of 2``."""
        count = sum(use.is_pinned for use in self.uses)
        if count in (0, len(self.uses)):
            return "yes" if count else "no"
        return f"{count} of {len(self.uses)}"


def lines_of(images: Sequence[BaseImage]) -> list[Line]:
    """Return a line for each image."""
    uses: defaultdict[int, list[BaseUse]] = defaultdict(list)
    standing = (
        BaseUse.objects.filter(image__in=images).standing().select_related("service", "build")
    )
    for use in standing.order_by("service__name", "target", "platform"):
        uses[use.image_id].append(use)
    drifts, findings, now = drifts_of(images), inherited(images), timezone.now()
    policies = _policies(images)
    return [
        Line(
            image,
            uses[image.pk],
            drifts[image.pk],
            findings[image.pk],
            breaches_of(image, policies.get(image.repository_id), now),
        )
        for image in images
    ]


def _policies(images: Sequence[BaseImage]) -> dict[int, BasePolicy]:
    repositories = {image.repository_id for image in images}
    rows = BasePolicy.objects.filter(repository__in=repositories)
    newest = rows.order_by("repository", "-number").distinct("repository")
    return {policy.repository_id: policy for policy in newest}
