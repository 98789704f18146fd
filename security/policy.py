"""How long findings may stay open: what a project says of it, and what follows."""

from typing import Any

from django import forms
from django.db import transaction
from django.utils import timezone

from accounts.models import Project
from audit.services import ActorLike, record
from builds.models import Service
from builds.services import lock_service
from security.models import Finding, RemediationPolicy
from security.states import changing

DAYS = ("critical_days", "high_days", "medium_days", "low_days", "waiver_days")


def policy_of(project_id: int) -> RemediationPolicy:
    """Return a project's policy, or the defaults."""
    kept = RemediationPolicy.objects.filter(project=project_id).first()
    return kept or RemediationPolicy(project_id=project_id)


class PolicyForm(forms.ModelForm):  # type: ignore[type-arg]  # not generic at run time
    """Days by severity, and of a waiver at most."""

    class Meta:
        model = RemediationPolicy
        fields = DAYS
        labels = {
            "critical_days": "Critical, days",
            "high_days": "High, days",
            "medium_days": "Medium, days",
            "low_days": "Low, days",
            "waiver_days": "Longest waiver, days",
        }


@transaction.atomic
def change_policy(*, project: Project, values: dict[str, Any], actor: ActorLike) -> None:
    """Keep a policy; what is not fixed yet is due by it from now on."""
    policy, _ = RemediationPolicy.objects.update_or_create(project=project, defaults=values)
    lock_services(project.pk)
    rows = Finding.objects.filter(project=project).exclude(seen_state=Finding.State.FIXED)
    with changing(set(rows.order_by().values_list("pk", flat=True)), timezone.now()):
        pass
    record(
        actor=actor,
        action="remediation_policy.changed",
        target=policy,
        project=project,
        changes=values,
    )


def lock_services(project_id: int, service: Service | None = None) -> None:
    """Let nobody record scans of a project's services, or of one, until this transaction ends.

    What a scan is just bringing is seen by it then, or sees what it changes.
    """
    services = [service] if service else Service.objects.filter(project=project_id).order_by("pk")
    for each in services:
        lock_service(each)
