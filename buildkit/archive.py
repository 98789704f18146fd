"""Compressed archives from outside, read in memory and within bounds."""

import hashlib
import tarfile
import zlib
from collections.abc import Iterator

from buildkit.errors import ParseError, TooLargeError
from buildkit.limits import Limits
from buildkit.values import clean

GZIP_MAGIC = b"\x1f\x8b"
_PIECE_BYTES = 64 * 1024
_PART_BYTES = 1024**2
_MAX_NAME_BYTES = 4096
_GZIP_WINDOW = 31
_BLOCK = tarfile.BLOCKSIZE
_REGULAR = (tarfile.REGTYPE, tarfile.AREGTYPE)


def gunzip(data: bytes, path: str, limits: Limits) -> bytes:
    """Decompress gzip (all its members), or return plain data as it is.

    Raises ``ParseError`` for broken data and for bombs: more than ``max_uncompressed_bytes``, or
    more than ``max_gzip_ratio`` times the input once past ``gzip_ratio_floor_bytes``.
    """
    if data[:2] != GZIP_MAGIC:
        if len(data) > limits.max_uncompressed_bytes:
            allowed = limits.max_uncompressed_bytes
            raise TooLargeError(path, f"{len(data)} bytes, allowed are {allowed}")
        return data
    by_ratio = max(limits.gzip_ratio_floor_bytes, len(data) * limits.max_gzip_ratio)
    allowed = min(limits.max_uncompressed_bytes, by_ratio)
    parts: list[bytes] = []
    size = 0
    try:
        for part in _inflate(data, path, limits):
            size += len(part)
            if size > allowed:
                raise TooLargeError(path, f"unpacks to more than the {allowed} bytes allowed")
            parts.append(part)
    except zlib.error as error:
        raise ParseError(path, f"broken gzip: {error}") from error
    return b"".join(parts)


def _inflate(data: bytes, path: str, limits: Limits) -> Iterator[bytes]:
    """Yield the content in small parts.

    Input goes in by pieces, because zlib copies what is left of its input after every part. Zeros
    between members are padding.
    """
    members = 0
    member = None
    for start in range(0, len(data), _PIECE_BYTES):
        piece = data[start : start + _PIECE_BYTES]
        while piece:
            if member is None:
                piece = piece.lstrip(b"\0")
                members += bool(piece)
                member = zlib.decompressobj(_GZIP_WINDOW) if piece else None
            if members > limits.max_archive_entries:
                raise ParseError(path, f"more than {limits.max_archive_entries} gzip members")
            if member is not None:
                yield member.decompress(piece, _PART_BYTES)
                piece = member.unused_data if member.eof else member.unconsumed_tail
                member = None if member.eof else member
    while member is not None:
        part = member.decompress(b"", _PART_BYTES)
        if not part and not member.eof:
            raise ParseError(path, "truncated gzip")
        yield part
        member = None if member.eof else member


def read_tar(data: bytes, path: str, limits: Limits) -> dict[str, memoryview]:
    """Regular files of a tar archive by name, without copying them.

    Raises ``ParseError`` for links, devices and every other special entry, names that leave the
    archive, duplicates, too many entries, and truncation. Headers are parsed by ``tarfile``; the
    walk is ours, because a walk by offsets within one buffer cannot be led outside it.
    """
    view = memoryview(data)
    files: dict[str, memoryview] = {}
    offset = entries = 0
    long_name = ""
    while (header := _read_header(data, offset, path)) is not None:
        entries += 1
        if entries > limits.max_archive_entries:
            raise ParseError(path, f"more than {limits.max_archive_entries} entries")
        start = offset + _BLOCK
        end = start + header.size
        if header.size < 0 or end > len(data):
            raise ParseError(f"{path}/{clean(header.name)}", "truncated archive")
        offset = end + -end % _BLOCK
        body = view[start:end]
        if header.type == tarfile.GNUTYPE_LONGNAME:
            long_name = _long_name(body, path)
        elif header.type == tarfile.XHDTYPE:
            long_name = _pax_path(bytes(body), path)
        elif header.type != tarfile.XGLTYPE:
            _add_entry(files, header, long_name or header.name, body, path)
            long_name = ""
    return files


def verify_digest(digest: str, content: bytes | memoryview, path: str) -> None:
    """Raise ``ParseError`` unless ``sha256:…`` is the digest of the content."""
    actual = hashlib.sha256(content).hexdigest()
    if digest != f"sha256:{actual}":
        raise ParseError(path, f"content has digest sha256:{actual}")


def _read_header(data: bytes, offset: int, path: str) -> tarfile.TarInfo | None:
    """The header at an offset; ``None`` at the archive's end."""
    block = data[offset : offset + _BLOCK]
    if not block or not block.strip(b"\0"):
        return None
    try:
        return tarfile.TarInfo.frombuf(block, "utf-8", "replace")
    except (tarfile.HeaderError, ValueError, OverflowError) as error:
        raise ParseError(path, f"broken archive at byte {offset}: {error}") from error


def _add_entry(
    files: dict[str, memoryview],
    header: tarfile.TarInfo,
    raw_name: str,
    body: memoryview,
    path: str,
) -> None:
    name = clean(raw_name).removeprefix("./")
    place = f"{path}/{name}"
    if name.startswith("/") or "\\" in name or ".." in name.split("/"):
        raise ParseError(place, "entry leaves the archive")
    if header.type == tarfile.DIRTYPE:
        return
    if header.type not in _REGULAR:
        raise ParseError(place, "entry is neither a file nor a directory")
    if name in files:
        raise ParseError(place, "entry occurs twice")
    files[name] = body


def _long_name(body: memoryview, path: str) -> str:
    if len(body) > _MAX_NAME_BYTES:
        raise ParseError(path, f"a name of {len(body)} bytes")
    return bytes(body).rstrip(b"\0").decode("utf-8", "replace")


def _pax_path(body: bytes, path: str) -> str:
    """The ``path`` record of an extended header, or an empty string.

    An extended size would make header and walk disagree, so it is refused.
    """
    if len(body) > 2 * _MAX_NAME_BYTES:
        raise ParseError(path, f"an extended header of {len(body)} bytes")
    name = ""
    while body:
        length, _, rest = body.partition(b" ")
        if not length.isdigit() or not len(length) < int(length[:8]) <= len(body):
            raise ParseError(path, "broken extended header")
        record = rest[: int(length[:8]) - len(length) - 1]
        key, _, value = record.rstrip(b"\n").partition(b"=")
        if key == b"path":
            name = value.decode("utf-8", "replace")
        elif key == b"size" or key.startswith(b"GNU.sparse"):
            raise ParseError(path, f"extended header with {key.decode('ascii', 'replace')}")
        body = body[int(length[:8]) :]
    return name
