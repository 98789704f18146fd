"""Texts of messages that several kinds share."""

import re

from channels.contract import Event, Message

CALLING = re.compile(r"([@#])(?=\w)")
"""What mentions people, rooms and issues."""

WORDS = {
    Event.TEST: "Test",
    Event.FIRING: "Firing",
    Event.ACKNOWLEDGED: "Acknowledged",
    Event.RESOLVED: "Resolved",
    Event.REPORT: "Report",
}


def headline(message: Message) -> str:
    """Say in one line what has happened."""
    return " ".join(f"{WORDS[message.event]}: {message.title}".split())


def calling_nobody(text: str) -> str:
    """Return a text that looks the same and mentions nobody."""
    return CALLING.sub("\\1\N{ZERO WIDTH SPACE}", text)


def shortened(text: str, most: int) -> str:
    """Return a text of ``most`` characters at most, which ends with an ellipsis if it is cut."""
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"
