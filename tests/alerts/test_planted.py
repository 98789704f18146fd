"""Causes planted into real builds: each is one alert with one message, and the control has none.

The recordings are builds of a real engine (demo/README.md says how they were made).
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Project
from alerts.evaluating import evaluate
from alerts.models import Alert, AlertRule
from bases.tasks import follow_waiting as follow_bases
from builds.models import Build
from channels.kinds import KINDS
from channels.models import Channel
from channels.opening import put_into
from channels.sending import send_due
from tests.alerts.making import rule_of
from tests.channels.receiving import Receiver, receiving
from tests.farm.test_notices import Inbox, inbox  # noqa: F401  # a fixture
from tests.trends.test_planted import changes, revisions  # noqa: F401  # a fixture
from trends.models import Change
from trends.services import mark
from trends.tasks import follow_waiting

pytestmark = pytest.mark.django_db

CAUSES = {
    "codec": ("commit", "Wall time of codec up", "install.sh packages.lock", 30),
    "ledger": ("commit", "Cache hits by time of ledger down", "install.sh packages.lock", 30),
    "mailer": ("commit", "Image size of mailer up", "COPY --from=build /opt/toolchain", 26),
    "maps": ("commit", "Cache hits by time of maps down", "compile.sh", 30),
    "photos": ("base", "Image size of photos up", "FROM ", 26),
}
"""By service: what the alert's cause is, its title, its step, and the number of the first build
with it.
"""

BETWEEN = timedelta(minutes=150)
"""Builds that all come at one time of day would tell of that time, and not of the service."""

MEMBERS = {"maps": 2}
"""Builds beside each make its builds slower, and fewer of their seconds hits."""


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    """An HTTP server that takes webhooks."""
    settings.OUTBOUND_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    with receiving() as receiver:
        yield receiver


def test_each_planted_cause_is_one_alert_and_one_message_that_arrives(
    changes: list[Change],  # noqa: F811
    project: Project,
    receiver: Receiver,
    inbox: Inbox,  # noqa: F811
):
    follow_bases()
    team = _channel(project, "email", recipients=["team@example.com"])
    hook = _channel(project, "webhook", url=receiver.url)
    rule = rule_of(project, channels=[team, hook], parameters={"least_percent": 10})
    first = min(change.found_at for change in changes)

    evaluate(_again(rule), first - timedelta(seconds=1))
    assert not Alert.objects.exists()
    now = timezone.now()
    evaluate(_again(rule), now)
    evaluate(_again(rule), now + timedelta(minutes=1))
    send_due()

    alerts = {alert.title.split(" of ")[1].split()[0]: alert for alert in Alert.objects.all()}
    assert sorted(alerts) == sorted(CAUSES)
    assert Alert.objects.count() == len(CAUSES)
    for name, expected in CAUSES.items():
        _check(alerts[name], name, expected)
    assert _subjects(inbox) == sorted(
        f"[{project}] Firing: {alert.title}" for alert in alerts.values()
    )
    assert sorted(request.document["data"]["key"] for request in receiver.taken) == sorted(
        f"alert/{alert.public_id}" for alert in alerts.values()
    )

    gone: set[str] = set()
    for some in ({"codec"}, CAUSES.keys() - {"codec"}):
        for name in sorted(some):
            _go_back(name, changes)
        before = len(inbox.messages), len(receiver.taken)
        evaluate(_again(rule), timezone.now() + timedelta(hours=1))
        send_due()
        gone |= some
        states = {name: Alert.objects.get(pk=alert.pk).state for name, alert in alerts.items()}
        assert states == {name: "resolved" if name in gone else "firing" for name in CAUSES}
        assert _subjects(inbox, before[0]) == sorted(
            f"[{project}] Resolved: {alerts[name].title}" for name in some
        )
        told = [request.document["data"] for request in receiver.taken[before[1] :]]
        assert sorted((data["event"], data["key"]) for data in told) == sorted(
            ("resolved", f"alert/{alerts[name].public_id}") for name in some
        )
    assert Alert.objects.count() == len(CAUSES)


def _channel(project: Project, kind: str, **values: Any) -> Channel:
    channel = Channel(project=project, kind=kind, name=kind)
    put_into(channel, KINDS[kind].settings_model(**values))
    channel.save()
    return channel


def _subjects(inbox: Inbox, first: int = 0) -> list[str]:  # noqa: F811
    return sorted(str(mail["Subject"]) for _, mail in inbox.messages[first:])


def _again(rule: AlertRule) -> list[AlertRule]:
    return [AlertRule.objects.told().get(pk=rule.pk)]


def _check(alert: Alert, name: str, expected: tuple[str, str, str, int]) -> None:
    kind, title, step, came_at = expected
    assert alert.state == "firing"
    assert alert.cause.startswith(f"{kind}:")
    assert alert.title.startswith(title)
    assert step in alert.context["step"]
    assert alert.members.count() == MEMBERS.get(name, 1)
    commits, told = revisions(name), alert.context["commits"]
    span = commits.index(told["first"]), commits.index(told["last"])
    assert span[0] < came_at <= span[1] + 1
    assert told["authors"]


def _go_back(name: str, changes: list[Change]) -> None:  # noqa: F811
    """Let eighteen builds come of which all is again what it was before it changed."""
    before = {
        change.series.metric: change.before
        for change in changes
        if change.series.service.name == name
    }
    last = Build.objects.filter(service__name=name).latest("listed_at")
    shares = [0.96, 1.04, 1.0, 0.98, 1.02, 1.0] * 3
    times = [last.listed_at + number * BETWEEN for number in range(1, len(shares) + 1)]
    plain = {field.attname: getattr(last, field.attname) for field in Build._meta.concrete_fields}
    for name_of_own in ("id", "public_id", "buildkit_ref", "created_at"):
        del plain[name_of_own]
    for at, share in zip(times, shares, strict=True):
        own = {metric: value * share for metric, value in before.items()}
        Build.objects.create(**plain | own | {"listed_at": at})
    mark(last.service_id, times[0])
    follow_waiting()
