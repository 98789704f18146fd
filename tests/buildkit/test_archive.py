"""Bombs, traversal, links and truncation in archives."""

import contextlib
import gzip
import io
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buildkit.archive import gunzip, read_tar, verify_digest
from buildkit.errors import ParseError
from buildkit.limits import Limits

LIMITS = Limits()


def make_tar(*entries: tuple[str, bytes], kind: bytes = tarfile.REGTYPE, style: int = 1) -> bytes:
    """A tar of entries in GNU format (1), USTAR (0) or PAX (2)."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=style) as archive:
        for name, content in entries:
            header = tarfile.TarInfo(name)
            header.type = kind
            header.size = len(content) if kind == tarfile.REGTYPE else 0
            header.linkname = "elsewhere"
            archive.addfile(header, io.BytesIO(content))
    return buffer.getvalue()


def test_plain_data_passes() -> None:
    assert gunzip(b"plain", "x", LIMITS) == b"plain"
    with pytest.raises(ParseError, match="5 bytes, allowed are 4"):
        gunzip(b"plain", "x", Limits(max_uncompressed_bytes=4))


def test_several_gzip_members_are_one_stream() -> None:
    assert gunzip(gzip.compress(b"one") + gzip.compress(b"two"), "x", LIMITS) == b"onetwo"


def test_a_bomb_by_size() -> None:
    bomb = gzip.compress(bytes(3_000_000))
    with pytest.raises(ParseError, match="more than the 2000000 bytes"):
        gunzip(bomb, "x", Limits(max_uncompressed_bytes=2_000_000))


def test_a_bomb_by_ratio() -> None:
    bomb = gzip.compress(bytes(3_000_000))
    limits = Limits(max_gzip_ratio=10, gzip_ratio_floor_bytes=1_000_000)
    with pytest.raises(ParseError, match="more than the 1000000 bytes"):
        gunzip(bomb, "x", limits)
    assert len(gunzip(bomb, "x", LIMITS)) == 3_000_000


@pytest.mark.parametrize("cut", [1, 5, 12, 20])
def test_truncated_gzip(cut: int) -> None:
    with pytest.raises(ParseError, match="gzip"):
        gunzip(gzip.compress(b"some content to cut")[:-cut], "x", LIMITS)


@pytest.mark.parametrize("style", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_files_of_every_tar_format(style: int) -> None:
    long_name = "blobs/sha256/" + "a" * 120
    entries = [("index.json", b"{}"), ("empty", b""), ("./dot", b"x" * 512)]
    if style != tarfile.USTAR_FORMAT:
        entries.append((long_name, b"long"))
    files = read_tar(make_tar(*entries, style=style), "x", LIMITS)
    found = {name: bytes(content) for name, content in files.items()}
    assert found == {name.removeprefix("./"): content for name, content in entries}


@pytest.mark.parametrize(
    "name", ["../index.json", "/etc/passwd", "a/../../b", "a\\..\\b", "./../x", ".."]
)
def test_names_that_leave_the_archive(name: str) -> None:
    with pytest.raises(ParseError, match="leaves the archive"):
        read_tar(make_tar((name, b"x")), "x", LIMITS)


@pytest.mark.parametrize(
    "kind",
    [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE, b"S"],
)
def test_special_entries(kind: bytes) -> None:
    with pytest.raises(ParseError, match="neither a file nor a directory"):
        read_tar(make_tar(("entry", b""), kind=kind), "x", LIMITS)


def test_directories_are_passed_over() -> None:
    assert read_tar(make_tar(("blobs", b""), kind=tarfile.DIRTYPE), "x", LIMITS) == {}


def test_an_entry_that_occurs_twice() -> None:
    with pytest.raises(ParseError, match="x/a: entry occurs twice"):
        read_tar(make_tar(("a", b"1"), ("./a", b"2")), "x", LIMITS)


def test_too_many_entries() -> None:
    with pytest.raises(ParseError, match="more than 2 entries"):
        read_tar(make_tar(("a", b""), ("b", b""), ("c", b"")), "x", Limits(max_archive_entries=2))


def test_truncated_tar_names_the_entry() -> None:
    data = make_tar(("first", b"1"), ("second", b"2" * 2000))
    with pytest.raises(ParseError, match="x/second: truncated archive"):
        read_tar(data[:2500], "x", LIMITS)


def test_an_extended_size_is_refused() -> None:
    header = tarfile.TarInfo.create_pax_global_header({})
    record = b"13 size=9999\n"
    extended = tarfile.TarInfo("pax")
    extended.type = tarfile.XHDTYPE
    extended.size = len(record)
    data = header + extended.tobuf() + record.ljust(512, b"\0") + make_tar(("a", b"x"))
    with pytest.raises(ParseError, match="extended header with size"):
        read_tar(data, "x", LIMITS)


def test_digests() -> None:
    empty = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    verify_digest(empty, b"", "x")
    with pytest.raises(ParseError, match="blob: content has digest sha256:"):
        verify_digest(empty, b"changed", "blob")


@given(st.binary(max_size=2000))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    for content in (data, b"\x1f\x8b" + data, make_tar(("a", data))[: len(data)]):
        with contextlib.suppress(ParseError):
            files = read_tar(gunzip(content, "x", LIMITS), "x", LIMITS)
            assert sum(map(len, files.values())) <= len(content)
