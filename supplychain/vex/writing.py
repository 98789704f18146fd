"""The way out: statements as OpenVEX or CycloneDX VEX, which ``read_vex`` reads again."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from uuid import NAMESPACE_URL, uuid5

from packageurl import PackageURL

from buildkit.values import Json
from supplychain.reports.purls import parse_purl
from supplychain.vex.model import Document, Product, Statement, Status
from supplychain.vex.openvex import NAMESPACE

TOOL = "buildinsights"
NO_REASON = "No reason was given."

_STATE_OF = {
    Status.NOT_AFFECTED: "not_affected",
    Status.AFFECTED: "exploitable",
    Status.FIXED: "resolved",
    Status.UNDER_INVESTIGATION: "in_triage",
}
_TO_OPENVEX = {
    "code_not_present": "vulnerable_code_not_present",
    "code_not_reachable": "vulnerable_code_not_in_execute_path",
    "protected_at_perimeter": "inline_mitigations_already_exist",
    "protected_at_runtime": "inline_mitigations_already_exist",
    "protected_by_compiler": "inline_mitigations_already_exist",
    "protected_by_mitigating_control": "inline_mitigations_already_exist",
}
"""What one format's justifications are in the other; those without a counterpart become words."""

_TO_CYCLONEDX = {
    "component_not_present": "code_not_present",
    "vulnerable_code_not_present": "code_not_present",
    "vulnerable_code_not_in_execute_path": "code_not_reachable",
    "inline_mitigations_already_exist": "protected_by_mitigating_control",
}
_OPENVEX = {*_TO_CYCLONEDX, "vulnerable_code_cannot_be_controlled_by_adversary"}
_CYCLONEDX = {*_TO_OPENVEX, "requires_configuration", "requires_dependency", "requires_environment"}


def image_purl(product: Product) -> str:
    """Return the package URL of an image; empty if it has neither name nor digest."""
    if not product.image and not product.image_digest:
        return ""
    name = product.image.rpartition("/")[2] or "image"
    has_repository = "/" in product.image
    url = PackageURL(
        "oci",
        None,
        name.lower(),
        product.image_digest or None,
        {"repository_url": product.image} if has_repository else None,
    )
    return url.to_string()


def package_purl(product: Product) -> str:
    """Return a package's URL with its version; of one that has no URL, its name as it is."""
    parsed = parse_purl(product.package)
    if parsed is None:
        return product.package
    version = product.version or None
    return PackageURL(parsed.type, parsed.namespace, parsed.name, version).to_string()


def to_openvex(document: Document) -> Json:
    """Return a document as OpenVEX 0.2.0."""
    return {
        "@context": f"{NAMESPACE}/v0.2.0",
        "@id": document.identifier,
        "author": document.author,
        "timestamp": _written(document.issued_at),
        "version": document.version,
        "tooling": TOOL,
        "statements": [_openvex_statement(item) for item in document.statements],
    }


def _openvex_statement(statement: Statement) -> Json:
    vulnerability: Json = {"name": statement.vulnerability}
    if statement.aliases:
        vulnerability["aliases"] = list(statement.aliases)
    told: Json = {
        "vulnerability": vulnerability,
        "products": list(_openvex_products(statement.products)),
        "status": str(statement.status),
    }
    if statement.stated_at:
        told["timestamp"] = _written(statement.stated_at)
    word, said = _justified(statement, _OPENVEX, _TO_OPENVEX)
    if statement.status == Status.AFFECTED:
        return told | {"action_statement": said or NO_REASON}
    if statement.status == Status.NOT_AFFECTED:
        reason = {"justification": word} if word else {}
        return told | reason | ({"impact_statement": said or NO_REASON} if said or not word else {})
    return told | ({"status_notes": said} if said else {})


def _openvex_products(products: Iterable[Product]) -> Iterator[Json]:
    """Yield images with the packages in them, and packages that are in no image by themselves."""
    for image, inside in _by_image(products).items():
        packages = [_identified(package_purl(item)) for item in inside if item.package]
        if not image:
            yield from packages
            continue
        digest = inside[0].image_digest.removeprefix("sha256:")
        told = _identified(image) | ({"hashes": {"sha-256": digest}} if digest else {})
        yield told | ({"subcomponents": packages} if packages else {})


def _identified(purl: str) -> Json:
    return (
        {"@id": purl, "identifiers": {"purl": purl}} if purl.startswith("pkg:") else {"@id": purl}
    )


def _by_image(products: Iterable[Product]) -> dict[str, list[Product]]:
    found: dict[str, list[Product]] = defaultdict(list)
    for product in products:
        found[image_purl(product)].append(product)
    return found


def to_cyclonedx(document: Document) -> Json:
    """Return a document as CycloneDX 1.5: images with their packages, and statements on them."""
    components: dict[str, Json] = {}
    vulnerabilities = [_vulnerability(item, components) for item in document.statements]
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "serialNumber": f"urn:uuid:{uuid5(NAMESPACE_URL, document.identifier)}",
        "version": document.version,
        "metadata": {
            "timestamp": _written(document.issued_at),
            "tools": {"components": [{"type": "application", "name": TOOL}]},
            "authors": [{"name": document.author}],
        },
        "components": [_listed(component) for component in components.values()],
        "vulnerabilities": vulnerabilities,
    }


def _vulnerability(statement: Statement, components: dict[str, Json]) -> Json:
    word, said = _justified(statement, _CYCLONEDX, _TO_CYCLONEDX)
    analysis: Json = {"state": _STATE_OF[statement.status]}
    if word and statement.status == Status.NOT_AFFECTED:
        analysis["justification"] = word
    if said:
        analysis["detail"] = said
    if statement.stated_at:
        at = _written(statement.stated_at)
        analysis |= {"firstIssued": at, "lastUpdated": at}
    told: Json = {"id": statement.vulnerability}
    if statement.aliases:
        told["references"] = [
            {"id": alias, "source": {"name": alias.partition("-")[0]}}
            for alias in statement.aliases
        ]
    refs = [_component(product, components) for product in statement.products]
    return told | {"analysis": analysis, "affects": [{"ref": ref} for ref in dict.fromkeys(refs)]}


def _component(product: Product, components: dict[str, Json]) -> str:
    """Put a product among the components; return its reference."""
    image, package = image_purl(product), package_purl(product)
    if image and image not in components:
        components[image] = _image_component(product, image)
    if not product.package:
        return image
    if not image:
        components.setdefault(package, _package_component(product, package, package))
        return package
    ref = f"{image}#{package}"
    components[image]["components"].setdefault(ref, _package_component(product, package, ref))
    return ref


def _listed(component: Json) -> Json:
    """Turn the packages of an image, which are kept by reference, into a list."""
    inside = component.get("components")
    return component if inside is None else component | {"components": list(inside.values())}


def _image_component(product: Product, purl: str) -> Json:
    told: Json = {
        "type": "container",
        "bom-ref": purl,
        "name": product.image or product.image_digest,
        "purl": purl,
        "components": {},
    }
    digest = product.image_digest.removeprefix("sha256:")
    return told | ({"hashes": [{"alg": "SHA-256", "content": digest}]} if digest else {})


def _package_component(product: Product, purl: str, ref: str) -> Json:
    parsed = parse_purl(product.package)
    told: Json = {
        "type": "library",
        "bom-ref": ref,
        "name": parsed.name if parsed else product.package,
        "version": product.version,
    }
    return told | ({"purl": purl} if parsed else {})


def _justified(
    statement: Statement, known: Iterable[str], others: dict[str, str]
) -> tuple[str, str]:
    """Return a justification in a format's own word, and what is said beside it."""
    word = statement.justification
    own = word if word in known else others.get(word, "")
    if word and not own:
        return "", ": ".join(filter(None, (word.replace("_", " "), statement.said)))
    return own, statement.said


def _written(at: datetime | None) -> str:
    return (at or datetime.now(UTC)).astimezone(UTC).isoformat(timespec="seconds")
