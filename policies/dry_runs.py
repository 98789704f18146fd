"""What a policy would have said of the images that were built of late."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

from accounts.models import Project
from builds.models import Build, Image
from policies.evidence import evidence_of
from policies.images import subject_of
from supplychain.gate.judging import judge
from supplychain.gate.verdict import Verdict

MOST_BUILDS = 200
DEFAULT_BUILDS = 40


@dataclass(frozen=True, slots=True)
class Tried:
    """One build, with what would have been said of its image."""

    build: Build
    digest: str
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class DryRun:
    """What would have been said of the newest builds that made an image, the newest first."""

    tried: tuple[Tried, ...]

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

    With an environment those of its builds alone.
    """
    builds: Any = Build.objects.filter(
        project=project, status=Build.Status.SUCCEEDED, image_links__isnull=False
    )
    if environment:
        builds = builds.filter(environment=environment)
    newest = builds.distinct().order_by("-listed_at", "-pk").select_related("project", "service")
    tried = []
    for build in newest[: min(most, MOST_BUILDS)]:
        digest = build.image_digest or Image.objects.filter(builds=build).order_by("pk")[0].digest
        evidence = evidence_of(subject_of(project, digest), environment)
        moment = max([build.listed_at, *(scan.at for scan in evidence.scans)])
        tried.append(Tried(build, digest, judge(document, evidence, moment)))
    return DryRun(tuple(tried))
