"""A dossier as files: PDF, and a ZIP with what was sent, byte by byte."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from datetime import datetime
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from reportlab.platypus import Flowable

from buildinsights.pdf import HEADING, NOTE, TITLE, document, table_of, text_of
from evidence.dossier.collecting import Dossier
from evidence.dossier.sections import Section, sections_of
from evidence.exports.archive import Outlet
from ingest.models import IngestPayload
from ingest.uploads import unpack

README = """Dossier of {digest}
of {project}, made {made_at} for {made_by}.

dossier.json   all of it
dossier.pdf    the same, to be read
documents/     what was sent to the server, by receipt and part, byte by byte

The SHA-256 of each part stands in dossier.json. That nobody has changed the record of it since is
told by the audit trail: export that as well.
"""


def as_json(dossier: Dossier) -> str:
    """Return all of it."""
    return json.dumps(asdict(dossier), indent=2, ensure_ascii=False)


def as_pdf(dossier: Dossier) -> bytes:
    """Return the PDF."""
    return document(f"Dossier of {dossier.digest}", _parts(dossier))


def _parts(dossier: Dossier) -> Iterable[Flowable]:
    yield text_of(f"Dossier of {dossier.digest}", TITLE)
    made = f"Made {dossier.made_at[:16].replace('T', ' ')} UTC for {dossier.made_by}."
    yield text_of(f"Image of {dossier.project}. {made}", NOTE)
    yield text_of(f"Names: {', '.join(dossier.names) or 'none'}. {dossier.platform}")
    for section in sections_of(dossier):
        yield text_of(section.title, HEADING)
        yield from _table(section)


def _table(section: Section) -> Iterator[Flowable]:
    if not section.rows:
        yield text_of(section.empty)
        return
    if section.left_off:
        yield text_of(f"The newest; {section.left_off} more are left off.", NOTE)
    yield table_of(section.heads, section.widths, section.rows)


def archive_of(dossier: Dossier, payloads: Iterable[IngestPayload]) -> Iterator[bytes]:
    """Yield the ZIP, one part of one payload in memory at a time."""
    outlet = Outlet()
    at = datetime.fromisoformat(dossier.made_at)
    with ZipFile(outlet, "w", ZIP_DEFLATED) as archive:

        def write(name: str, data: bytes | str) -> None:
            entry = ZipInfo(name, at.timetuple()[:6])
            entry.compress_type, entry.external_attr = ZIP_DEFLATED, 0o644 << 16
            archive.writestr(entry, data)

        write("README.txt", README.format(**asdict(dossier)))
        write("dossier.json", as_json(dossier))
        write("dossier.pdf", as_pdf(dossier))
        yield outlet.take()
        for payload in payloads:
            for name, part in unpack(payload.parts, payload.body).items():
                write(f"documents/{payload.public_id}/{name}", part.data)
                yield outlet.take()
    yield outlet.take()
