"""``buildinsights cache status``: what the builder and the registries keep of caches."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import click

from buildkit.caching.references import CacheReference, read_cache, shared_bytes
from buildkit.registry import Reference, RegistryError
from cli import summary
from cli.cache.entries import usage
from cli.cache.registries import last_used, named, registry_of
from cli.errors import UsageError
from cli.quarantine import quarantined


@dataclass(frozen=True, slots=True)
class _Row:
    """One reference; ``cache`` is ``None`` where ``error`` says why."""

    reference: Reference
    cache: CacheReference | None
    error: str
    shared_bytes: int
    used_at: datetime | None
    quarantine: str


@click.command()
@click.argument("references", nargs=-1, metavar="[REF]…")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def status(references: tuple[str, ...], *, as_json: bool) -> None:
    """Show what the builder's cache takes, and the caches in registries.

    Shown are REF, or the references of the Bake file's targets, if there are any.
    """
    builder, rows = usage(), _rows(references)
    if as_json:
        held = {
            "bytes": builder.bytes,
            "reclaimable_bytes": builder.reclaimable_bytes,
            "shared_bytes": builder.shared_bytes,
            "by_type": builder.by_type(),
        }
        document = {"builder": held, "references": [_as_json(row) for row in rows]}
        click.echo(json.dumps(document, indent=2))
        return
    click.echo(
        f"builder: {summary.size(builder.bytes)}, reclaimable "
        f"{summary.size(builder.reclaimable_bytes)}, shared {summary.size(builder.shared_bytes)}"
    )
    click.echo(summary.aligned([("type", "size"), *_types(builder.by_type())]))
    if rows:
        click.echo(summary.aligned([_HEAD, *map(_cells, rows)]))


def _types(sizes: dict[str, int]) -> Iterator[tuple[str, str]]:
    for kind, size in sizes.items():
        yield kind, summary.size(size)


def _rows(texts: tuple[str, ...]) -> list[_Row]:
    try:
        references = named(texts)
    except UsageError:
        if texts:
            raise
        return []  # no Bake file, or no cache in it: the builder's cache is there all the same
    read = {reference: _read(reference) for reference in references}
    shared = shared_bytes([cache for cache, _ in read.values() if cache])
    used, broken = last_used(), quarantined()
    return [
        _Row(
            reference,
            cache,
            error,
            shared.get(reference, 0),
            used.get(str(reference)),
            broken[str(reference)].reason if str(reference) in broken else "",
        )
        for reference, (cache, error) in read.items()
    ]


def _read(reference: Reference) -> tuple[CacheReference | None, str]:
    try:
        return read_cache(registry_of(reference.host), reference), ""
    except RegistryError as error:
        return None, error.message


_HEAD = ("reference", "size", "shared", "layers", "made", "used here", "")


def _cells(row: _Row) -> tuple[str, ...]:
    if row.cache is None:
        return (str(row.reference), "", "", "", "", "", row.error)
    return (
        str(row.reference),
        summary.size(row.cache.bytes),
        summary.size(row.shared_bytes),
        str(len(row.cache.layers)),
        _moment(row.cache.created_at),
        _moment(row.used_at),
        f"in quarantine: {row.quarantine}" if row.quarantine else "",
    )


def _moment(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M}" if at else ""


def _as_json(row: _Row) -> dict[str, object]:
    cache = row.cache
    return {
        "reference": str(row.reference),
        "error": row.error,
        "digest": cache.digest if cache else "",
        "bytes": cache.bytes if cache else None,
        "shared_bytes": row.shared_bytes if cache else None,
        "layers": len(cache.layers) if cache else None,
        "created_at": cache.created_at.isoformat() if cache and cache.created_at else None,
        "last_used_here_at": row.used_at.isoformat() if row.used_at else None,
        "quarantine": row.quarantine,
    }
