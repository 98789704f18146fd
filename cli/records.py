"""Local records: one directory a run, with everything that BuildKit emitted."""

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from cli.settings import state_dir

PROGRESS = "progress.rawjson"
METADATA = "metadata.json"
RESOURCES = "resources.jsonl"
CONTEXT = "context.json"
RUN = "run.json"
BUNDLE_SUFFIX = ".dockerbuild"
"""Of the builder's own records, one a target."""


@dataclass(frozen=True, slots=True)
class Run:
    """What is known of one run of Bake. Times are ISO 8601 in UTC; ``refs``, ``services``,
    ``contexts`` (directory and Dockerfile) and ``cache_to`` are by target.

    ``outcome`` is running, succeeded, failed, canceled, usage_error or engine_missing.
    """

    id: str
    directory: str
    command: list[str]
    started_at: str
    ended_at: str = ""
    outcome: str = "running"
    exit_code: int | None = None
    targets: list[str] = field(default_factory=list)
    services: dict[str, str] = field(default_factory=dict)
    contexts: dict[str, list[str]] = field(default_factory=dict)
    cache_to: dict[str, list[str]] = field(default_factory=dict)
    fields: dict[str, str] = field(default_factory=dict)
    refs: dict[str, str] = field(default_factory=dict)
    collected: bool = False
    sent: list[str] = field(default_factory=list)
    upload_error: str = ""


@dataclass(frozen=True, slots=True)
class Record:
    """A record directory."""

    path: Path

    def file(self, name: str) -> Path:
        """Return the path of one of its files."""
        return self.path / name

    def read(self, name: str) -> bytes | None:
        """Return a file's bytes, or ``None`` without it."""
        try:
            return self.file(name).read_bytes()
        except FileNotFoundError:
            return None

    def run(self) -> Run:
        """Return what is known of the run."""
        return Run(**json.loads(self.file(RUN).read_text()))

    def save(self, run: Run) -> Run:
        """Write ``run`` at once or not at all."""
        write_whole(self.file(RUN), asdict(run))
        return run

    def refs(self) -> dict[str, str]:
        """Return the builder's refs by target, as the metadata names them: none after a failure."""
        document = json.loads(self.read(METADATA) or b"{}")
        return {
            target: item["buildx.build.ref"]
            for target, item in document.items()
            if isinstance(item, dict) and "buildx.build.ref" in item
        }

    def metadata_of(self, target: str) -> bytes | None:
        """Return what the metadata say of one target: its image, and which builder made it."""
        document = json.loads(self.read(METADATA) or b"{}")
        return json.dumps({target: document[target]}).encode() if target in document else None

    def update(self, **changes: object) -> Run:
        """Change some of what is known of the run."""
        return self.save(replace(self.run(), **changes))  # type: ignore[arg-type]


def write_whole(path: Path, document: Mapping[str, object]) -> None:
    """Write a document as JSON, at once or not at all."""
    scratch = path.with_name(path.name + ".new")
    scratch.write_text(json.dumps(document, indent=2) + "\n")
    scratch.replace(path)


def records_dir() -> Path:
    """Return the directory that holds all records."""
    return state_dir() / "records"


def create(command: list[str], directory: Path, root: Path | None = None) -> Record:
    """Begin a record. Only its owner can read it: logs and arguments may hold secrets."""
    now = datetime.now(UTC)
    record = Record(new_directory(root or records_dir(), now))
    record.save(Run(record.path.name, str(directory), command, now.isoformat()))
    return record


def new_directory(root: Path, now: datetime) -> Path:
    """Make a directory for its owner alone, of which the name sorts by time."""
    # Also those of one second.
    path = root / f"{now:%Y%m%dT%H%M%S.%f}Z-{os.getpid()}-{os.urandom(3).hex()}"
    path.mkdir(parents=True, mode=0o700)
    return path


def all_records() -> Iterator[Record]:
    """Yield the records, newest first; what is not one is left out."""
    if not records_dir().is_dir():
        return
    for path in sorted(records_dir().iterdir(), reverse=True):
        if (path / RUN).is_file():
            yield Record(path)
