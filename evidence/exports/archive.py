"""All that an auditor needs in one ZIP: the trail, the keys, the verifier and how to use it."""

import json
from collections.abc import Iterable, Iterator
from io import RawIOBase
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from audit.models import SigningKey
from audit.signing import as_pem
from evidence import verify_trail
from evidence.exports.proof import keys_of, proof_of
from evidence.exports.selection import Selection

README = """Audit trail of {name}
Chain {chain}, written {made_at} by {made_by}.

trail.jsonl      events, checkpoints and keys; verify_trail.py says what each line is. It alone
                 is proved: the other files are for your convenience
keys.json        public keys that checkpoints are signed with, the newest last
verify_trail.py  checks the trail, offline; needs Python 3.9 or newer and the package cryptography

    pip install cryptography
    python3 verify_trail.py trail.jsonl --fingerprint {key_id}

Do not take the fingerprint from here: whoever could change the trail could change this line too,
and the program beside it. Ask for both by another way, or take the program that came with an export
that you kept. Keep this file: the next export can be checked against it with --earlier.
"""

CHUNK = 1 << 16


class Outlet(RawIOBase):
    """Takes what the ZIP writes, until somebody fetches it; cannot seek, so nothing has to stay."""

    def __init__(self) -> None:
        self.held = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        self.held += data
        return len(data)

    def take(self) -> bytes:
        """Return what was written since the last time."""
        data = bytes(self.held)
        self.held.clear()
        return data


def archive_of(selection: Selection) -> Iterator[bytes]:
    """Yield the ZIP in constant memory."""
    outlet = Outlet()
    with ZipFile(outlet, "w", ZIP_DEFLATED) as archive:
        archive.writestr(_entry(selection, "README.txt"), _readme(selection))
        archive.writestr(_entry(selection, "keys.json"), keys_text(keys_of(selection)))
        verifier = Path(verify_trail.__file__).read_bytes()
        archive.writestr(_entry(selection, "verify_trail.py"), verifier)
        with archive.open(_entry(selection, "trail.jsonl"), "w", force_zip64=True) as trail:
            for line in proof_of(selection):
                trail.write(line)
                if len(outlet.held) > CHUNK:
                    yield outlet.take()
    yield outlet.take()


def _entry(selection: Selection, name: str) -> ZipInfo:
    entry = ZipInfo(name, selection.made_at.timetuple()[:6])
    entry.compress_type = ZIP_DEFLATED
    entry.external_attr = 0o644 << 16
    return entry


def _readme(selection: Selection) -> str:
    return README.format(
        name=selection.name,
        chain=selection.chain,
        made_at=selection.made_at.isoformat(timespec="seconds"),
        made_by=selection.made_by,
        key_id=selection.signer.key_id if selection.signer else "(nothing is signed)",
    )


def keys_text(keys: Iterable[SigningKey]) -> str:
    """Return the public keys for people and other tools."""
    told = [
        {
            "key_id": row.key_id,
            "public_key_pem": as_pem(row.public_key),
            "previous": row.previous,
            "first_used_at": row.made_at.isoformat(),
        }
        for row in keys
    ]
    return json.dumps(told, indent=2)
