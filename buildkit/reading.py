"""The one way in: pieces of BuildKit's output, read and united to builds."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from buildkit.assemble import assemble
from buildkit.draft import Draft, new_draft
from buildkit.errors import ParseError
from buildkit.images import short_name
from buildkit.limits import Limits
from buildkit.metadata import Metadata, read_metadata
from buildkit.model import Build, BuildStatus, Image
from buildkit.progress import draft_stream, read_stream
from buildkit.provenance import read_provenance
from buildkit.records import draft_record, read_bundle
from buildkit.resources import read_samples
from buildkit.status import Problems


@dataclass(slots=True)
class _Pieces:
    """The pieces that could be read, and the first error of those that could not."""

    drafts: list[Draft]
    metadata: tuple[Metadata, ...]
    problems: Problems
    error: ParseError | None = None

    def attempt[T, D](self, read: Callable[[], T], otherwise: D) -> T | D:
        """Read one piece; an error is kept, as other pieces may still make a build."""
        try:
            return read()
        except ParseError as error:
            self.error = self.error or error
            self.problems.add(error.path, error.message)
            return otherwise


def read_builds(
    *,
    record: bytes | None = None,
    progress: bytes | None = None,
    metadata: bytes | None = None,
    provenance: bytes | None = None,
    resources: bytes | None = None,
    limits: Limits = Limits(),  # noqa: B008 - immutable
    only_ref: str | None = None,
) -> tuple[Build, ...]:
    """Read the pieces of one build, or of the builds of one bundle or Bake run.

    A record wins over a progress stream of the same build; metadata and provenance fill in what is
    missing. ``only_ref`` picks one build of several.

    Raises ``ParseError`` when a record is broken or when nothing usable can be read. Smaller damage
    is listed in the builds' problems.
    """
    problems = Problems(limits.max_problems)
    pieces = _Pieces(drafts=[], metadata=(), problems=problems)
    if record is not None:
        bundle = read_bundle(record, limits)
        wanted = [item for item in bundle if only_ref is None or item.ref == only_ref]
        pieces.drafts = [draft_record(item, limits) for item in wanted]
    if metadata is not None:
        read = partial(read_metadata, metadata, "metadata", limits, problems)
        pieces.metadata = pieces.attempt(read, ())
    if progress is not None:
        _add_progress(pieces, progress, limits)
    for entry in pieces.metadata:
        _add_metadata(pieces, entry, limits)
    if provenance is not None:
        _add_provenance(pieces, provenance, limits)
    if resources is not None:
        _add_resources(pieces, resources, limits)
    return _finish(pieces, only_ref)


def _add_progress(pieces: _Pieces, data: bytes, limits: Limits) -> None:
    stream = pieces.attempt(partial(read_stream, data, "progress", limits), None)
    if stream is None:
        return
    recorded = tuple(pieces.drafts)
    groups = {entry.group: entry for entry in pieces.metadata if entry.group}
    # With one target, Bake does not prefix its names.
    names = [name for name in stream.groups if not groups or name in groups] or [""]
    for name in names:
        entry = groups.get(name) or (pieces.metadata[0] if len(pieces.metadata) == 1 else None)
        read = partial(
            draft_stream,
            stream,
            name,
            is_complete=entry is not None,
            path="progress",
            limits=limits,
        )
        draft = pieces.attempt(read, None)
        if draft is not None:
            _unite_progress(pieces, draft, entry, recorded)


def _unite_progress(
    pieces: _Pieces, draft: Draft, entry: Metadata | None, recorded: tuple[Draft, ...]
) -> None:
    """Add a stream's build, unless a record tells of the same build."""
    if entry is not None:
        draft.ref, draft.builder = entry.ref, entry.builder
    same = _find_record(draft, recorded)
    if same is not None:
        same.console = draft.console
        if not same.log.vertices:
            draft.log.problems.listed[:0] = same.problems.listed
            same.log = draft.log
    elif draft.ref or not recorded:
        pieces.drafts.append(draft)
    else:
        pieces.problems.add("progress", "does not say which of the builds it is about")


def _find_record(draft: Draft, recorded: tuple[Draft, ...]) -> Draft | None:
    """The record of a stream's build: by ref, by Bake's target, or because there is one only."""
    if draft.ref:
        return next((item for item in recorded if item.ref == draft.ref), None)
    if draft.group:
        return next((item for item in recorded if item.name_hint == draft.group), None)
    return recorded[0] if len(recorded) == 1 else None


def _add_metadata(pieces: _Pieces, entry: Metadata, limits: Limits) -> None:
    draft = _find_draft(pieces, entry)
    if draft is None:
        draft = new_draft("metadata", limits)
        draft.status = BuildStatus.SUCCEEDED
        pieces.drafts.append(draft)
    draft.ref = draft.ref or entry.ref
    draft.builder = draft.builder or entry.builder
    draft.group = draft.group or entry.group
    draft.name_hint = entry.group or draft.name_hint
    if not draft.provenances:
        draft.provenances = list(entry.provenances)
    known = draft.log.vertices
    draft.warnings = tuple(
        item for item in entry.warnings if not known or item.vertex_digest in known
    )
    draft.sources = (*draft.sources, *entry.sources)
    if entry.image is not None:
        draft.images = _unite_images(draft.images, entry.image)
        draft.name_hint = draft.name_hint or short_name(entry.image.names)


def _find_draft(pieces: _Pieces, entry: Metadata) -> Draft | None:
    for draft in pieces.drafts:
        if entry.ref and draft.ref == entry.ref:
            return draft
    unnamed = [draft for draft in pieces.drafts if not draft.ref or not entry.ref]
    return unnamed[0] if len(unnamed) == 1 and len(pieces.metadata) == 1 else None


def _unite_images(images: tuple[Image, ...], found: Image) -> tuple[Image, ...]:
    """Add what the metadata file names, unless the record has it already."""
    if any(image.digest == found.digest for image in images):
        return images
    return (found, *images)


def _add_provenance(pieces: _Pieces, data: bytes, limits: Limits) -> None:
    found = pieces.attempt(partial(read_provenance, data, "provenance", limits), None)
    if found is None:
        return
    if len(pieces.drafts) > 1:
        pieces.problems.add("provenance", "does not say which of the builds it is about")
        return
    if not pieces.drafts:
        draft = new_draft("provenance", limits)
        draft.status = BuildStatus.SUCCEEDED
        pieces.drafts.append(draft)
    # Sent on purpose and often in full, where a record may have the short form only.
    pieces.drafts[0].provenances.insert(0, ("", found))


def _add_resources(pieces: _Pieces, data: bytes, limits: Limits) -> None:
    samples = read_samples(data, "resources", limits, pieces.problems)
    for draft in pieces.drafts:
        begin = draft.started_ns if len(pieces.drafts) > 1 else None
        end = draft.completed_ns if len(pieces.drafts) > 1 else None
        draft.resources = tuple(
            sample
            for sample in samples
            if (begin is None or sample.at_ns >= begin) and (end is None or sample.at_ns <= end)
        )


def _finish(pieces: _Pieces, only_ref: str | None) -> tuple[Build, ...]:
    drafts = [draft for draft in pieces.drafts if only_ref is None or draft.ref == only_ref]
    if not drafts:
        if pieces.error is not None:
            raise pieces.error
        what = "no build" if only_ref is None else f"no build {only_ref}"
        raise ParseError("input", f"{what} in what was sent")
    for problem in pieces.problems.all():
        drafts[0].problems.add(problem.path, problem.message)
    return tuple(assemble(draft) for draft in drafts)
