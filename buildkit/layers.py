"""What lies in the layers of an image, read as a stream: names and sizes of files.

A layer is a tar archive (POSIX ustar and pax, GNU), plain or compressed, in which by the OCI image
specification (layer.md) ``.wh.NAME`` removes NAME of the layers below, and ``.wh..wh..opq`` all
that they have in its directory. Nothing is written; of contents only what is wanted is given.
"""

import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from importlib import import_module
from typing import Any

from buildkit.errors import ParseError, TooLargeError
from buildkit.values import decode

WHITEOUT = ".wh."
OPAQUE = ".wh..wh..opq"
_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
_BLOCK, _CHUNK = 512, 1024**2
_MOST_PATH = 4096
_MOST_HEADER = 1024**2
"""Bytes of a pax header, which is kept in memory."""

_MOST_HEADERS = 16
"""That say something of one file: each may be large, and what they say is kept together."""

_HEADER_ONLY = frozenset(b"123456")
_PAX, _PAX_GLOBAL, _LONG_NAME, _LONG_LINK = b"xgLK"
_HARD_LINK, _DIRECTORY, _SPARSE = b"15S"
_CAPABILITIES = "SCHILY.xattr.security.capability"
_SYMLINK, _DEVICES = ord("2"), frozenset(b"346")


@dataclass(frozen=True, slots=True)
class LayerLimits:
    """What the layers of one image may be at most."""

    bytes: int = 16 * 1024**3
    """Unpacked, of all layers together."""
    entries: int = 2_000_000
    names: int = 256 * 1024**2
    """Characters of all names together, which are kept in memory."""
    ratio: int = 1_100
    """Unpacked over stored bytes of one layer; deflate itself reaches 1 032."""
    seconds: float = 1_800
    """From the first layer's beginning to the last one's end, whatever they are waiting for."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of a layer, or a mark that removes one of the layers below.

    ``path`` has no leading slash; that of a mark is what it removes, of an ``opaque`` one the
    directory that it empties. ``size`` is in bytes; what is no regular file has none. ``link`` is
    the path that a hard link is another name of, ``symlink`` what a symbolic one says, in its own
    words. ``mode`` has permissions and the bits for setuid, setgid and sticky; an owner that
    cannot be read is -1.
    """

    path: str
    size: int = 0
    is_dir: bool = False
    link: str = ""
    removes: bool = False
    opaque: bool = False
    mode: int = 0o644
    uid: int = 0
    gid: int = 0
    symlink: str = ""
    is_device: bool = False
    """A device or a pipe."""
    has_capabilities: bool = False
    """Whether it runs with capabilities of its own, as an extended attribute says."""
    data: bytes = b""
    """The first bytes of a regular file, if they were wanted."""


type Wanted = Callable[[Entry], int]
"""How many of the first bytes of a regular file are wanted."""


def nothing_wanted(_entry: Entry) -> int:
    """Want no content."""
    return 0


class LayerReader:
    """Reads the layers of one image one after the other, within limits for all of them."""

    def __init__(self, limits: LayerLimits | None = None, wanted: Wanted = nothing_wanted) -> None:
        self._limits, self._wanted = limits or LayerLimits(), wanted
        self._bytes = self._entries = self._names = 0
        self._until: float | None = None

    def entries(self, chunks: Iterable[bytes], place: str) -> Iterator[Entry]:
        """Yield the entries of a layer, of which ``chunks`` are the stored bytes, to their end.

        Raises:
            ParseError: naming ``place``: it is no archive, or a name or a size in it is hostile.
            TooLargeError: it is more than the limits allow.
        """
        if self._until is None:
            self._until = time.monotonic() + self._limits.seconds
        archive = _Archive(self._unpacked(chunks, place), place, self._wanted)
        for entry in archive.entries():
            self._entries += 1
            if self._entries > self._limits.entries:
                raise TooLargeError(place, f"more than {self._limits.entries} entries")
            self._names += len(entry.path) + len(entry.link) + len(entry.symlink)
            if self._names > self._limits.names:
                raise TooLargeError(place, f"names of more than {self._limits.names} characters")
            yield entry
        archive.drain()

    def _unpacked(self, chunks: Iterable[bytes], place: str) -> Iterator[bytes]:
        """Yield plain bytes and count them."""
        stored = unpacked = 0

        def counted() -> Iterator[bytes]:
            nonlocal stored
            for chunk in chunks:
                stored += len(chunk)
                yield chunk

        for piece in _plain(counted(), place):
            if self._until is not None and time.monotonic() > self._until:
                raise TooLargeError(place, f"took longer than {self._limits.seconds:.0f} s to read")
            self._bytes += len(piece)
            unpacked += len(piece)
            if self._bytes > self._limits.bytes:
                raise TooLargeError(place, f"unpacks to more than {self._limits.bytes} bytes")
            if unpacked > _CHUNK + self._limits.ratio * stored:
                raise TooLargeError(place, f"unpacks to {self._limits.ratio} times its size")
            yield piece


def _plain(chunks: Iterator[bytes], place: str) -> Iterator[bytes]:
    head = b""
    for chunk in chunks:
        head += chunk
        if len(head) >= len(_ZSTD):
            break
    stored = _with_head(head, chunks)
    if head.startswith(_GZIP):
        yield from _gunzipped(stored, place)
    elif head.startswith(_ZSTD):
        yield from _from_zstd(stored, place)
    else:
        yield from stored


def _with_head(head: bytes, chunks: Iterator[bytes]) -> Iterator[bytes]:
    yield head
    yield from chunks


def _gunzipped(chunks: Iterator[bytes], place: str) -> Iterator[bytes]:
    """Yield plain bytes of a gzip file of one or several members."""
    member: Any = None
    try:
        for chunk in chunks:
            data = chunk
            while data:
                member = member or zlib.decompressobj(wbits=31)
                yield member.decompress(data, _CHUNK)
                data = member.unconsumed_tail
                if member.eof:
                    data, member = member.unused_data.lstrip(b"\0"), None
    except zlib.error as error:
        raise ParseError(place, f"broken gzip: {error}") from error
    if member is not None:
        raise ParseError(place, "the gzip file ends in the middle")


def _from_zstd(chunks: Iterator[bytes], place: str) -> Iterator[bytes]:
    """Yield plain bytes of a zstd file, which Python reads from 3.14 on."""
    try:
        zstd: Any = import_module("compression.zstd")
    except ImportError as error:
        raise ParseError(place, "compressed with zstd, which takes Python 3.14 to read") from error
    frame = zstd.ZstdDecompressor()
    try:
        for chunk in chunks:
            data = chunk
            while data or not frame.needs_input:
                yield frame.decompress(data, _CHUNK)
                data = b""
                if frame.eof:
                    data, frame = frame.unused_data, zstd.ZstdDecompressor()
                    if not data:
                        break
    except zstd.ZstdError as error:
        raise ParseError(place, f"broken zstd: {error}") from error


class _Archive:
    """A tar archive that is read once from the front."""

    def __init__(self, pieces: Iterator[bytes], place: str, wanted: Wanted) -> None:
        self._pieces, self._place, self._wanted = pieces, place, wanted
        self._buffer = bytearray()
        self._at = 0

    def entries(self) -> Iterator[Entry]:
        """Yield what the archive has up to its end mark."""
        said: dict[str, str] = {}
        headers = 0
        while (header := self._header()) is not None:
            kind = header[156]
            size = self._number(header[124:136])
            if kind in (_PAX, _PAX_GLOBAL, _LONG_NAME, _LONG_LINK):
                headers += 1
                if headers > _MOST_HEADERS:
                    raise self._broken(f"more than {_MOST_HEADERS} headers of one file")
                data = self._small(size)
                if kind != _PAX_GLOBAL:
                    said |= self._said(kind, data)
                continue
            size = self._size(said.get("size"), size)
            if kind == _SPARSE:
                self._skip_sparse(header)
            entry = self._entry(kind, header, said, size)
            rest = 0 if kind in _HEADER_ONLY else size + -size % _BLOCK
            if entry and entry.size:
                entry, rest = self._with_data(entry, rest)
            if entry:
                yield entry
            said, headers = {}, 0
            self._skip(rest)

    def _with_data(self, entry: Entry, rest: int) -> tuple[Entry, int]:
        """Return a regular file with the bytes that are wanted, and how many then follow."""
        count = min(self._wanted(entry), entry.size)
        if count <= 0:
            return entry, rest
        if not self._fill(count):
            raise self._broken("the archive ends within a file")
        return replace(entry, data=self._take(count)), rest - count

    def drain(self) -> None:
        """Read what follows the end mark, so that whoever gives the bytes can check them all."""
        for _ in self._pieces:
            pass

    def _header(self) -> bytes | None:
        """Return the next header; ``None`` at the end, which is a block of zeros or nothing."""
        if not self._fill(_BLOCK):
            if len(self._buffer) > self._at:
                raise self._broken("the archive ends within a header")
            return None
        header = self._take(_BLOCK)
        if not any(header):
            return None
        told = self._number(header[148:156])
        if told != sum(header[:148]) + sum(header[156:]) + 8 * 32:
            raise self._broken("no tar archive: a header's checksum is wrong")
        return header

    def _number(self, field: bytes) -> int:
        """Return an octal number, or a binary one as GNU tar writes large ones."""
        if field[0] == 0x80:
            return int.from_bytes(field[1:])
        digits = field.strip(b" \0")
        try:
            number = int(digits, 8) if digits else 0
        except ValueError as error:
            raise self._broken(f"{digits[:20]!r} is no number") from error
        if number < 0:
            raise self._broken("a size is negative")
        return number

    def _size(self, told: str | None, size: int) -> int:
        if told is None:
            return size
        if not (told.isascii() and told.isdecimal() and len(told) < 20):
            raise self._broken(f"{told[:20]!r} is no size")
        return int(told)

    def _owner(self, told: str | None, field: bytes) -> int:
        """Return a number of an owner; -1 if it is none, for the archive is readable without."""
        try:
            return self._size(told, 0) if told is not None else self._number(field)
        except ParseError:
            return -1

    def _small(self, size: int) -> bytes:
        if size > _MOST_HEADER:
            raise self._broken(f"a header of {size} bytes")
        padded = size + -size % _BLOCK
        if not self._fill(padded):
            raise self._broken("the archive ends within a header")
        return self._take(padded)[:size]

    def _said(self, kind: int, data: bytes) -> dict[str, str]:
        """Return what a header says of the entry that follows."""
        if kind == _LONG_NAME:
            return {"path": decode(data.rstrip(b"\0"))}
        if kind == _LONG_LINK:
            return {"linkpath": decode(data.rstrip(b"\0"))}
        found: dict[str, str] = {}
        at = 0
        while at < len(data):
            length = data[at : at + 20].partition(b" ")[0]
            if not length.isdigit() or not len(length) + 1 < int(length) <= len(data) - at:
                raise self._broken("a pax header cannot be read")
            record = data[at + len(length) + 1 : at + int(length)]
            at += int(length)
            name, equals, value = record.partition(b"=")
            if equals:
                found[decode(name)] = decode(value.removesuffix(b"\n"))
        return found

    def _skip_sparse(self, header: bytes) -> None:
        """Skip the blocks of a sparse file's map."""
        more = header[482]
        while more:
            more = self._small(_BLOCK)[504]

    def _entry(self, kind: int, header: bytes, said: dict[str, str], size: int) -> Entry | None:
        """Return the entry of a header; nothing of the root itself."""
        path = self._path(said.get("GNU.sparse.name") or said.get("path") or _name_of(header))
        if not path:
            return None
        folder, _, name = path.rpartition("/")
        if name == OPAQUE:
            return Entry(folder, opaque=True)
        if name.startswith(WHITEOUT):
            return Entry(f"{folder}/{name[4:]}".lstrip("/"), removes=True)
        target = said.get("linkpath") or decode(header[157:257].partition(b"\0")[0])
        return Entry(
            path,
            size if kind not in _HEADER_ONLY else 0,
            is_dir=kind == _DIRECTORY,
            link=self._path(target) if kind == _HARD_LINK else "",
            mode=max(self._owner(None, header[100:108]), 0) & 0o7777,
            uid=self._owner(said.get("uid"), header[108:116]),
            gid=self._owner(said.get("gid"), header[116:124]),
            symlink=target if kind == _SYMLINK else "",
            is_device=kind in _DEVICES,
            has_capabilities=bool(said.get(_CAPABILITIES)),
        )

    def _path(self, text: str) -> str:
        """Return a path in its plainest form; one that leads out of the image is hostile."""
        if len(text) > _MOST_PATH:
            raise self._broken(f"a name of {len(text)} characters")
        parts = [part for part in text.split("/") if part not in ("", ".")]
        if ".." in parts:
            raise self._broken(f"{text[:100]!r} leads out of the image")
        return "/".join(parts)

    def _fill(self, count: int) -> bool:
        """Have so many bytes in the buffer; tell whether there were that many."""
        while len(self._buffer) - self._at < count:
            piece = next(self._pieces, None)
            if piece is None:
                return False
            del self._buffer[: self._at]
            self._at = 0
            self._buffer += piece
        return True

    def _take(self, count: int) -> bytes:
        self._at += count
        return bytes(self._buffer[self._at - count : self._at])

    def _skip(self, count: int) -> None:
        while count > (here := len(self._buffer) - self._at):
            count -= here
            self._buffer.clear()
            self._at = 0
            if not self._fill(1):
                raise self._broken("the archive ends within a file")
        self._at += count

    def _broken(self, message: str) -> ParseError:
        return ParseError(self._place, message)


def _name_of(header: bytes) -> str:
    name = decode(header[:100].partition(b"\0")[0])
    if header[257:263] != b"ustar\0":
        return name
    prefix = decode(header[345:500].partition(b"\0")[0])
    return f"{prefix}/{name}" if prefix else name
