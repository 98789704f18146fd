"""A status at a commit, and one comment at its pull request, on GitHub or GitHub Enterprise.

Formats: https://docs.github.com/rest/commits/statuses and https://docs.github.com/rest/issues/
comments.
"""

import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr

from channels.contract import Event, Receipt
from channels.kinds.contract import Address, KindSettings, NothingToTellError, Outgoing
from channels.kinds.github.comments import comment_on
from channels.kinds.github.requests import GitHub as Host
from channels.kinds.github.statuses import set_status
from supplychain.signing.sources import canonical_repository

PUBLIC = "https://api.github.com"
NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,99}/[A-Za-z0-9_.-]{1,100}", re.ASCII)


def _named(repository: str) -> str:
    if NAME.fullmatch(repository) is None or repository.endswith(("/.", "/..")):
        raise ValueError("A repository is named owner/name.")
    return repository


class GitHubSettings(KindSettings):
    """The repository, and what lets us write there."""

    leads = frozenset({"api_url"})

    repository: Annotated[str, AfterValidator(_named)] = Field(
        title="Repository", description="owner/name"
    )
    token: SecretStr = Field(
        title="Token",
        description="May write commit statuses and, for comments, pull requests.",
    )
    api_url: Address = Field(
        default=PUBLIC, title="API", description="GitHub Enterprise: https://HOST/api/v3"
    )
    comments: bool = Field(default=True, title="Comment on pull requests, too")


class GitHub:
    """A repository on GitHub."""

    label = "GitHub status and comment"
    settings_model = GitHubSettings

    def destination(self, settings: GitHubSettings) -> str:
        """Return the repository with its host."""
        return f"{web_host(settings.api_url)}/{settings.repository}"

    def send(self, settings: GitHubSettings, outgoing: Outgoing) -> Receipt:
        """Set the status and write the comment; a test looks whether the repository is there."""
        message = outgoing.message
        host = Host(settings.api_url, settings.repository, settings.token.get_secret_value())
        if message.event == Event.TEST:
            host.ask("GET", "")
            return Receipt()
        commit = message.commit
        if commit is None or not is_of(settings, commit.repository_url) or not commit.revision:
            raise NothingToTellError(f"It is about no commit of {settings.repository}.")
        told = set_status(host, commit.revision, message)
        if settings.comments and commit.change_id.isascii() and commit.change_id.isdigit():
            told = comment_on(host, commit.change_id, message, outgoing.channel_id)
        return Receipt(told[:300])


def is_of(settings: GitHubSettings, repository_url: str) -> bool:
    """Tell whether an address, in whatever form, is that of the channel's repository."""
    known = f"{web_host(settings.api_url)}/{settings.repository}".lower()
    parts = urlsplit(canonical_repository(repository_url))
    return f"{parts.hostname}{parts.path}".lower() == known


def web_host(api_url: str) -> str:
    """Return where people see what the API is about."""
    host = urlsplit(api_url).hostname or ""
    return host.removeprefix("api.")
