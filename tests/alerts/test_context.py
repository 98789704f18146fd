"""What an alert says of what it is about: values, commits and authors."""

from accounts.models import Project
from alerts.context import commits_of, facts_of
from alerts.evaluating import evaluate_due
from alerts.models import Alert
from tests.alerts.making import HOUR, NOON, build_of, rule_of, service_of
from tests.alerts.test_conditions import TODAY, hits_of


def test_a_value_of_0_is_a_value(project: Project):
    rule_of(project, "hit_ratio", parameters={"least_ratio": 0.5})
    hits_of(
        service_of(project),
        TODAY,
        cached_steps=0,
        cacheable_steps=9,
        saved_seconds=0,
        executed_seconds=9,
    )

    evaluate_due(NOON)

    facts = [(label, value) for label, value, _ in facts_of(Alert.objects.get().context)]
    assert facts[:2] == [("Limit", "50 %"), ("Now", "0 %")]


def test_a_value_of_0_before_is_not_unknown():
    facts = facts_of({"metric": "queue_seconds", "before": 0.0, "after": 9.0, "unit": "s"})
    assert [(label, value) for label, value, _ in facts] == [("Before", "0 s"), ("Now", "9 s")]


def test_authors_are_those_of_the_same_builds_of_the_same_branch(project: Project):
    api = service_of(project)
    good = build_of(api, NOON - 9 * HOUR, revision="good", author="Ann")
    build_of(api, NOON - 8 * HOUR, revision="one", author="Bea")
    for number, other in enumerate(
        (
            {"target": "debug"},
            {"variant": "slim"},
            {"environment": "production"},
            {"ref_name": "topic"},
            {"change_id": "7"},
        )
    ):
        build_of(api, NOON - (7 - number) * HOUR, revision=f"x{number}", author="Zoe", **other)
    build_of(service_of(project, "web"), NOON - 2 * HOUR, revision="web", author="Zoe")
    bad = build_of(api, NOON - HOUR, revision="bad", author="Cem")
    build_of(api, NOON, revision="later", author="Dan")

    told = commits_of(bad.pk, good.pk)

    assert (told["first"], told["last"], told["count"]) == ("good", "bad", 2)
    assert told["authors"] == ["Cem", "Bea"]
