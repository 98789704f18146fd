"""Which builds are the newest of their group: what they stand on is what services stand on."""

from collections.abc import Iterable

from bases.models import BaseUse
from bases.querysets import GROUP
from builds.branches import BranchClass

COUNTS = (
    BranchClass.DEFAULT,
    BranchClass.RELEASE,
    BranchClass.TAG,
    BranchClass.UNKNOWN,
)
"""Classes of branches whose images may be in use; a change that is tried moves no service."""


def stand_anew(uses: Iterable[BaseUse]) -> None:
    """Mark the newest build of each group that the uses are of, and no other one."""
    for group in {tuple(getattr(use, name) for name in GROUP) for use in uses}:
        rows = BaseUse.objects.filter(**dict(zip(GROUP, group, strict=True)))
        newest = rows.filter(branch_class__in=COUNTS).order_by("-at", "-build_id")
        build = newest.values_list("build", flat=True).first()
        rows.standing().exclude(build=build).update(is_standing=False)
        rows.filter(build=build, is_standing=False).update(is_standing=True)
