"""OpenVEX, of all versions: products were texts before 0.2.0, and are objects since."""

from collections.abc import Iterator
from datetime import datetime

from buildkit.status import Problems
from buildkit.values import Json, as_int
from supplychain.reports.values import (
    NAME_LIMIT,
    PATH_LIMIT,
    PROSE_LIMIT,
    WrongShapeError,
    aliases_of,
    bounded,
    kind_of,
    members,
    moment,
    text,
    texts,
)
from supplychain.vex.entries import each, sentences
from supplychain.vex.model import Document, Product, Statement, Status
from supplychain.vex.products import product_of, within

NAMESPACE = "https://openvex.dev/ns"


def read(document: Json, problems: Problems) -> Document:
    """Read a document; a statement of a wrong shape is left out and named in its problems."""
    issued_at = moment(document, "last_updated") or moment(document, "timestamp")
    entries = members(document, "statements")
    statements = each(entries, "statements", problems, lambda item: _statement(item, issued_at))
    return Document(
        format="openvex",
        identifier=text(document, "@id", PATH_LIMIT)[:NAME_LIMIT],
        version=max(as_int(document.get("version")) or 1, 0),
        author=text(document, "author"),
        issued_at=issued_at,
        statements=tuple(statements),
        problems=sentences(problems),
    )


def _statement(entry: Json, issued_at: datetime | None) -> Statement:
    name, aliases = _vulnerability(entry)
    return Statement(
        vulnerability=name,
        aliases=aliases,
        products=tuple(_products(entry)),
        status=_status(entry),
        justification=text(entry, "justification"),
        said=text(entry, "impact_statement", PROSE_LIMIT)
        or text(entry, "action_statement", PROSE_LIMIT)
        or text(entry, "status_notes", PROSE_LIMIT),
        stated_at=moment(entry, "last_updated") or moment(entry, "timestamp") or issued_at,
    )


def _status(entry: Json) -> Status:
    word = text(entry, "status")
    if word not in Status:
        raise WrongShapeError(f"status is none of {', '.join(Status)}")
    return Status(word)


def _vulnerability(entry: Json) -> tuple[str, tuple[str, ...]]:
    value = entry.get("vulnerability")
    if isinstance(value, str):
        value = {"name": value}
    if not isinstance(value, dict):
        raise WrongShapeError(f"vulnerability is {kind_of(value)}, expected text or an object")
    name = text(value, "name") or text(value, "@id").rpartition("/")[2]
    if not name:
        raise WrongShapeError("vulnerability has no name")
    return name, aliases_of(name, texts(value, "aliases"))


def _products(entry: Json) -> Iterator[Product]:
    """Yield a product each, or each package in it; without any, one that is not named."""
    listed = _components(entry, "products") or [Product("", is_known=False)]
    for product, parts in _with_parts(entry, listed):
        if not parts:
            yield product
        for part in parts:
            yield within(product, part)


def _with_parts(entry: Json, products: list[Product]) -> Iterator[tuple[Product, list[Product]]]:
    shared = _components(entry, "subcomponents")
    raw = entry.get("products") or [None]
    for product, value in zip(products, raw, strict=True):
        own = _components(value, "subcomponents") if isinstance(value, dict) else []
        yield product, own or shared


def _components(entry: Json, key: str) -> list[Product]:
    return [_component(item, key) for item in members(entry, key)]


def _component(value: object, key: str) -> Product:
    if isinstance(value, str):
        return product_of(bounded(value, PATH_LIMIT))
    if not isinstance(value, dict):
        raise WrongShapeError(f"{key} has {kind_of(value)}, expected text or an object")
    identifiers, hashes = value.get("identifiers"), value.get("hashes")
    purl = text(identifiers, "purl", PATH_LIMIT) if isinstance(identifiers, dict) else ""
    sha256 = text(hashes, "sha-256") if isinstance(hashes, dict) else ""
    return product_of(text(value, "@id", PATH_LIMIT), purl, sha256)
