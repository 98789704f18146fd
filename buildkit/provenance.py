"""BuildKit's provenance: SLSA v0.2 and v1, bare, in an in-toto statement or in a DSSE envelope."""

from dataclasses import dataclass, field
from typing import Any

from buildkit.errors import ParseError
from buildkit.limits import Limits
from buildkit.model import Layer, Material, ResourceSample, SourceFile, StepKind, StepUsage
from buildkit.resources import read_step_usage, read_sys_usage
from buildkit.times import parse_time
from buildkit.values import (
    Json,
    as_bytes,
    as_dict,
    as_dicts,
    as_int,
    as_list,
    as_size,
    as_text,
    as_text_map,
    decode,
    load_object,
)

_BUILDKIT_METADATA = ("buildkit_metadata", "https://mobyproject.org/buildkit@v1#metadata")
_SOURCE_KINDS = (
    ("docker-image://", StepKind.FROM),
    ("oci-layout://", StepKind.FROM),
    ("git://", StepKind.GIT),
    ("local://", StepKind.CONTEXT),
    ("http", StepKind.HTTP),
)


@dataclass(frozen=True, slots=True)
class ProvenanceStep:
    """What provenance adds to one vertex; ``layers`` are those that the step itself made."""

    kind: StepKind | None
    platform: str
    filename: str
    line: int | None
    layers: tuple[Layer, ...]
    usage: StepUsage | None
    op: Json | None = None


@dataclass(frozen=True, slots=True)
class Provenance:
    """One attestation; ``steps`` by vertex digest, ``layers`` of the result in order."""

    frontend: str
    args: dict[str, str]
    platform: str
    materials: tuple[Material, ...]
    started_ns: int | None
    completed_ns: int | None
    repository_url: str
    revision: str
    steps: dict[str, ProvenanceStep] = field(default_factory=dict)
    sources: tuple[SourceFile, ...] = ()
    layers: tuple[Layer, ...] = ()
    resources: tuple[ResourceSample, ...] = ()


@dataclass(frozen=True, slots=True)
class _Parts:
    """The parts of a predicate, wherever its version keeps them."""

    parameters: Json
    build_config: Json
    metadata: Json
    materials: list[Json]
    platform: str


def read_provenance(data: bytes | memoryview, path: str, limits: Limits) -> Provenance:
    """Read one provenance document; raises ``ParseError`` when it is none."""
    return from_document(load_object(data, path, limits), path, limits)


def from_document(document: Json, path: str, limits: Limits) -> Provenance:
    """Read provenance that is parsed already, as metadata files hold it."""
    predicate = _unwrap(document, path, limits)
    if "buildDefinition" in predicate:
        parts = _parts_v1(predicate)
    elif "buildType" in predicate or "materials" in predicate:
        parts = _parts_v02(predicate)
    else:
        raise ParseError(path, "not a SLSA provenance predicate")
    return _from_parts(parts)


def _unwrap(document: Json, path: str, limits: Limits) -> Json:
    """Take the predicate out of an envelope and a statement (or ``imagetools inspect``)."""
    if "payload" in document and "payloadType" in document:
        document = load_object(as_bytes(document["payload"]), f"{path}/payload", limits)
    if isinstance(document.get("SLSA"), dict):
        document = document["SLSA"]
    if isinstance(document.get("predicate"), dict):
        document = document["predicate"]
    return document


def _parts_v02(predicate: Json) -> _Parts:
    invocation = as_dict(predicate.get("invocation"))
    return _Parts(
        parameters=as_dict(invocation.get("parameters")),
        build_config=as_dict(predicate.get("buildConfig")),
        metadata=as_dict(predicate.get("metadata")),
        materials=as_dicts(predicate.get("materials")),
        platform=as_text(as_dict(invocation.get("environment")).get("platform")),
    )


def _parts_v1(predicate: Json) -> _Parts:
    definition = as_dict(predicate.get("buildDefinition"))
    external = as_dict(definition.get("externalParameters"))
    internal = as_dict(definition.get("internalParameters"))
    environment = as_dict(internal.get("environment"))
    return _Parts(
        parameters=as_dict(external.get("request") or external.get("parameters")),
        build_config=as_dict(internal.get("buildConfig") or external.get("buildConfig")),
        metadata=as_dict(as_dict(predicate.get("runDetails")).get("metadata")),
        materials=as_dicts(definition.get("resolvedDependencies")),
        platform=as_text(internal.get("builderPlatform") or environment.get("platform")),
    )


def _from_parts(parts: _Parts) -> Provenance:
    metadata = parts.metadata
    details: Json = {}
    for key in _BUILDKIT_METADATA:
        details = as_dict(metadata.get(key)) or details
    vcs = as_dict(details.get("vcs"))
    steps, layers = _steps(parts.build_config, details)
    return Provenance(
        frontend=as_text(parts.parameters.get("frontend")),
        args=as_text_map(parts.parameters.get("args")),
        platform=parts.platform,
        materials=tuple(_material(item) for item in parts.materials),
        started_ns=parse_time(metadata.get("buildStartedOn") or metadata.get("startedOn")),
        completed_ns=parse_time(metadata.get("buildFinishedOn") or metadata.get("finishedOn")),
        repository_url=as_text(vcs.get("source")),
        revision=as_text(vcs.get("revision")),
        steps=steps,
        sources=_sources(details),
        layers=layers,
        resources=read_sys_usage(as_dicts(details.get("sysUsage"))),
    )


def _material(item: Json) -> Material:
    digests = as_text_map(item.get("digest"))
    algorithm = next((name for name in ("sha256", "sha1") if name in digests), "")
    algorithm = algorithm or next(iter(digests), "")
    digest = f"{algorithm}:{digests[algorithm]}" if algorithm else ""
    return Material(uri=as_text(item.get("uri")), digest=digest)


def _sources(details: Json) -> tuple[SourceFile, ...]:
    infos = as_dicts(as_dict(details.get("source")).get("infos"))
    return tuple(
        SourceFile(
            filename=as_text(info.get("filename")),
            text=decode(as_bytes(info.get("data"))),
            language=as_text(info.get("language")) or "Dockerfile",
        )
        for info in infos
    )


def _steps(config: Json, details: Json) -> tuple[dict[str, ProvenanceStep], tuple[Layer, ...]]:
    """Facts per vertex digest, and the layers of the result (the input of the last step)."""
    digests = {
        step_id: digest for digest, step_id in as_text_map(config.get("digestMapping")).items()
    }
    source = as_dict(details.get("source"))
    locations = as_dict(source.get("locations"))
    filenames = [as_text(info.get("filename")) for info in as_dicts(source.get("infos"))]
    chains = {name: _chain(value) for name, value in as_dict(details.get("layers")).items()}
    outputs: dict[str, list[str]] = {}
    for name in chains:
        outputs.setdefault(name.partition(":")[0], []).append(name)
    steps: dict[str, ProvenanceStep] = {}
    result: tuple[Layer, ...] = ()
    for item in as_dicts(config.get("llbDefinition")):
        step_id = as_text(item.get("id"))
        inputs = [name for name in as_list(item.get("inputs")) if isinstance(name, str)]
        op = as_dict(item.get("op"))
        if not as_dict(op.get("Op")) and inputs:
            result = tuple(map(read_layer, chains.get(inputs[0], ())))
        filename, line = _location(as_dict(locations.get(step_id)), filenames)
        if step_id in digests:
            steps[digests[step_id]] = ProvenanceStep(
                kind=_kind(as_dict(op.get("Op"))),
                platform=_platform(as_dict(op.get("platform"))),
                filename=filename,
                line=line,
                layers=_own_layers(chains, outputs.get(step_id, []), inputs),
                usage=read_step_usage(as_dict(item.get("resourceUsage"))),
                op=as_dict(op.get("Op")) or None,
            )
    return steps, result


def _kind(op: Json) -> StepKind | None:
    if "exec" in op:
        return StepKind.RUN
    if "file" in op:
        return StepKind.COPY
    identifier = as_text(as_dict(op.get("source")).get("identifier"))
    return next((kind for prefix, kind in _SOURCE_KINDS if identifier.startswith(prefix)), None)


def _platform(value: Json) -> str:
    parts = (value.get("OS"), value.get("Architecture"), value.get("Variant"))
    return "/".join(as_text(part) for part in parts if as_text(part))


def _location(value: Json, filenames: list[str]) -> tuple[str, int | None]:
    """File and first line; of a step that several lines made, the uppermost."""
    found: list[tuple[int, int]] = []
    for location in as_dicts(value.get("locations")):
        index = as_int(location.get("sourceIndex")) or 0
        for item in as_dicts(location.get("ranges")):
            line = as_int(as_dict(item.get("start")).get("line"))
            if line is not None and line > 0:
                found.append((index, line))
    if not found:
        return "", None
    index, line = min(found)
    return (filenames[index] if 0 <= index < len(filenames) else ""), line


def _chain(value: Any) -> list[Json]:
    """Layer descriptors of one output; BuildKit lists a chain per compression, ours is the first.

    They stay unread, because every step repeats those of its inputs.
    """
    chains = as_list(value)
    return as_dicts(chains[0]) if chains else []


def read_layer(descriptor: Json) -> Layer:
    """A layer of an OCI descriptor."""
    return Layer(
        digest=as_text(descriptor.get("digest")),
        size_bytes=as_size(descriptor.get("size")),
        media_type=as_text(descriptor.get("mediaType")),
    )


def _own_layers(
    chains: dict[str, list[Json]], outputs: list[str], inputs: list[str]
) -> tuple[Layer, ...]:
    """Layers of a step's outputs that none of its inputs has.

    An input whose own chain is not recorded hides where the step's part begins; then only the
    last layer is certain to be its own.
    """
    if not any(chains[name] for name in outputs):
        return ()
    below = [chain for name in inputs if (chain := chains.get(name))]
    known = {item.get("digest") for chain in below for item in chain}
    own: list[Layer] = []
    for name in outputs:
        chain = chains[name] if below or not inputs else chains[name][-1:]
        own.extend(read_layer(item) for item in chain if item.get("digest") not in known)
    return tuple(dict.fromkeys(own))
