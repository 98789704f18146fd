"""How long findings may stay open in a project."""

from typing import Any, ClassVar

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q

from accounts.models import Project

LONGEST_DAYS = 3650
LONGEST_WAIVER_DAYS = 366


def days(default: int, longest: int = LONGEST_DAYS) -> Any:
    """Return a column of whole days, at least one."""
    bounds = [MinValueValidator(1), MaxValueValidator(longest)]
    return models.PositiveSmallIntegerField(default=default, validators=bounds)


class RemediationPolicy(models.Model):
    """Days from when a finding is first seen, or comes back, until it is due; defaults are ours.

    What is less than low, or of an unknown severity, is never due. A project without a row has the
    defaults.
    """

    project = models.OneToOneField(
        Project, models.DB_CASCADE, primary_key=True, related_name="remediation_policy"
    )
    critical_days = days(7)
    high_days = days(30)
    medium_days = days(90)
    low_days = days(180)
    waiver_days = days(365, LONGEST_WAIVER_DAYS)
    """How long a waiver may hold at most."""

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(critical_days__gte=1, high_days__gte=1, medium_days__gte=1)
                & Q(low_days__gte=1, waiver_days__gte=1, waiver_days__lte=LONGEST_WAIVER_DAYS),
                name="security_policy_days_ck",
            )
        ]

    def __str__(self) -> str:
        return f"remediation in {self.project_id}"
