"""What came before the build of its image gets it as soon as the build is there."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from itertools import batched
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from builds.models import Build, Image

ASKED_AT_ONCE = 1000
"""Rows of which one query asks whether their image is known now."""
ASKED_FOR = timedelta(days=30)
"""After it, what is still unknown is not asked about any more: images of others never get a build.
A build that comes later places it as all others."""


@dataclass(frozen=True)
class Awaiting:
    """Rows of one kind that wait for a build of their image, and what is done when it is there.

    ``waiting`` returns them, each with ``project``, ``digests`` and ``received_at``; ``place``
    takes the keys of some of them.
    """

    waiting: Callable[[], QuerySet[Any]]
    place: Callable[[list[int]], None]

    def place_those_of(self, build: Build, **_: Any) -> None:
        """Place what waited for a build, as soon as others can see it: a receiver of its signal.

        A verdict that is asked for next counts them.
        """
        pairs = build.images.values_list("digest", "config_digest")
        digests = sorted({digest for pair in pairs for digest in pair if digest})
        if not digests:
            return
        rows = self.waiting().filter(project=build.project_id, digests__overlap=digests)
        if keys := list(rows.order_by("received_at").values_list("pk", flat=True)):
            transaction.on_commit(partial(self.place, keys), robust=True)

    def place_known(self) -> int:
        """Place what waits although its build is known; return how much that was."""
        recent = self.waiting().filter(received_at__gte=timezone.now() - ASKED_FOR)
        rows = recent.order_by("received_at").values_list("pk", "project", "digests")
        asked = batched(rows.iterator(chunk_size=ASKED_AT_ONCE), ASKED_AT_ONCE)
        if keys := [key for some in asked for key in _known(some)]:
            self.place(keys)
        return len(keys)


def _known(rows: Sequence[tuple[int, int, list[str]]]) -> Iterator[int]:
    digests = {digest for _, _, own in rows for digest in own}
    made = Image.objects.filter(build_links__isnull=False).known_by(digests)
    known = {
        (project, digest)
        for project, *own in made.values_list("project", "digest", "config_digest")
        for digest in own
    }
    for key, project, own in rows:
        if any((project, digest) in known for digest in own):
            yield key
