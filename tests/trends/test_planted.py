"""Causes planted into real builds are found with their step and commit, and nothing else is.

The recordings are builds of a real engine (demo/README.md says how they were made).
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Project, User
from builds.models import Build
from cache.tasks import explain_waiting
from ingest.demo import ingest_samples, load_samples, planted_recordings
from trends.models import Change, Waiting
from trends.tasks import follow_waiting

pytestmark = pytest.mark.django_db


@dataclass(frozen=True, slots=True)
class Expected:
    """What is to be found of a service: where it is seen, its step, and what is behind it.

    ``came_at`` is the number of the first build with it, from 0; ``is_commit`` tells whether it
    came with that build's commit.
    """

    service: str
    metric: str
    step: str
    cause: str
    words: str
    came_at: int
    is_commit: bool = True


EXPECTED = (
    Expected(
        "codec", "wall_seconds", "sh install.sh packages.lock", "dependency", "packages.lock", 30
    ),
    Expected("photos", "image_bytes", "FROM ", "base", "busybox:1", 26, is_commit=False),
    Expected(
        "ledger", "hit_ratio_time", "sh install.sh packages.lock", "instruction", "COPY . .", 30
    ),
    Expected("maps", "wall_seconds", "sh compile.sh", "concurrency", "ran beside", 30, False),
    Expected("mailer", "image_bytes", "COPY --from=build /opt/toolchain", "instruction", "", 26),
)

LIKEWISE = {
    "ledger": {"wall_seconds"},
    "maps": {"hit_ratio_time"},
    "mailer": {"wall_seconds"},
    "photos": {"wall_seconds"},
}
"""What a cause does besides: hits are told by time, so fewer of them are slower builds, and the
other way round; what is larger takes longer to export.
"""


@pytest.fixture
def changes(project: Project, alice: User) -> list[Change]:
    """All that is found in all recordings and worth a look, in the order of services."""
    samples = load_samples(timezone.now(), planted_recordings())
    states = {payload.state for payload in ingest_samples(samples, project=project, actor=alice)}
    assert states == {"done"}
    while Build.objects.filter(explanation__state="pending").exists():
        explain_waiting()
    follow_waiting()
    assert not Waiting.objects.exists()
    found = Change.objects.filter(is_slight=False).of_level().told()
    return list(found.order_by("series__service__name", "series__metric"))


def revisions(service: str) -> list[str]:
    """The commits of a service's builds, the oldest first."""
    builds = json.loads((planted_recordings() / "index.json").read_text())["builds"]
    own = [build for build in builds if build["service"] == service]
    return [build["revision"] for build in sorted(own, key=lambda item: -item["offset_seconds"])]


def test_each_cause_is_found_with_its_step_and_commit_and_the_control_is_quiet(
    changes: list[Change],
):
    for expected in EXPECTED:
        own = [change for change in changes if change.series.service.name == expected.service]
        [change] = [item for item in own if item.series.metric == expected.metric]
        _check(change, expected)
        others = {item.series.metric for item in own} - {expected.metric}
        assert others <= LIKEWISE.get(expected.service, set()), expected.service
    assert [change for change in changes if change.series.service.name == "quiet"] == []


def _check(change: Change, expected: Expected) -> None:
    commits = revisions(expected.service)
    came_with = commits[expected.came_at]
    told = list(_told(change))
    assert change.is_worse, told
    assert change.kind == Change.Kind.STEP, told
    if expected.metric == "image_bytes":
        _check_sizes(change, expected)
    assert change.last_before is not None
    span = commits.index(change.last_before.revision), commits.index(change.build.revision)
    assert span[0] < expected.came_at <= span[1] + 1, (span, told)
    assert span[1] - expected.came_at in (-1, 0, 1), (span, told)
    assert expected.step in change.parts[0]["name"], told
    first = change.causes[0]
    assert first["cause"] == expected.cause, told
    assert expected.words in first["words"], told
    if expected.is_commit:
        assert first["revision"] == came_with, told


def _check_sizes(change: Change, expected: Expected) -> None:
    """A size is no other for another cache or builder: the medians are those of the images."""
    builds = Build.objects.filter(service__slug=expected.service).order_by("listed_at")
    sizes = [build.image_bytes or 0 for build in builds]
    before, after = sizes[: expected.came_at], sizes[expected.came_at :]
    assert change.before == pytest.approx(median(before), rel=0.01)
    assert change.after == pytest.approx(median(after), rel=0.01)


def _told(change: Change) -> Iterator[Any]:
    yield str(change)
    yield from ((part["name"], round(part["share"], 2)) for part in change.parts)
    yield from ((cause["cause"], cause["words"], cause["weight"]) for cause in change.causes)
