"""Notes of what is to be followed."""

from datetime import datetime
from typing import Any

from django.db import connection

from builds.models import Build
from sizes.models import SizedImage

ASK = """
INSERT INTO sizes_waiting (service_id, since) VALUES (%s, %s)
ON CONFLICT (service_id) DO UPDATE SET since = LEAST(sizes_waiting.since, EXCLUDED.since)
"""


def ask_for(*, build: Build, listed_before: datetime | None = None, **_: Any) -> None:
    """Note that a build came, or was corrected, or moved in time."""
    if build.status == Build.Status.SUCCEEDED or _was_followed(build):
        mark(build.service_id, min(build.listed_at, listed_before or build.listed_at))


def forget(*, build: Build, **_: Any) -> None:
    """Note that the images of a build count no more."""
    if _was_followed(build):
        mark(build.service_id, build.listed_at)


def _was_followed(build: Build) -> bool:
    return SizedImage.objects.filter(build=build).exists()


def mark(service_id: int, since: datetime) -> None:
    """Let the images of a service be followed again from a moment on."""
    with connection.cursor() as cursor:
        cursor.execute(ASK, [service_id, since])
