"""``.dockerbuild`` bundles: OCI layouts of history records, as ``buildx history export`` makes."""

from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from buildkit import failures, images, trace, wire
from buildkit.archive import gunzip, read_tar, verify_digest
from buildkit.attestations import PROVENANCE, predicate_type_of
from buildkit.draft import Draft, new_draft
from buildkit.errors import ParseError
from buildkit.limits import Limits
from buildkit.model import BuildStatus, Image
from buildkit.progress import merge_solve_status
from buildkit.provenance import Provenance, read_provenance
from buildkit.steps import is_canceled
from buildkit.times import parse_time
from buildkit.values import (
    Json,
    as_dict,
    as_dicts,
    as_int,
    as_text,
    as_text_map,
    load_json,
    load_object,
)

RECORD_MEDIA_TYPE = "application/vnd.buildkit.historyrecord.v0"
SOLVE_STATUS_MEDIA_TYPE = "application/vnd.buildkit.solvestatus.v0"
PROVENANCE_MEDIA_TYPE = "application/vnd.in-toto+json"
_BLOB_PREFIX = "blobs/sha256/"


@dataclass(frozen=True, slots=True)
class HistoryRecord:
    """One record of a bundle: its manifest's layers, its JSON, and the bundle's blobs."""

    path: str
    fields: Json
    layers: tuple[Json, ...]
    blobs: dict[str, memoryview]

    @property
    def ref(self) -> str:
        """BuildKit's reference of the build."""
        return as_text(self.fields.get("Ref"))


def read_bundle(data: bytes, limits: Limits, path: str = "record") -> list[HistoryRecord]:
    """Unpack a bundle and list its records in order.

    Every blob is checked against its digest. Raises ``ParseError`` when the archive or a record
    in it is broken, or when it holds no record.
    """
    files = read_tar(gunzip(data, path, limits), path, limits)
    if "index.json" not in files:
        raise ParseError(path, "no index.json: not a bundle of build records")
    blobs: dict[str, memoryview] = {}
    for name, content in files.items():
        if name.startswith(_BLOB_PREFIX):
            digest = f"sha256:{name.removeprefix(_BLOB_PREFIX)}"
            verify_digest(digest, content, f"{path}/{name}")
            blobs[digest] = content
    index = load_object(files["index.json"], f"{path}/index.json", limits)
    records: list[HistoryRecord] = []
    _walk(index, f"{path}/index.json", blobs, limits, records)
    if not records:
        raise ParseError(path, "the bundle holds no build record")
    return records


def draft_record(record: HistoryRecord, limits: Limits) -> Draft:
    """Read what one record says. Parts that cannot be read become problems."""
    draft = new_draft(record.path, limits)
    fields = record.fields
    draft.ref = record.ref
    draft.attrs = as_text_map(fields.get("FrontendAttrs"))
    draft.started_ns = parse_time(fields.get("CreatedAt"))
    draft.completed_ns = parse_time(fields.get("CompletedAt"))
    draft.steps_total = as_int(fields.get("numTotalSteps"))
    draft.steps_cached = as_int(fields.get("numCachedSteps")) or 0
    draft.status = _status(fields)
    _read_status_layer(record, draft, limits)
    _read_provenances(record, draft, limits)
    _read_failure(record, draft, limits)
    _read_trace(record, draft, limits)
    response = as_dict(fields.get("ExporterResponse"))
    draft.platforms = _platforms(fields, draft, limits)
    draft.images = _images(record, response, draft, limits)
    draft.name_hint = _name_hint(fields, draft)
    return draft


def _walk(
    index: Json,
    path: str,
    blobs: dict[str, memoryview],
    limits: Limits,
    records: list[HistoryRecord],
) -> None:
    """Collect the records of an index and of the indexes in it."""
    waiting = [(index, path, 0)]
    seen: set[str] = set()
    while waiting:
        current, place, depth = waiting.pop()
        if depth > limits.max_index_depth:
            raise ParseError(place, f"indexes nest deeper than {limits.max_index_depth}")
        if "config" in current:
            _add_record(current, place, blobs, limits, records)
            continue
        nested: list[tuple[Json, str, int]] = []
        for number, descriptor in enumerate(as_dicts(current.get("manifests"))):
            digest = as_text(descriptor.get("digest"))
            inner = f"{place}/manifests[{number}]"
            if digest not in blobs:
                raise ParseError(inner, f"the bundle has no blob {digest}")
            if digest not in seen:
                seen.add(digest)
                nested.append((load_object(blobs[digest], inner, limits), inner, depth + 1))
        waiting.extend(reversed(nested))


def _add_record(
    manifest: Json,
    path: str,
    blobs: dict[str, memoryview],
    limits: Limits,
    records: list[HistoryRecord],
) -> None:
    config = as_dict(manifest.get("config"))
    if config.get("mediaType") != RECORD_MEDIA_TYPE:
        return
    if len(records) >= limits.max_records:
        raise ParseError(path, f"more than {limits.max_records} records")
    digest = as_text(config.get("digest"))
    if digest not in blobs:
        raise ParseError(f"{path}/config", f"the bundle has no blob {digest}")
    fields = load_object(blobs[digest], f"{path}/config", limits)
    layers = tuple(as_dicts(manifest.get("layers")))
    records.append(HistoryRecord(path, fields, layers, blobs))


def _status(fields: Json) -> BuildStatus:
    error = as_dict(fields.get("error"))
    if error:
        canceled = error.get("code") == failures.CODE_CANCELED
        if canceled or is_canceled(as_text(error.get("message"))):
            return BuildStatus.CANCELED
        return BuildStatus.FAILED
    if parse_time(fields.get("CompletedAt")) is None:
        return BuildStatus.RUNNING
    return BuildStatus.SUCCEEDED


def _layer_blob(record: HistoryRecord, media_type: str) -> memoryview | None:
    for layer in record.layers:
        if layer.get("mediaType") == media_type:
            blob = record.blobs.get(as_text(layer.get("digest")))
            if blob is not None:
                return blob
    return None


def _read_status_layer(record: HistoryRecord, draft: Draft, limits: Limits) -> None:
    """Read the protobuf status, or the JSON one that older Docker Desktop wrote.

    Bundles that have both hold a shortened copy in the JSON.
    """
    blob = _layer_blob(record, wire.STATUS_MEDIA_TYPE)
    path = f"{record.path}/status"
    try:
        if blob is not None:
            wire.read_status(blob, draft.log)
            return
        blob = _layer_blob(record, SOLVE_STATUS_MEDIA_TYPE)
        if blob is not None:
            merge_solve_status(load_object(blob, path, limits), draft.log)
            return
        draft.problems.add(path, "the bundle has no status of this build")
    except ParseError as error:
        draft.problems.add(error.path, error.message)


def _read_provenances(record: HistoryRecord, draft: Draft, limits: Limits) -> None:
    """Read the provenance of every platform; of a record without results, what it carries."""
    platforms: dict[str, str] = {}
    for platform, result in as_dict(record.fields.get("Results")).items():
        for item in as_dicts(as_dict(result).get("Attestations")):
            platforms[as_text(item.get("digest"))] = as_text(platform)
    for layer in record.layers:
        predicate_type = predicate_type_of(layer)
        is_provenance = predicate_type.startswith(PROVENANCE) or not predicate_type
        digest = as_text(layer.get("digest"))
        blob = record.blobs.get(digest)
        if layer.get("mediaType") != PROVENANCE_MEDIA_TYPE or not is_provenance or blob is None:
            continue
        try:
            provenance = read_provenance(blob, f"{record.path}/provenance {digest}", limits)
        except ParseError as error:
            draft.problems.add(error.path, error.message)
        else:
            draft.provenances.append((platforms.get(digest, ""), provenance))


def _read_trace(record: HistoryRecord, draft: Draft, limits: Limits) -> None:
    blob = _layer_blob(record, trace.MEDIA_TYPE)
    if blob is None:
        return
    try:
        draft.trace = trace.read_trace(blob, f"{record.path}/trace", limits)
    except ParseError as error:
        draft.problems.add(error.path, error.message)


def _read_failure(record: HistoryRecord, draft: Draft, limits: Limits) -> None:
    error = as_dict(record.fields.get("error"))
    if not error:
        return
    external = _layer_blob(record, wire.ERROR_MEDIA_TYPE)
    try:
        if external is None:
            report = failures.from_json(error, f"{record.path}/error", limits)
        else:
            report = failures.from_protobuf(external, f"{record.path}/error", limits)
    except ParseError as broken:
        draft.problems.add(broken.path, broken.message)
        report = failures.from_json({**error, "details": []}, record.path, limits)
    draft.failure = report.failure
    draft.sources = report.sources


def _platforms(fields: Json, draft: Draft, limits: Limits) -> tuple[str, ...]:
    """Platforms as asked for, else as exported; a build without either has the builder's own."""
    asked = draft.attrs.get("platform", "")
    if asked:
        return tuple(dict.fromkeys(item.strip() for item in asked.split(",") if item.strip()))
    response = as_dict(fields.get("ExporterResponse"))
    exported = as_dicts(_embedded(response, "refs.platforms", draft, limits).get("Platforms"))
    found = [as_text(item.get("ID")) for item in exported]
    found = [name for name in found if name] or [as_text(fields.get("DefaultPlatform"))]
    return tuple(name for name in found if name)


def _embedded(response: Json, key: str, draft: Draft, limits: Limits) -> Json:
    """A JSON document that the exporter's response holds as a string."""
    text = response.get(key)
    if not isinstance(text, str):
        return {}
    path = f"{draft.log.path}/ExporterResponse/{key}"
    try:
        return as_dict(load_json(text.encode("utf-8", "replace"), path, limits))
    except ParseError as error:
        draft.problems.add(error.path, error.message)
        return {}


def _images(
    record: HistoryRecord, response: Json, draft: Draft, limits: Limits
) -> tuple[Image, ...]:
    """What was exported, from the manifests in the bundle and the exporter's response."""
    names = _exported_names(record.fields, response)
    found: list[Image] = []
    for item in as_dict(as_dict(record.fields.get("Result")).get("Results")).values():
        found.extend(_result_images(as_dict(item), record, draft, limits))
    digest = as_text(response.get("containerimage.digest"))
    if not found and digest:
        found.append(Image(digest=digest, platform="", media_type=""))
    if not found and (config_digest := _written_image(draft)):
        found.append(
            Image(config_digest, "", images.CONFIG_MEDIA_TYPE, config_digest=config_digest)
        )
    return tuple(
        _with_details(replace(image, names=names), response, draft, limits) for image in found
    )


def _result_images(
    descriptor: Json, record: HistoryRecord, draft: Draft, limits: Limits
) -> list[Image]:
    image = images.read_descriptor(descriptor)
    if not image.digest:
        return []
    if image.media_type not in images.INDEX_MEDIA_TYPES:
        return [_with_manifest(image, record, draft, limits)]
    members = images.read_index(_document(image, record, draft, limits))
    return [image, *(_with_manifest(member, record, draft, limits) for member in members)]


def _with_manifest(image: Image, record: HistoryRecord, draft: Draft, limits: Limits) -> Image:
    manifest = _document(image, record, draft, limits)
    return images.read_manifest(image, manifest) if manifest else image


def _document(image: Image, record: HistoryRecord, draft: Draft, limits: Limits) -> Json:
    """The image's index or manifest; empty when the bundle does not hold it."""
    blob = record.blobs.get(image.digest)
    if blob is None:
        return {}
    try:
        return load_object(blob, f"{record.path}/{image.digest}", limits)
    except ParseError as error:
        draft.problems.add(error.path, error.message)
        return {}


def _with_details(image: Image, response: Json, draft: Draft, limits: Limits) -> Image:
    """Layers and history of one image; an index has none of its own."""
    if image.media_type in images.INDEX_MEDIA_TYPES:
        return image
    if not image.platform and len(draft.platforms) == 1:
        image = replace(image, platform=draft.platforms[0])
    provenance = _provenance_for(image.platform, draft)
    if provenance is not None:
        image = images.with_layers(image, provenance.layers)
    for key in (f"containerimage.config/{image.platform}", "containerimage.config"):
        if key in response:
            return images.with_history(image, _embedded(response, key, draft, limits))
    return image


def _provenance_for(platform: str, draft: Draft) -> Provenance | None:
    for name, provenance in draft.provenances:
        if name == platform or len(draft.provenances) == 1:
            return provenance
    return None


def _exported_names(fields: Json, response: Json) -> tuple[str, ...]:
    exporters = as_dicts(fields.get("Exporters"))
    texts = [as_text(as_dict(item.get("Attrs")).get("name")) for item in exporters]
    texts.append(as_text(response.get("image.name")))
    names = (name.strip() for text in texts for name in text.split(","))
    return tuple(dict.fromkeys(name for name in names if name))


def _written_image(draft: Draft) -> str:
    """The image that an engine without a containerd store wrote: it has no manifest."""
    for vertex in draft.log.vertices.values():
        for transfer in vertex.transfers.values():
            if transfer.id.startswith("writing image sha256:"):
                return transfer.id.removeprefix("writing image ")
    return ""


def _name_hint(fields: Json, draft: Draft) -> str:
    """What to call the built thing: Bake target, title, image, repository or directory."""
    local = as_dict(fields.get("localState"))
    target = as_text(local.get("Target"))
    repository = draft.attrs.get("vcs:source", "").removesuffix("/").removesuffix(".git")
    candidates = (
        target if target != "default" else "",
        draft.attrs.get("label:org.opencontainers.image.title", ""),
        images.short_name(draft.images[0].names) if draft.images else "",
        PurePosixPath(repository).name,
        PurePosixPath(as_text(local.get("LocalPath"))).name,
    )
    return next((name for name in candidates if name), "")
