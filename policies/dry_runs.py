"""What a policy would have said of the images that were built of late."""

import time
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import OperationalError, connection, transaction
from django.db.models import Exists, OuterRef
from psycopg.errors import QueryCanceled

from accounts.models import Project
from builds.models import Build, BuildImage, Image
from policies.evidence import evidence_of
from policies.images import subject_of
from supplychain.gate.judging import judge
from supplychain.gate.verdict import Verdict

MOST_BUILDS = 200
DEFAULT_BUILDS = 40

AT_MOST = timedelta(seconds=15)
"""How long somebody waits; what was looked at until then is told, and that there is more."""


@dataclass(frozen=True, slots=True)
class Tried:
    """One build, with what would have been said of its image."""

    build: Build
    digest: str
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class DryRun:
    """What would have been said of the newest builds that made an image, the newest first.

    ``builds`` is how many were to be tried: time may not be enough for all of them, or to find any.
    """

    tried: tuple[Tried, ...]
    builds: int
    is_whole: bool

    @property
    def outcomes(self) -> dict[str, int]:
        """How many would have passed, failed, and been unknown."""
        found = Counter(str(item.verdict.outcome) for item in self.tried)
        return {name: found.get(name, 0) for name in ("pass", "fail", "unknown")}

    @property
    def rules(self) -> dict[str, int]:
        """How many each rule would have failed, most first."""
        failing = Counter(
            rule
            for item in self.tried
            for rule in {one.rule for one in item.verdict.reasons if one.outcome == "fail"}
        )
        return dict(failing.most_common())


def dry_run(
    project: Project, document: dict[str, Any], *, environment: str = "", most: int = DEFAULT_BUILDS
) -> DryRun:
    """Judge the newest images, each at the time that its newest evidence is of; keep nothing.

    With an environment those of its builds alone. It ends after ``AT_MOST``, in the middle of a
    build if need be, which is not told of then.
    """
    until = time.monotonic() + AT_MOST.total_seconds()
    newest = _newest(project, environment)[: min(most, MOST_BUILDS)]
    builds: list[Build] = []
    tried: list[Tried] = []
    try:
        with transaction.atomic():
            _bound_statements(until)
            builds = list(newest)
            for build in builds:
                if time.monotonic() > until:
                    break
                _bound_statements(until)
                tried.append(_tried(project, build, document, environment))
    except OperationalError as error:
        if not isinstance(error.__cause__, QueryCanceled):
            raise
        return DryRun(tuple(tried), len(builds), is_whole=False)
    return DryRun(tuple(tried), len(builds), is_whole=len(tried) == len(builds))


def _newest(project: Project, environment: str) -> Any:
    made = BuildImage.objects.filter(build=OuterRef("pk"))
    builds: Any = Build.objects.filter(Exists(made), project=project, status=Build.Status.SUCCEEDED)
    if environment:
        builds = builds.filter(environment=environment)
    return builds.order_by("-listed_at", "-pk").select_related("project", "service")


def _bound_statements(until: float) -> None:
    """Have PostgreSQL end each statement of this transaction when the time is over."""
    left = max(int(1000 * (until - time.monotonic())), 1)
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('statement_timeout', %s, true)", [str(left)])


def _tried(project: Project, build: Build, document: dict[str, Any], environment: str) -> Tried:
    digest = build.image_digest or Image.objects.filter(builds=build).order_by("pk")[0].digest
    evidence = evidence_of(subject_of(project, digest), environment)
    moment = max([build.listed_at, *(scan.at for scan in evidence.scans)])
    return Tried(build, digest, judge(document, evidence, moment))
