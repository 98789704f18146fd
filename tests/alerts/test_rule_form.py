"""The form of a rule asks for what its kind needs, and says at each field what is wrong with it."""

from html.parser import HTMLParser

import pytest
from django.test import Client

from accounts.models import Project, User
from alerts.conditions import CONDITIONS
from alerts.evaluating import evaluate_due
from alerts.kind_form import PREFIX, KindForm
from alerts.models import Alert, AlertRule
from alerts.models.rule import Kind
from policies.models import Policy
from tests.alerts.making import HOUR, NOON, build_of, change_of, rule_of, service_of

NEW = "/projects/shop/alerts/rules/new/"
PLAIN = {
    "name": "Slow",
    "severity": "high",
    "for_seconds": "1 min",
    "settle_seconds": "1 min",
    "least_samples": 3,
    "every_seconds": "1 min",
    "is_on": "on",
}

P90 = {"statistic": "p90", "days": "1", "baseline_days": "28"}


@pytest.fixture
def browser(alice: User, client_of) -> Client:
    return client_of(alice)


class Fields(HTMLParser):
    """What a browser would send of a page without scripts, if nobody changed anything."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: dict[str, list[str]] = {}
        self._select = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = dict(attrs)
        name = said.get("name") or ""
        if tag == "select":
            self._select = name
        elif tag == "option" and "selected" in said:
            self.sent.setdefault(self._select, []).append(said.get("value") or "")
        elif tag == "input" and name:
            is_box = said.get("type") in {"checkbox", "radio"}
            if not is_box or "checked" in said:
                value = said.get("value") or ("on" if is_box else "")
                self.sent.setdefault(name, []).append(value)


def sent_by(page: str) -> dict[str, list[str]]:
    reader = Fields()
    reader.feed(page[page.index("<main") :])
    return reader.sent


def named(**values: object) -> dict[str, object]:
    return {PREFIX + name: value for name, value in values.items()}


def test_first_a_kind_is_chosen(project: Project, browser: Client):
    for path in (NEW, f"{NEW}?kind=nothing"):
        page = browser.get(path).content.decode()
        assert all(f'href="?kind={kind}"' in page for kind in Kind)


@pytest.mark.parametrize("kind", sorted(CONDITIONS))
def test_each_kind_asks_for_all_that_it_needs_to_know(project: Project, browser: Client, kind: str):
    fields = CONDITIONS[kind].parameters.model_fields
    Policy.objects.create(project=project, slug="strict", name="Strict")

    page = browser.get(f"{NEW}?kind={kind}").content.decode()

    assert all(info.title for info in fields.values())
    assert {name for name in fields if f'name="{PREFIX}{name}"' in page} == set(fields)
    assert ("id_targets" in page) is ("targets" in CONDITIONS[kind].narrowed_by)


@pytest.mark.parametrize("kind", sorted(CONDITIONS))
def test_what_a_kind_begins_with_is_a_rule(project: Project, kind: str):
    form = KindForm(project, kind)
    said = {name: field.initial for name, field in form.fields.items() if field.initial is not None}

    filled = KindForm(project, kind, said | {"name": "x"})

    assert filled.is_valid(), filled.errors


def test_a_rule_is_tried_and_kept(project: Project, browser: Client):
    service_of(project)
    body = PLAIN | {"services": ["api"], "environments": "production, staging"}
    body |= named(metric="wall_seconds", statistic="p90", limit="1 min 40 s", days="2")
    path = f"{NEW}?kind=threshold"

    tried = browser.post(path, body | {"try": "1"}).content.decode()
    assert "It would not have fired in 90 days." in tried
    assert not AlertRule.objects.exists()
    assert browser.post(path, body).status_code == 302

    rule = AlertRule.objects.get()
    assert rule.kind == "threshold"
    expected = {"metric": "wall_seconds", "statistic": "p90", "limit": 100.0, "days": 2}
    assert rule.parameters == expected
    assert rule.environments == ["production", "staging"]
    assert [service.slug for service in rule.services.all()] == ["api"]


def test_a_preview_names_the_builds(project: Project, browser: Client, monkeypatch):
    monkeypatch.setattr("alerts.rule_views.timezone.now", lambda: NOON + 6 * HOUR)
    service = service_of(project)
    for hours, status in enumerate(["failed", "succeeded", "failed", "failed"]):
        build_of(service, NOON + hours * HOUR, status=status, revision=f"{hours}{hours}feed")
    body = PLAIN | {"least_samples": 1, "for_seconds": "0", "try": "1"}

    page = browser.post(f"{NEW}?kind=success", body | named(by="streak", failures=2))

    text = page.content.decode()
    assert "It would have fired once in 90 days; 1 would fire still." in text
    assert "api 22feed</a>" in text


@pytest.mark.parametrize(
    ("kind", "said", "field", "words"),
    [
        ("threshold", {"metric": "x", "statistic": "p90", "limit": "1"}, "metric", "valid choice"),
        ("threshold", {"metric": "image_bytes", "limit": "10 min"} | P90, "limit", "unit: 10 GB"),
        ("threshold", {"metric": "wall_seconds"} | P90, "limit", "Say either “Limit” or"),
        ("hit_ratio", {"by": "time", "least_ratio": "200 %"}, "least_ratio", "100 % at most"),
        ("hit_ratio", {"by": "time", "least_ratio": "0 %"}, "least_ratio", "greater than 0"),
        ("hit_ratio", {"by": "time", "least_ratio": "0.6"}, "least_ratio", "in percent: 80 %"),
        ("queue", {"share": "50 %"}, "limit_seconds", "required"),
        ("queue", {"share": "50 %", "limit_seconds": "600"}, "limit_seconds", "unit: 15 min"),
        ("missing", {"days": "x"}, "days", "whole number"),
        ("budget", {"days": 3}, "metrics", "at least 1 item"),
        (
            "storage",
            {"of": "builders", "limit_bytes": "1 GB", "share": "100 %"},
            "limit_bytes",
            "Say either",
        ),
    ],
)
def test_what_is_wrong_is_told_at_its_field(
    project: Project, browser: Client, kind: str, said: dict[str, object], field: str, words: str
):
    form = KindForm(project, kind, PLAIN | named(**said))
    assert list(form.errors) == [PREFIX + field]
    assert words in form.errors[PREFIX + field][0]

    page = browser.post(f"{NEW}?kind={kind}", PLAIN | named(**said)).content.decode()
    assert f'id="id_{PREFIX}{field}_error"' in page
    assert not AlertRule.objects.exists()


def test_what_is_sent_as_it_was_shown_changes_nothing(project: Project, browser: Client):
    written = {"least_percent": 20, "days": 28}
    rule = rule_of(project, parameters=written, next_due_at=NOON)
    change_of(service_of(project), NOON - HOUR)
    evaluate_due(NOON)
    path = rule.get_absolute_url()

    body = sent_by(browser.get(path).content.decode()) | {"name": "Other"}
    assert browser.post(path, body).status_code == 302

    rule.refresh_from_db()
    assert (rule.name, rule.parameters, rule.version) == ("Other", written, 2)
    assert Alert.objects.get().state == "firing"


def test_an_old_version_is_told(project: Project, browser: Client):
    rule = rule_of(project, parameters={})
    body = sent_by(browser.get(rule.get_absolute_url()).content.decode())
    AlertRule.objects.update(version=7)
    page = browser.post(rule.get_absolute_url(), body).content.decode()
    assert "Somebody has changed this rule meanwhile" in page


def test_policies_are_those_of_the_project_and_what_was_chosen(project: Project):
    Policy.objects.create(project=project, slug="strict", name="Strict")
    rule = rule_of(project, "policy", parameters={"policies": ["gone"]})
    field = KindForm(project, "policy", initial={"parameters": rule.parameters}).fields
    choices = list(field[PREFIX + "policies"].choices)  # type: ignore[attr-defined]
    assert choices == [("strict", "Strict"), ("gone", "gone")]
