"""What provenance of SLSA v0.2 and v1 says that trust can be founded on, in one form."""

from dataclasses import asdict, dataclass
from typing import Any

from buildkit.attestations import PROVENANCE
from buildkit.errors import ParseError
from buildkit.limits import Limits
from buildkit.model import Material
from buildkit.provenance import Provenance, from_document
from buildkit.secret_names import SECRET_NAME
from buildkit.values import Json, as_dict, as_dicts, as_text, as_text_map, clean
from supplychain.signing.sources import Source, canonical_repository, read_source

SOURCE = "buildinsights_source"
"""A field of the metadata with repository, revision and ref, where the builder knows no ref."""

MOST_PARAMETERS = 100
_VALUE_LENGTH = 500
_MASKED = "(not shown)"
_COMMIT_KEYS = ("gitCommit", "sha1")


@dataclass(frozen=True, slots=True)
class ProvenanceFacts:
    """Who built what from what. ``parameters`` by name; secret ones have no value."""

    version: str
    builder: str
    build_type: str
    source: Source
    entry_point: str
    parameters: dict[str, str]
    materials: tuple[Material, ...]
    started_at: str = ""
    finished_at: str = ""

    def as_json(self) -> Json:
        """Return them as JSON."""
        return asdict(self) | {"materials": [asdict(item) for item in self.materials]}


def read_facts(predicate: Json, predicate_type: str, path: str) -> ProvenanceFacts:
    """Return the facts of a provenance predicate.

    Raises:
        ParseError: it is none.
    """
    if not predicate_type.startswith(PROVENANCE):
        raise ParseError(path, f"{predicate_type[:80]!r} is no type of provenance")
    known = from_document(predicate, path, Limits())
    read = _facts_v1 if "buildDefinition" in predicate else _facts_v02
    return read(predicate, known)


def with_source(predicate: Json, predicate_type: str, source: Source) -> Json:
    """Return a predicate that says of which source it is, as its signer knows it."""
    said = {name: text for name, text in asdict(source).items() if text}
    if not said:
        return predicate
    if predicate_type.endswith("/v1"):
        details = as_dict(predicate.get("runDetails"))
        metadata = as_dict(details.get("metadata")) | {SOURCE: said}
        return predicate | {"runDetails": details | {"metadata": metadata}}
    return predicate | {"metadata": as_dict(predicate.get("metadata")) | {SOURCE: said}}


def _facts_v02(predicate: Json, known: Provenance) -> ProvenanceFacts:
    invocation = as_dict(predicate.get("invocation"))
    metadata = as_dict(predicate.get("metadata"))
    configured = as_dict(invocation.get("configSource"))
    environment = as_text_map(invocation.get("environment"))
    source = (
        _configured(configured)
        .or_else(Source("", environment.get("github_sha1", ""), environment.get("github_ref", "")))
        .or_else(_of_vcs(known))
        .or_else(_said(metadata))
        .or_else(_of_materials(as_dicts(predicate.get("materials"))))
    )
    return ProvenanceFacts(
        version="0.2",
        builder=as_text(as_dict(predicate.get("builder")).get("id")),
        build_type=as_text(predicate.get("buildType")),
        source=source,
        entry_point=as_text(configured.get("entryPoint")),
        parameters=_parameters(invocation.get("parameters")),
        materials=known.materials,
        started_at=as_text(metadata.get("buildStartedOn")),
        finished_at=as_text(metadata.get("buildFinishedOn")),
    )


def _facts_v1(predicate: Json, known: Provenance) -> ProvenanceFacts:
    definition = as_dict(predicate.get("buildDefinition"))
    external = as_dict(definition.get("externalParameters"))
    details = as_dict(predicate.get("runDetails"))
    metadata = as_dict(details.get("metadata"))
    configured, workflow = as_dict(external.get("configSource")), as_dict(external.get("workflow"))
    dependencies = as_dicts(definition.get("resolvedDependencies"))
    repository = canonical_repository(as_text(workflow.get("repository")))
    source = (
        _configured(configured)
        .or_else(Source(repository, "", as_text(workflow.get("ref"))))
        .or_else(_of_vcs(known))
        .or_else(_said(metadata))
        .or_else(_of_materials(dependencies))
    )
    return ProvenanceFacts(
        version="1",
        builder=as_text(as_dict(details.get("builder")).get("id")),
        build_type=as_text(definition.get("buildType")),
        source=source,
        entry_point=as_text(configured.get("path") or workflow.get("path")),
        parameters=_parameters(external.get("request") or external),
        materials=known.materials,
        started_at=as_text(metadata.get("startedOn")),
        finished_at=as_text(metadata.get("finishedOn")),
    )


def _configured(configured: Json) -> Source:
    uri = as_text(configured.get("uri"))
    return read_source(uri, _commit(configured)) if uri else Source()


def _of_vcs(known: Provenance) -> Source:
    """Return what buildx found in the work tree that it built."""
    return Source(canonical_repository(known.repository_url), known.revision)


def _said(metadata: Json) -> Source:
    said = as_text_map(metadata.get(SOURCE))
    repository = canonical_repository(said.get("repository", ""))
    return Source(repository, said.get("revision", ""), said.get("ref", ""))


def _of_materials(materials: list[Json]) -> Source:
    """Return the repository among the materials, if it is the only one."""
    found = {
        read_source(as_text(item.get("uri")), _commit(item)) for item in materials if _commit(item)
    }
    return found.pop() if len(found) == 1 else Source()


def _commit(item: Json) -> str:
    digest = as_text_map(item.get("digest"))
    return next((digest[key] for key in _COMMIT_KEYS if key in digest), "")


def _parameters(value: Any) -> dict[str, str]:
    found: dict[str, str] = {}
    _flatten(value, "", found)
    return found


def _flatten(value: Any, name: str, found: dict[str, str]) -> None:
    """Collect the plain values of nested parameters under dotted names."""
    if isinstance(value, dict):
        for key, item in value.items():
            _flatten(item, f"{name}.{key}" if name else str(key), found)
    elif isinstance(value, list):
        for number, item in enumerate(value):
            _flatten(item, f"{name}[{number}]", found)
    elif name and value is not None and len(found) < MOST_PARAMETERS:
        text = as_text(value) if isinstance(value, str) else str(value)
        found[clean(name[:200])] = _MASKED if SECRET_NAME.search(name) else text[:_VALUE_LENGTH]
