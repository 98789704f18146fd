"""One comment at a pull request for each thing that is told of it: it is changed, not repeated."""

import re
from collections.abc import Iterator, Sequence
from uuid import UUID

from django.conf import settings
from django.utils.crypto import salted_hmac

from channels import addresses
from channels.contract import DeliveryError, Message
from channels.kinds.github.requests import ForbiddenError, GitHub
from channels.kinds.texts import calling_nobody, headline, shortened

PAGE, MOST_PAGES = 30, 20
MOST_CHARACTERS, MOST_LINE = 20_000, 500
MEANINGFUL = re.compile(r"([\\`*_{}\[\]()+.!|~<>&:-])")


def comment_on(host: GitHub, number: str, message: Message, channel: UUID) -> str:
    """Write the comment, or what it says now; return its address."""
    markers = markers_of(channel, message.key)
    document = {"body": body_of(message, markers[0])}
    for known in _own_comments(host, number, markers):
        try:
            said = host.ask("PATCH", f"/issues/comments/{known}", document)
        except ForbiddenError:
            continue  # somebody's copy of ours
        return _address(said)
    return _address(host.ask("POST", f"/issues/{number}/comments", document))


def markers_of(channel: UUID, key: str) -> list[str]:
    """Return what tells our comment from others, which nobody can write before us.

    The first is today's; the others are those of former values of ``SECRET_KEY``.
    """
    known = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return [_marker(secret, f"{channel}/{key}") for secret in known]


def _marker(secret: str, value: str) -> str:
    digest = salted_hmac("channels.github", value, secret, algorithm="sha256").hexdigest()
    return f"<!-- buildinsights {digest[:32]} -->"


def body_of(message: Message, marker: str) -> str:
    """Return the comment: what is told is text, not Markdown, and mentions nobody."""
    lines = [f"### {_escaped(headline(message))}", ""]
    if message.summary:
        lines += [_escaped(message.summary), ""]
    for fact in message.facts:
        value = _escaped(fact.value)
        shown = f"[{value}]({addresses.absolute(fact.path)})" if fact.path else value
        lines.append(f"- **{_escaped(fact.label)}**: {shown}")
    link = f"[Open in buildinsights]({addresses.absolute(message.path)})"
    text = "\n".join([*lines, "", f"Severity {message.severity} · {link}"])
    return f"{shortened(text, MOST_CHARACTERS)}\n\n{marker}"


def _escaped(text: str) -> str:
    """Write what means something in Markdown or HTML as what it is, in one line."""
    line = shortened(" ".join(text.split()), MOST_LINE)
    # GitHub reads mentions also where they are written as entities.
    return MEANINGFUL.sub(lambda found: f"&#{ord(found[1])};", calling_nobody(line))


def _own_comments(host: GitHub, number: str, markers: Sequence[str]) -> Iterator[int]:
    """Give the comments with a marker, the oldest first: a copy is younger than the original."""
    for page in range(1, MOST_PAGES + 1):
        path = f"/issues/{number}/comments?per_page={PAGE}&page={page}"
        comments = host.ask("GET", path)
        if not isinstance(comments, list):
            raise DeliveryError("GitHub's list of comments cannot be read")
        for comment in comments:
            if any(marker in str(comment.get("body")) for marker in markers):
                yield int(comment["id"])
        if len(comments) < PAGE:
            return


def _address(said: object) -> str:
    return str(said.get("html_url") or "") if isinstance(said, dict) else ""
