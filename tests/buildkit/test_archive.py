"""Bombs, traversal, links and truncation in archives."""

import contextlib
import gzip
import io
import os
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


def test_padding_and_pieces() -> None:
    content = os.urandom(150_000) + bytes(400_000)
    data = gzip.compress(content) + bytes(70_000) + gzip.compress(b"end") + bytes(9)
    assert gunzip(data, "x", LIMITS) == content + b"end"


@pytest.mark.parametrize("rest", [b"garbage", b"\x1f\x8b\x00"])
def test_garbage_after_a_member(rest: bytes) -> None:
    with pytest.raises(ParseError, match="gzip"):
        gunzip(gzip.compress(b"one") + rest, "x", LIMITS)


def test_too_many_gzip_members() -> None:
    with pytest.raises(ParseError, match="more than 3 gzip members"):
        gunzip(gzip.compress(b"") * 4, "x", Limits(max_archive_entries=3))


@given(st.binary(max_size=300), st.integers(1, 3))
def test_any_content_comes_back(content: bytes, repeat: int) -> None:
    assert gunzip(gzip.compress(content * 1000) * repeat, "x", LIMITS) == content * 1000 * repeat


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


@pytest.mark.parametrize("style", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_a_name_that_is_too_long(style: int) -> None:
    with pytest.raises(ParseError, match=r"a name of 9001 bytes|an extended header of"):
        read_tar(make_tar(("n" * 9000, b""), style=style), "x", LIMITS)


@pytest.mark.parametrize("record", [b"x path=a\n", b"0 path=a\n", b"99 path=a\n", b"1 x"])
def test_a_broken_extended_header(record: bytes) -> None:
    with pytest.raises(ParseError, match="broken extended header"):
        read_tar(extended(record), "x", LIMITS)


def extended(record: bytes) -> bytes:
    """An extended header with the given record before a file."""
    header = tarfile.TarInfo("pax")
    header.type = tarfile.XHDTYPE
    header.size = len(record)
    return header.tobuf() + record.ljust(512, b"\0") + make_tar(("a", b"x"))


def test_an_extended_size_is_refused() -> None:
    with pytest.raises(ParseError, match="extended header with size"):
        read_tar(extended(b"13 size=9999\n"), "x", LIMITS)


def test_a_global_header_is_passed_over() -> None:
    header = tarfile.TarInfo.create_pax_global_header({"comment": "x"})
    assert list(read_tar(header + make_tar(("a", b"x")), "x", LIMITS)) == ["a"]


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
