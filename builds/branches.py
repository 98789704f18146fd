"""Classes of branches: cache luck differs between a default branch and its changes."""

from django.db import models
from django.db.models import Case, Q, Value, When


class BranchClass(models.TextChoices):
    """What a build was made of, as far as its reference tells."""

    DEFAULT = "default", "Default branch"
    CHANGE = "change", "Pull or merge request"
    RELEASE = "release", "Release branch"
    TAG = "tag", "Tag"
    OTHER = "other", "Other branch"
    UNKNOWN = "unknown", "Not said"


_DEFAULT = r"^(refs/heads/)?(main|master|trunk)$"
_RELEASE = r"^(refs/heads/)?(release|releases|hotfix)[/-]"
_TAG = r"^(refs/tags/|v?\d+\.\d+)"


def branch_class(path: str = "") -> Case:
    """Return the class of a build's branch, as a database expression; ``path`` leads to the build.

    The number of a change tells most: its reference may be named like anything.
    """
    name = f"{path}ref_name"
    return Case(
        When(~Q((f"{path}change_id", "")), then=Value(BranchClass.CHANGE)),
        When(**{name: ""}, then=Value(BranchClass.UNKNOWN)),
        When(**{f"{name}__regex": _DEFAULT}, then=Value(BranchClass.DEFAULT)),
        When(**{f"{name}__regex": _RELEASE}, then=Value(BranchClass.RELEASE)),
        When(**{f"{name}__regex": _TAG}, then=Value(BranchClass.TAG)),
        default=Value(BranchClass.OTHER),
        output_field=models.CharField(),
    )
