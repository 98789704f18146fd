"""CycloneDX VEX: the analysis of vulnerabilities, in a bill of materials or apart from it."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from urllib.parse import unquote

from buildkit.status import Problems
from buildkit.values import Json, as_dict, as_dicts, as_int
from supplychain.reports.values import (
    NAME_LIMIT,
    PATH_LIMIT,
    PROSE_LIMIT,
    URL_LIMIT,
    WrongShapeError,
    aliases_of,
    child,
    members,
    moment,
    objects,
    text,
    texts,
)
from supplychain.vex.entries import each, sentences
from supplychain.vex.model import Document, Product, Statement, Status
from supplychain.vex.products import product_of, within

STATES = {
    "not_affected": Status.NOT_AFFECTED,
    "false_positive": Status.NOT_AFFECTED,
    "exploitable": Status.AFFECTED,
    "resolved": Status.FIXED,
    "resolved_with_pedigree": Status.FIXED,
    "in_triage": Status.UNDER_INVESTIGATION,
}


def read(document: Json, problems: Problems) -> Document:
    """Read a document; a vulnerability without an analysis states nothing and is passed over."""
    metadata = child(document, "metadata")
    issued_at = moment(metadata, "timestamp")
    subject = _subject(metadata)
    parts = _parts(document)
    entries = members(document, "vulnerabilities")
    statements = each(
        entries,
        "vulnerabilities",
        problems,
        lambda item: _statement(item, subject, parts, issued_at),
    )
    return Document(
        format="cyclonedx",
        identifier=text(document, "serialNumber")[:NAME_LIMIT],
        version=max(as_int(document.get("version")) or 1, 0),
        author=_author(metadata),
        issued_at=issued_at,
        statements=tuple(found for found in statements if found is not None),
        problems=sentences(problems),
    )


def _author(metadata: Json) -> str:
    authors = as_dicts(metadata.get("authors"))
    named = [*authors, as_dict(metadata.get("supplier")), as_dict(metadata.get("manufacturer"))]
    return next((name for item in named if (name := text(item, "name"))), "")


def _subject(metadata: Json) -> tuple[str, Product] | None:
    """Return what the whole document is about, by its reference."""
    component = child(metadata, "component")
    return (text(component, "bom-ref", URL_LIMIT), _product(component)) if component else None


def _product(component: Json) -> Product:
    sha256 = next(
        (
            text(item, "content")
            for item in objects(component, "hashes")
            if text(item, "alg") == "SHA-256"
        ),
        "",
    )
    purl = text(component, "purl", PATH_LIMIT)
    return product_of(purl or text(component, "name", PATH_LIMIT), purl, sha256)


def _parts(document: Json) -> dict[str, Product]:
    """Return components by their references, those within an image as of that image."""
    found: dict[str, Product] = {}
    for component in as_dicts(document.get("components")):
        try:
            own = _product(component)
            found[text(component, "bom-ref", URL_LIMIT)] = own
            for inner in as_dicts(component.get("components")):
                part = within(own, _product(inner)) if own.image_digest or own.image else None
                found[text(inner, "bom-ref", URL_LIMIT)] = part or _product(inner)
        except WrongShapeError:
            # Whatever is stated of it is kept as of a product that is not known.
            continue
    return found


def _statement(
    entry: Json,
    subject: tuple[str, Product] | None,
    parts: Mapping[str, Product],
    issued_at: datetime | None,
) -> Statement | None:
    analysis = child(entry, "analysis")
    word = text(analysis, "state")
    if not word:
        return None
    if word not in STATES:
        raise WrongShapeError(f"analysis/state is none of {', '.join(STATES)}")
    name = text(entry, "id")
    if not name:
        raise WrongShapeError("id is missing")
    affected = [
        product
        for item in objects(entry, "affects")
        for product in _affected(text(item, "ref", URL_LIMIT), item, subject, parts)
    ]
    others = tuple(text(item, "id") for item in objects(entry, "references"))
    return Statement(
        vulnerability=name,
        aliases=aliases_of(name, others),
        products=tuple(affected) or (subject[1] if subject else Product("", is_known=False),),
        status=STATES[word],
        justification=text(analysis, "justification"),
        said=_said(entry, analysis),
        stated_at=moment(analysis, "lastUpdated") or moment(analysis, "firstIssued") or issued_at,
    )


def _said(entry: Json, analysis: Json) -> str:
    responses = ", ".join(word.replace("_", " ") for word in texts(analysis, "response"))
    return (
        text(analysis, "detail", PROSE_LIMIT)
        or text(entry, "recommendation", PROSE_LIMIT)
        or responses
    )


def _affected(
    ref: str, entry: Json, subject: tuple[str, Product] | None, parts: Mapping[str, Product]
) -> Iterator[Product]:
    """Yield what a reference leads to: here, in another document, or a package by its URL.

    That is one product a version, if some are listed.
    """
    own = unquote(ref.partition("#")[2]) if ref.startswith("urn:cdx:") else ref
    if subject and own == subject[0]:
        named = subject[1]
    else:
        part = parts.get(own) or product_of(own[:PATH_LIMIT])
        is_inside = subject is not None and not part.image and not part.image_digest
        named = within(subject[1], part) if subject and is_inside else part
    listed = objects(entry, "versions")
    yield from (_of_version(named, item) for item in listed) if listed else (named,)


def _of_version(product: Product, entry: Json) -> Product:
    """Return a product of one version; of a range, or of no package, it cannot be told which."""
    version = text(entry, "version")
    name = f"{product.name} {version or text(entry, 'range')}".strip()
    if not version or not product.package:
        return replace(product, name=name, is_known=False, is_part_known=False)
    # The package URL may say the epoch, too.
    is_own = product.version.partition(":")[2] == version
    return product if is_own else replace(product, name=name, version=version)
