"""The recorded sample builds: sent through the ordinary way in, dated relative to today.

With the builds of known causes come reports whose findings are planted; no scanner wrote them.
"""

import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from django.conf import settings

from accounts.models import Project, User
from buildkit.limits import Limits
from buildkit.reading import read_builds
from builds.labelling import set_labels
from builds.models import Service
from ingest.digest import digest_payload
from ingest.models import IngestPayload, PayloadKind
from ingest.schemas import FIELD_NAMES
from ingest.services import accept_upload
from ingest.uploads import Part, Upload, plain

DEMO = Path(settings.BASE_DIR) / "demo"
RECORDINGS = DEMO / "recordings"
KNOWN_CAUSES = "Known causes"
"""The project for builds with causes planted into them, to see what is found of these."""

LABELS = {
    "ai": {"team": "assistants", "tier": "internal"},
    "api": {"team": "shop", "tier": "internal"},
    "web": {"team": "shop", "tier": "edge"},
}
"""Of the services of the recordings."""

UPLOAD_DELAY = timedelta(seconds=20)
"""How long after its build a sample is said to have been received."""


@dataclass(frozen=True, slots=True)
class Sample:
    """What CI would send of a recorded build, and when that should seem to have begun."""

    upload: Upload
    starts_at: datetime

    @property
    def is_report(self) -> bool:
        """Whether it is a report about an image, and no build."""
        return self.upload.kind == PayloadKind.TRIVY


def planted_recordings() -> Traversable:
    """Return the builds whose causes are known, as ``demo/README.md`` lists them."""
    return zipfile.Path(DEMO / "planted" / "recordings.zip")


def load_samples(now: datetime, folder: Traversable = RECORDINGS) -> list[Sample]:
    """Read the recordings, oldest first; offsets count back from ``now``'s midnight in UTC."""
    builds = json.loads((folder / "index.json").read_text())["builds"]
    samples = [Sample(_upload(entry, folder), _moment(now, entry)) for entry in builds]
    return sorted(samples, key=lambda sample: sample.starts_at)


def load_planted(now: datetime) -> list[Sample]:
    """Read builds whose causes are known, and reports of planted findings in their images."""
    reports = zipfile.Path(DEMO / "planted" / "reports.zip")
    listed = json.loads((reports / "index.json").read_text())["reports"]
    samples = [Sample(_report(entry, reports), _moment(now, entry)) for entry in listed]
    builds = load_samples(now, planted_recordings())
    return sorted([*builds, *samples], key=lambda sample: sample.starts_at)


def _moment(now: datetime, entry: dict[str, Any]) -> datetime:
    midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight - timedelta(seconds=entry["offset_seconds"])


def _upload(entry: dict[str, Any], folder: Traversable) -> Upload:
    parts = tuple(
        Part(name, file["name"], (folder / file["name"]).read_bytes())
        for name, file in entry["files"].items()
    )
    fields = {name: entry[name] for name in FIELD_NAMES if entry.get(name)}
    return Upload(PayloadKind.BUILDKIT, fields, parts)


def _report(entry: dict[str, Any], folder: Traversable) -> Upload:
    part = Part("report", entry["name"], (folder / entry["name"]).read_bytes())
    return Upload(PayloadKind.TRIVY, {"scanners": "vuln"}, (part,))


def ingest_samples(
    samples: list[Sample], *, project: Project, actor: User
) -> Iterator[IngestPayload]:
    """Accept and digest each sample that the project does not have yet."""
    for sample in samples:
        accepted = accept_upload(project_id=project.pk, actor=actor, upload=sample.upload)
        if accepted.duplicate:
            continue
        _date(accepted.payload, sample)
        payload = digest_payload(accepted.payload.pk)
        if payload:
            yield payload


def label_services(project: Project, actor: User) -> None:
    """Give the services of the recordings their labels."""
    for service in Service.objects.filter(project=project, slug__in=LABELS):
        set_labels(service=service, labels=LABELS[service.slug], actor=actor)


def _date(payload: IngestPayload, sample: Sample) -> None:
    if not sample.is_report:
        started = _recorded_start(sample.upload)
        payload.shift_seconds = round((sample.starts_at - started).total_seconds())
    IngestPayload.objects.filter(pk=payload.pk).update(
        shift_seconds=payload.shift_seconds, received_at=sample.starts_at + UPLOAD_DELAY
    )


def _recorded_start(upload: Upload) -> datetime:
    told = (part for part in upload.parts if part.name != "context")
    parts: dict[str, Any] = {part.name: plain(part, Limits()) for part in told}
    starts = [build.started_ns for build in read_builds(**parts) if build.started_ns is not None]
    return datetime.fromtimestamp(min(starts) / 1e9, UTC)
