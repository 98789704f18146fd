"""A message to a Slack-compatible incoming webhook.

Format: https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks and, for blocks,
https://docs.slack.dev/reference/block-kit/blocks. Services that know no blocks (Mattermost,
Rocket.Chat) show ``text``, which says it all, too.
"""

from typing import Any

from pydantic import Field

from channels import addresses
from channels.contract import Fact, Message, Receipt
from channels.kinds.contract import KindSettings, Outgoing, SecretAddress
from channels.kinds.http import host_of, post_json
from channels.kinds.texts import calling_nobody, headline, shortened

MOST_HEADER, MOST_SECTION, MOST_FIELD, MOST_FIELDS = 150, 3000, 2000, 10
"""Characters and fields that blocks may have."""


class SlackSettings(KindSettings):
    """The webhook."""

    url: SecretAddress = Field(title="Webhook address", description="https://hooks.slack.com/…")


class Slack:
    """A chat room."""

    label = "Slack-compatible webhook"
    settings_model = SlackSettings

    def destination(self, settings: SlackSettings) -> str:
        """Return the host."""
        return host_of(settings.url.get_secret_value())

    def send(self, settings: SlackSettings, outgoing: Outgoing) -> Receipt:
        """Post the message."""
        post_json(settings.url.get_secret_value(), payload_of(outgoing.message, outgoing.project))
        return Receipt()


def payload_of(message: Message, project: str) -> dict[str, Any]:
    """Return the message as blocks, with the same as plain text beside."""
    title, url = headline(message), addresses.absolute(message.path)
    blocks: list[dict[str, Any]] = [
        {"type": "header", "text": _plain(shortened(title, MOST_HEADER))},
    ]
    if message.summary:
        blocks.append({"type": "section", "text": _mrkdwn(message.summary, MOST_SECTION)})
    if message.facts:
        facts = message.facts[:MOST_FIELDS]
        blocks.append({"type": "section", "fields": [_field(fact) for fact in facts]})
    about = f"{project} · severity {message.severity}"
    blocks += [
        {"type": "context", "elements": [_mrkdwn(about, MOST_SECTION)]},
        {
            "type": "actions",
            "elements": [{"type": "button", "text": _plain("Open"), "url": url}],
        },
    ]
    told = [_bounded(title, MOST_SECTION), _bounded(message.summary, MOST_SECTION)]
    lines = [*filter(None, told), f"<{url}|Open in buildinsights>"]
    return {"text": "\n".join(lines), "blocks": blocks}


def escaped(text: str) -> str:
    """Write the three characters that have a meaning as what they are, and mention nobody.

    Of Slack ``<!channel>`` would, of Mattermost and Rocket.Chat ``@channel`` as well.
    """
    return calling_nobody(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _mrkdwn(text: str, most: int) -> dict[str, Any]:
    return _verbatim(_bounded(text, most))


def _plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text, "emoji": False}


def _field(fact: Fact) -> dict[str, Any]:
    label = f"*{_bounded(fact.label, MOST_FIELD // 4)}*\n"
    value = _bounded(fact.value, MOST_FIELD // 2)
    if fact.path and len(address := addresses.absolute(fact.path)) < MOST_FIELD // 5:
        value = f"<{address}|{value}>"
    return _verbatim(label + value)


def _verbatim(text: str) -> dict[str, Any]:
    """Return a text in which only links of ours are links."""
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def _bounded(text: str, most: int) -> str:
    """Escape a text and cut it where no escape is cut in two."""
    if len(whole := escaped(text)) <= most:
        return whole
    size = most
    while len(cut := escaped(shortened(text, size))) > most:
        size -= len(cut) - most
    return cut
