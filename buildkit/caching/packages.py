"""What the layers of a cache install, read from the layers themselves."""

import io
import json
import re
import tarfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from email.parser import BytesHeaderParser
from typing import IO

from buildkit.caching.versions import Ecosystem
from buildkit.errors import ParseError
from buildkit.values import as_dict, as_text

MAX_MEMBERS = 1_000_000
MAX_FILE_BYTES = 64 * 1024**2

_NPM = re.compile(r"(?:^|/)node_modules/((?:@[^/]+/)?[^/@][^/]*)/package\.json$")
_PYPI = re.compile(r"\.dist-info/METADATA$")
_DEB = re.compile(r"^var/lib/dpkg/status(?:\.d/[^/]+)?$")


@dataclass(frozen=True, slots=True)
class Package:
    """One installed package; ``path`` is the file in the layer that says so."""

    ecosystem: Ecosystem
    name: str
    version: str
    path: str

    @property
    def named(self) -> tuple[Ecosystem, str, str]:
        """Ecosystem, name and version."""
        return self.ecosystem, self.name, self.version


def read_layer(chunks: Iterable[bytes], place: str) -> Iterator[Package]:
    """Yield the packages whose files are in a layer: a tar, as it is or by gzip, xz or bzip2.

    The database of dpkg holds all packages of the image, so a layer that changes it names also
    those of the layers below.

    Raises:
        ParseError: it is no such archive, such as one by zstd, or has too many files.
    """
    try:
        with tarfile.open(fileobj=_Stream(chunks), mode="r|*") as archive:
            for number, member in enumerate(archive):
                if number > MAX_MEMBERS:
                    raise ParseError(place, f"more than {MAX_MEMBERS} files")
                if member.isfile() and (kind := _kind(member.name)):
                    yield from _packages(archive, member, kind)
    except (tarfile.TarError, zlib.error, EOFError, OSError) as error:
        raise ParseError(place, f"the layer cannot be read: {error}") from error


def _kind(name: str) -> Ecosystem | None:
    path = name.removeprefix("./").lstrip("/")
    if _NPM.search(path):
        return Ecosystem.NPM
    if _PYPI.search(path):
        return Ecosystem.PYPI
    return Ecosystem.DEB if _DEB.match(path) else None


def _packages(
    archive: tarfile.TarFile, member: tarfile.TarInfo, kind: Ecosystem
) -> Iterator[Package]:
    file = archive.extractfile(member)
    data = file.read(MAX_FILE_BYTES) if file else b""
    path = member.name.removeprefix("./").lstrip("/")
    for name, version in _READERS[kind](data, path):
        if name and version:
            yield Package(kind, name, version, path)


def _npm(data: bytes, path: str) -> Iterator[tuple[str, str]]:
    """The name is that of the folder: what is imported, whatever the file says."""
    try:
        document = as_dict(json.loads(data))
    except (ValueError, RecursionError):
        return
    found = _NPM.search(path)
    yield (found[1] if found else ""), as_text(document.get("version"))


def _pypi(data: bytes, _path: str) -> Iterator[tuple[str, str]]:
    headers = BytesHeaderParser().parsebytes(data.partition(b"\n\n")[0])
    yield str(headers.get("Name", "")), str(headers.get("Version", ""))


def _deb(data: bytes, _path: str) -> Iterator[tuple[str, str]]:
    for block in re.split(rb"\n\s*\n", data):
        headers = BytesHeaderParser().parsebytes(block.strip() + b"\n")
        if "installed" in str(headers.get("Status", "installed")).split():
            yield str(headers.get("Package", "")), str(headers.get("Version", ""))


_READERS = {Ecosystem.NPM: _npm, Ecosystem.PYPI: _pypi, Ecosystem.DEB: _deb}


def same_name(ecosystem: Ecosystem, one: str, other: str) -> bool:
    """Tell whether two names are of one package; PyPI's are equal but for case and separators."""
    if ecosystem is not Ecosystem.PYPI:
        return one == other
    return _normal(one) == _normal(other)


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


class _Stream(io.RawIOBase, IO[bytes]):
    """Pieces as a file that is read once."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._rest = b""

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        """Return ``size`` bytes, or fewer at the end."""
        while size < 0 or len(self._rest) < size:
            chunk = next(self._chunks, None)
            if chunk is None:
                break
            self._rest += chunk
        end = len(self._rest) if size < 0 else size
        data, self._rest = self._rest[:end], self._rest[end:]
        return data
