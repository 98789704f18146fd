"""The few rules that a project begins with: they are shown, and tell nobody."""

from collections.abc import Iterator

from django.db import transaction

from accounts.models import Project
from alerts.models import AlertRule, RuleSet
from audit.services import SYSTEM, record
from builds.branches import BranchClass
from channels.contract import Severity

LEAST_PERCENT = 20.0


def give_to_new_projects() -> int:
    """Give projects that have none yet their first rules; return how many there were."""
    waiting = list(Project.objects.filter(alert_rule_set=None))
    for project in waiting:
        give(project)
    return len(waiting)


@transaction.atomic
def give(project: Project) -> None:
    """Let a project have the rules that it begins with, once."""
    _, is_new = RuleSet.objects.get_or_create(project=project)
    if not is_new:
        return
    rules = list(rules_of(project))
    AlertRule.objects.bulk_create(rules, ignore_conflicts=True)
    names = [rule.name for rule in rules]
    changes = {"rules": names}
    record(
        actor=SYSTEM, action="alert_rules.given", target=project, project=project, changes=changes
    )


def rules_of(project: Project) -> Iterator[AlertRule]:
    """Yield them: large changes for the worse, a default branch that fails, the worst findings."""
    yield AlertRule(
        project=project,
        name="Builds got much slower or larger",
        kind="change",
        parameters={"least_percent": LEAST_PERCENT},
        severity=Severity.MEDIUM,
        created_by=SYSTEM.actor_name,
    )
    yield AlertRule(
        project=project,
        name="The default branch fails",
        kind="success",
        parameters={"by": "streak", "failures": 2},
        branch_classes=[BranchClass.DEFAULT],
        severity=Severity.HIGH,
        created_by=SYSTEM.actor_name,
    )
    yield AlertRule(
        project=project,
        name="Critical or exploited vulnerability",
        kind="vulnerability",
        parameters={"severity": "critical", "with_known_exploited": True},
        severity=Severity.CRITICAL,
        created_by=SYSTEM.actor_name,
    )
