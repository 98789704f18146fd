"""Requests to one repository by the REST API of GitHub."""

import time
from dataclasses import dataclass, field
from typing import Any

from channels.contract import DeliveryError, PermanentDeliveryError
from channels.kinds.http import HEADERS, encode, header, require_taken, retry_after
from channels.outbound import Answer, ask

FORBIDDEN = 403
TRY_SECONDS = 30.0
"""For all requests of one try, but for the last."""
LIMIT_SECONDS = 60.0
"""How long to wait at least when too much was asked, if nothing else is said."""


@dataclass(frozen=True, slots=True)
class GitHub:
    """A repository, and the token that is shown there."""

    api_url: str
    repository: str
    token: str = field(repr=False)
    deadline: float = field(default_factory=lambda: time.monotonic() + TRY_SECONDS, repr=False)

    def ask(self, method: str, path: str, document: Any = None) -> Any:
        """Return what is answered to a request below the repository.

        Raises:
            DeliveryError: it was refused.
        """
        if time.monotonic() >= self.deadline:
            raise DeliveryError("GitHub takes too long")
        url = f"{self.api_url.rstrip('/')}/repos/{self.repository}{path}"
        own = {
            "Accept": "application/vnd.github+json",
            "Authorization": f"Bearer {self.token}",
            "X-GitHub-Api-Version": "2022-11-28",
        }
        body = None if document is None else encode(document)
        answer = ask(method, url, headers=HEADERS | own, body=body)
        if answer.status == FORBIDDEN and _is_limited(answer):
            raise DeliveryError(
                "GitHub was asked too much for now", retry_after(answer) or LIMIT_SECONDS
            )
        if answer.status == FORBIDDEN:
            raise ForbiddenError("GitHub does not let this token do it")
        require_taken(answer, url)
        return answer.document()


class ForbiddenError(PermanentDeliveryError):
    """The token may not do it."""


def _is_limited(answer: Answer) -> bool:
    return bool(header(answer, "Retry-After")) or header(answer, "X-RateLimit-Remaining") == "0"
