"""Files of an image on disk: in the folder of a layout, or in an archive, plain or compressed.

An archive is read where it stands, and nothing of it is written; what is hostile in it costs a
bounded number of bytes.
"""

import lzma
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Protocol, Self

from buildkit.errors import ParseError, TooLargeError

MOST_MEMBERS = 100_000
MOST_BYTES = 64 * 1024**3
"""Of an archive, unpacked."""

_MOST_HEADER = 1024**2
_CHUNK = 1024**2
_BROKEN = (tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, OSError, RecursionError)
"""What reading broken archives raises, some of it from what they are packed with."""

_SAYS_MORE = frozenset(
    {
        *(tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE),
        *(tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK),
    }
)


class Files(Protocol):
    """Where files are found by their name."""

    def has(self, name: str) -> bool:
        """Tell whether there is such a file."""

    def open(self, name: str) -> IO[bytes]:
        """Open a file.

        Raises:
            ParseError: there is none.
        """


class Folder:
    """Files of an unpacked image layout."""

    def __init__(self, root: Path) -> None:
        self._root = root.resolve()

    def has(self, name: str) -> bool:
        """Tell whether there is such a file, and no link leads out of the layout to it."""
        path = (self._root / name).resolve()
        return path.is_relative_to(self._root) and path.is_file()

    def open(self, name: str) -> IO[bytes]:
        """Open a file by its name in the layout.

        Raises:
            ParseError: there is none.
        """
        if not self.has(name):
            raise ParseError(name, "is not in the image layout")
        return (self._root / name).open("rb")


class Archive:
    """Files of an image in an archive."""

    def __init__(self, tar: tarfile.TarFile, place: str) -> None:
        self._tar = tar
        self._members: dict[str, tarfile.TarInfo] = {}
        for number, member in enumerate(tar, 1):
            if number > MOST_MEMBERS:
                raise TooLargeError(place, f"more than {MOST_MEMBERS} entries")
            if member.offset_data + member.size > MOST_BYTES:
                raise TooLargeError(place, f"unpacks to more than {MOST_BYTES} bytes")
            self._members[member.name.removeprefix("./")] = member

    def has(self, name: str) -> bool:
        """Tell whether there is such a file; links are none."""
        return name in self._members and self._members[name].isfile()

    def open(self, name: str) -> IO[bytes]:
        """Open a file by its name in the archive.

        Raises:
            ParseError: there is none.
        """
        file = self._tar.extractfile(self._members[name]) if self.has(name) else None
        if file is None:
            raise ParseError(name, "is not in the archive")
        return file


class _Member(tarfile.TarInfo):
    """A member of which the headers that are kept in memory are bounded."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        """Read a header."""
        member = super().frombuf(buf, encoding, errors)
        if member.type in _SAYS_MORE and member.size > _MOST_HEADER:
            raise tarfile.ReadError(f"a header of {member.size} bytes")
        return member


@contextmanager
def opened(path: Path) -> Iterator[Files]:
    """Have the files of a folder or of an archive while the block runs.

    Raises:
        ParseError: it is neither.
    """
    if path.is_dir():
        yield Folder(path)
        return
    if not path.is_file():
        raise ParseError(str(path), "is neither a file nor a directory")
    try:
        tar = tarfile.open(path, tarinfo=_Member)  # noqa: SIM115
    except _BROKEN as error:
        raise _no_archive(path, error) from error
    with tar:
        try:
            archive = Archive(tar, str(path))
        except _BROKEN as error:
            raise _no_archive(path, error) from error
        yield archive


def pieces_of(files: Files, name: str, most: int | None = None) -> Iterator[bytes]:
    """Yield the bytes of a file.

    Raises:
        ParseError: naming it: it is not there, cannot be read, or has more bytes than ``most``.
    """
    count = 0
    with files.open(name) as file:
        while piece := _piece(file, name):
            count += len(piece)
            if most is not None and count > most:
                raise TooLargeError(name, f"more than {most} bytes")
            yield piece


def _piece(file: IO[bytes], name: str) -> bytes:
    try:
        return file.read(_CHUNK)
    except _BROKEN as error:
        raise ParseError(name, f"cannot be read: {error}") from error


def _no_archive(path: Path, error: BaseException) -> ParseError:
    return ParseError(str(path), f"no archive of an image: {error}")
