"""Events to a pager: PagerDuty's Events API v2, or a service that takes the same.

Format: https://developer.pagerduty.com/docs/events-api-v2-overview, "Send an alert event".
"""

import hashlib
from typing import Any

from pydantic import Field, SecretStr

from channels import addresses
from channels.contract import DeliveryError, Event, Message, Receipt, Severity
from channels.kinds.contract import Address, KindSettings, NothingToTellError, Outgoing
from channels.kinds.http import host_of, post_json
from channels.kinds.texts import shortened

ENQUEUE = "https://events.pagerduty.com/v2/enqueue"
ACTIONS = {
    Event.TEST: "trigger",
    Event.FIRING: "trigger",
    Event.ACKNOWLEDGED: "acknowledge",
    Event.RESOLVED: "resolve",
}
SEVERITIES = {
    Severity.CRITICAL: "critical",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "info",
    Severity.INFO: "info",
}
MOST_KEY, MOST_SUMMARY, MOST_DETAIL = 255, 1024, 2000


class PagerDutySettings(KindSettings):
    """Which service of the pager it is."""

    leads = frozenset({"url"})

    routing_key: SecretStr = Field(
        title="Integration key", description="Of an integration “Events API v2”."
    )
    url: Address = Field(
        default=ENQUEUE, title="Address", description="Another for a compatible service."
    )


class PagerDuty:
    """A pager."""

    label = "PagerDuty-compatible events"
    settings_model = PagerDutySettings

    def destination(self, settings: PagerDutySettings) -> str:
        """Return the host."""
        return host_of(settings.url)

    def send(self, settings: PagerDutySettings, outgoing: Outgoing) -> Receipt:
        """Post the event; one that only shows that it works is resolved at once."""
        message = outgoing.message
        if message.event not in ACTIONS:
            raise NothingToTellError("A pager is told of alerts alone.")
        event = event_of(message, outgoing.project) | {
            "routing_key": settings.routing_key.get_secret_value()
        }
        answer = post_json(settings.url, event)
        if message.event == Event.TEST:
            _end_test(settings.url, _bare(event) | {"event_action": "resolve"})
        said = answer.document()
        known = said.get("dedup_key") if isinstance(said, dict) else None
        return Receipt(str(known or event["dedup_key"])[:300])


def event_of(message: Message, project: str) -> dict[str, Any]:
    """Return the event, without the key of the service that it is for."""
    event = {"event_action": ACTIONS[message.event], "dedup_key": dedup_key(message.key)}
    if event["event_action"] != "trigger":
        return event
    details = {
        shortened(fact.label, MOST_KEY): shortened(fact.value, MOST_DETAIL)
        for fact in message.facts
    }
    about = {"summary": shortened(message.summary, MOST_DETAIL)} if message.summary else {}
    return event | {
        "payload": {
            "summary": shortened(message.title, MOST_SUMMARY),
            "source": addresses.host(),
            "severity": SEVERITIES[message.severity],
            "group": project,
            "custom_details": about | details,
        },
        "client": "buildinsights",
        "client_url": addresses.absolute(message.path),
        "links": [
            {"href": addresses.absolute(fact.path), "text": shortened(fact.value, MOST_KEY)}
            for fact in message.facts
            if fact.path
        ],
    }


def dedup_key(key: str) -> str:
    """Return what joins the events of one incident: the key, or its digest if it is too long."""
    return key if len(key) <= MOST_KEY else hashlib.sha256(key.encode()).hexdigest()


def _end_test(url: str, event: dict[str, Any]) -> None:
    """Resolve what was triggered as a test, in two tries: until then it rings."""
    for is_last in (False, True):
        try:
            post_json(url, event)
        except DeliveryError as error:
            if is_last:
                text = f"The test rings and could not be ended, resolve it there: {error}"
                raise DeliveryError(text, error.retry_after) from None
        else:
            return


def _bare(event: dict[str, Any]) -> dict[str, Any]:
    return {name: event[name] for name in ("routing_key", "dedup_key")}
