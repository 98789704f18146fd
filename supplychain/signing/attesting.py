"""What to attest: the provenance that BuildKit put into the index, and an SBOM of a file."""

from dataclasses import dataclass

from buildkit.attestations import PROVENANCE
from buildkit.errors import ParseError
from buildkit.limits import Limits
from buildkit.registry import Manifest, Registry
from buildkit.values import Json, as_text, canonical_json, load_object
from supplychain.intoto import CYCLONEDX, SPDX
from supplychain.signing.attached import Store, attached_to
from supplychain.signing.provenance import read_facts, with_source
from supplychain.signing.sources import Source

_LIMITS = Limits(max_json_bytes=64 * 1024**2)


@dataclass(frozen=True, slots=True)
class Predicate:
    """What to attest, as JSON, and of which type it is."""

    type: str
    data: bytes


def provenance_of(registry: Registry, image: Manifest, known: Source) -> list[Predicate]:
    """Return the provenance of each platform of an index; none if BuildKit attached none.

    ``known`` is the source as the signer knows it. Where the builder does not know all of it, it
    is added, but not to a build of another repository or revision.

    Raises:
        RegistryError: the registry does not answer.
        ParseError: a provenance cannot be read.
    """
    found: list[Predicate] = []
    for item in attached_to(registry, image).items:
        said = item.statement
        if item.store != Store.INDEX or not said.predicate_type.startswith(PROVENANCE):
            continue
        own = read_facts(said.predicate, said.predicate_type, "provenance").source
        added = known if own.or_else(known) != own else Source()
        predicate = with_source(said.predicate, said.predicate_type, added)
        found.append(Predicate(said.predicate_type, canonical_json(predicate)))
    return found


def sbom_of(data: bytes, path: str) -> Predicate:
    """Return an SBOM of SPDX or CycloneDX as a predicate.

    Raises:
        ParseError: it is neither, as JSON.
    """
    document = load_object(data, path, _LIMITS)
    return Predicate(_type_of(document, path), data)


def _type_of(document: Json, path: str) -> str:
    if as_text(document.get("spdxVersion")):
        return SPDX
    if document.get("bomFormat") == "CycloneDX":
        return CYCLONEDX
    raise ParseError(path, "is no SBOM as JSON of SPDX or CycloneDX")
