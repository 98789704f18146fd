"""An Adaptive Card to a webhook of Teams: the "Workflows" app, or a service that takes the same.

Format: https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/
connectors-using (a message with one card attached) and https://adaptivecards.io/explorer. Texts are
runs of a RichTextBlock: those of a TextBlock or FactSet would be read as Markdown.
"""

from typing import Any

from pydantic import Field

from channels import addresses
from channels.contract import Fact, Message, Receipt, Severity
from channels.kinds.contract import KindSettings, Outgoing, SecretAddress
from channels.kinds.http import host_of, post_json
from channels.kinds.texts import headline, shortened

MOST_TITLE, MOST_SUMMARY, MOST_LABEL, MOST_VALUE, MOST_FACTS = 300, 4000, 100, 500, 12
"""Together less than the 28 KB that a message may have, also where characters take four bytes."""
COLOURS = {
    Severity.CRITICAL: "attention",
    Severity.HIGH: "attention",
    Severity.MEDIUM: "warning",
    Severity.LOW: "accent",
    Severity.INFO: "accent",
}
CARD = "application/vnd.microsoft.card.adaptive"


class TeamsSettings(KindSettings):
    """The webhook."""

    url: SecretAddress = Field(
        title="Webhook address",
        description="That of a workflow “when a Teams webhook request is received”.",
    )


class Teams:
    """A channel of Teams."""

    label = "Teams-compatible webhook"
    settings_model = TeamsSettings

    def destination(self, settings: TeamsSettings) -> str:
        """Return the host."""
        return host_of(settings.url.get_secret_value())

    def send(self, settings: TeamsSettings, outgoing: Outgoing) -> Receipt:
        """Post the card."""
        post_json(settings.url.get_secret_value(), payload_of(outgoing.message, outgoing.project))
        return Receipt()


def payload_of(message: Message, project: str) -> dict[str, Any]:
    """Return the message that holds the card."""
    attached = {"contentType": CARD, "contentUrl": None, "content": card_of(message, project)}
    return {"type": "message", "attachments": [attached]}


def card_of(message: Message, project: str) -> dict[str, Any]:
    """Return the card."""
    colour = "good" if message.event == "resolved" else COLOURS[message.severity]
    title = _run(shortened(headline(message), MOST_TITLE), weight="bolder", size="large")
    body = [
        _block(title | {"color": colour}),
        _block(_run(f"{project} · severity {message.severity}", isSubtle=True)),
    ]
    if message.summary:
        body.append(_block(_run(shortened(message.summary, MOST_SUMMARY))))
    body += [_line(fact) for fact in message.facts[:MOST_FACTS]]
    url = addresses.absolute(message.path)
    return {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "fallbackText": shortened(headline(message), MOST_TITLE),
        "msteams": {"width": "Full"},
        "body": body,
        "actions": [{"type": "Action.OpenUrl", "title": "Open in buildinsights", "url": url}],
    }


def _line(fact: Fact) -> dict[str, Any]:
    value = _run(shortened(fact.value, MOST_VALUE))
    if fact.path:
        value["selectAction"] = {"type": "Action.OpenUrl", "url": addresses.absolute(fact.path)}
    return _block(_run(f"{shortened(fact.label, MOST_LABEL)}: ", weight="bolder"), value)


def _block(*runs: dict[str, Any]) -> dict[str, Any]:
    return {"type": "RichTextBlock", "inlines": list(runs)}


def _run(text: str, **looks: Any) -> dict[str, Any]:
    return {"type": "TextRun", "text": text, **looks}
