"""The reader of layers and what is wasted in them, against archives that Python's tarfile wrote."""

import gzip
import tarfile
import time
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buildkit.contents import Contents, ContentsBuilder, Reason, Waste
from buildkit.errors import ParseError, TooLargeError
from buildkit.layers import Entry, LayerLimits, LayerReader
from tests.buildkit.archives import archive, member

type Files = Sequence[tuple[str, int]]


def read(data: bytes, limits: LayerLimits | None = None, step: int = 1000) -> list[Entry]:
    chunks = (data[at : at + step] for at in range(0, len(data), step))
    return list(LayerReader(limits).entries(chunks, "layer 1"))


def contents(*layers: bytes) -> Contents:
    reader, builder = LayerReader(), ContentsBuilder()
    for number, data in enumerate(layers):
        builder.add(reader.entries([data], f"layer {number}"), f"layer {number}")
    return builder.contents()


LETTERS = st.text("ab.-_ é\U0001f600", min_size=1, max_size=6)
NAMES = st.builds(lambda text, times: text * times, LETTERS, st.sampled_from([1, 1, 1, 30]))
PATHS = st.lists(NAMES.filter(lambda n: n not in {".", ".."}), min_size=1, max_size=3).map("/".join)
FORMATS = st.sampled_from([tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])


@given(
    files=st.lists(st.tuples(PATHS, st.integers(0, 3000)), max_size=8),
    form=FORMATS,
    is_packed=st.booleans(),
    step=st.integers(1, 5000),
)
def test_it_reads_what_tarfile_wrote(files: Files, form: int, is_packed: bool, step: int):
    plain = [(path, size) for path, size in files if ".wh." not in path]
    data = archive(*(member(path, size) for path, size in plain), form=form)
    found = read(gzip.compress(data) if is_packed else data, step=step)
    assert [(entry.path, entry.size) for entry in found] == plain


SMALL = st.sampled_from(["a", "b", "d/a", "d/b", "d/e/a"])
LAYERS = st.lists(
    st.dictionaries(SMALL, st.one_of(st.none(), st.integers(0, 9)), max_size=5), max_size=5
)


@given(layers=LAYERS)
def test_waste_is_what_an_independent_count_says(layers: list[dict[str, int | None]]):
    """A size puts a file, ``None`` removes the one of layers below."""
    seen: dict[str, int] = {}
    wasted = total = 0
    written = []
    for layer in layers:
        members = []
        for path, size in layer.items():
            folder, _, name = path.rpartition("/")
            if size is None:
                members.append(member(f"{folder}/.wh.{name}" if folder else f".wh.{name}"))
                wasted += seen.pop(path, 0)
            else:
                members.append(member(path, size))
                wasted += seen.get(path, 0)
                total += size
                seen[path] = size
        written.append(archive(*members))
    found = contents(*written)
    assert (found.total_bytes, found.wasted_bytes) == (total, wasted)
    assert sum(waste.bytes for waste in found.wasted) == wasted


def test_what_replaces_and_what_removes_is_told():
    found = contents(
        archive(member("app/big", 5000), member("app/old", 300), member("keep", 7)),
        archive(member("app/big", 100)),
        archive(member("app/.wh.old")),
    )
    assert found.wasted == (
        Waste("app/big", 5000, Reason.REPLACED, 0, 1),
        Waste("app/old", 300, Reason.REMOVED, 0, 2),
    )


def test_removing_a_directory_removes_all_of_it():
    found = contents(
        archive(member("d", type=tarfile.DIRTYPE), member("d/a", 10), member("d/e/b", 20)),
        archive(member(".wh.d")),
        archive(member("d/a", 1)),
    )
    assert found.wasted_bytes == 30


def test_an_opaque_directory_hides_only_what_lies_below_its_layer():
    """The mark may come before or after what its own layer has there."""
    below = archive(member("d/a", 10), member("d/b", 20), member("c", 5))
    for members in (
        [member("d/.wh..wh..opq"), member("d/b", 3)],
        [member("d/b", 3), member("d/.wh..wh..opq")],
    ):
        found = contents(below, archive(*members))
        assert found.wasted_bytes == 30
        again = contents(below, archive(*members), archive(member("d/.wh.b")))
        assert again.wasted_bytes == 33


def test_a_file_is_wasted_only_when_its_last_name_goes():
    below = archive(
        member("a", 10), member("b", type=tarfile.LNKTYPE, linkname="a"), member("c", 1)
    )
    assert contents(below, archive(member(".wh.a"))).wasted_bytes == 0
    assert contents(below, archive(member(".wh.a"), member("b", 2))).wasted_bytes == 10
    assert contents(below).total_bytes == 11


def test_a_file_in_place_of_a_directory_hides_it():
    assert contents(archive(member("d/a", 10)), archive(member("d", 1))).wasted_bytes == 10
    assert contents(archive(member("d", 10)), archive(member("d/a", 1))).wasted_bytes == 10


def test_tools_are_told_with_the_layer_that_brought_them():
    found = contents(
        archive(member("usr/bin/gcc-12", 900), member("usr/bin/node", 5000)),
        archive(
            member("./root/.npm/_cacache/index", 40),
            member("root/.npm/_cacache/content", 60),
            member("app/node_modules/jest/index.js", 30),
        ),
        archive(member("var/lib/apt/lists/deb_main_Packages.lz4", 500)),
        archive(member("var/lib/apt/lists/.wh.deb_main_Packages.lz4")),
    )
    assert [(tool.name, tool.bytes, tool.files, tool.path, tool.layer) for tool in found.tools] == [
        ("gcc", 900, 1, "usr/bin/gcc-12", 0),
        ("npm cache", 100, 2, "root/.npm/_cacache/content", 1),
        ("jest", 30, 1, "app/node_modules/jest/index.js", 1),
    ]


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (archive(member("../etc/passwd", 1)), "leads out of the image"),
        (archive(member("a/../../b", 1)), "leads out of the image"),
        (archive(member("a" * 5000, 1)), "a name of 5000 characters"),
        (b"x" * 1024, "is no number"),
        (archive(member("a", 3000))[:2000], "ends within a file"),
        (archive(member("a", 1))[:300], "ends within a header"),
        (gzip.compress(archive(member("a", 1)), mtime=0)[:-12], "ends in the middle"),
        (b"\x1f\x8b" + b"x" * 600, "broken gzip"),
        (b"\x28\xb5\x2f\xfd" + b"x" * 600, "zstd"),
    ],
)
def test_what_is_broken_or_hostile_names_the_layer(data: bytes, says: str):
    with pytest.raises(ParseError, match=says) as caught:
        read(data)
    assert caught.value.path == "layer 1"


def test_a_huge_header_is_not_kept():
    info, _ = member("pax", 5 * 1024**2)
    info.type = tarfile.XHDTYPE
    with pytest.raises(ParseError, match="a header of 5242880 bytes"):
        read(info.tobuf(tarfile.USTAR_FORMAT) + bytes(1024))


def test_headers_without_a_file_are_bounded():
    """Each is kept until its file comes, which may be never."""
    record = b"18 comment=" + b"x" * 6 + b"\n"
    info, _ = member("pax", len(record))
    info.type = tarfile.XHDTYPE
    one = info.tobuf(tarfile.USTAR_FORMAT) + record + bytes(-len(record) % 512)
    assert read(one * 16 + archive(member("a", 3))) == [Entry("a", 3)]
    with pytest.raises(ParseError, match="layer 1: more than 16 headers of one file"):
        read(one * 17 + archive(member("a", 3)))


def test_names_are_bounded_together():
    names = archive(member("a" * 60, 1), member("b", type=tarfile.SYMTYPE, linkname="c" * 38))
    assert len(read(names, LayerLimits(names=99))) == 2
    with pytest.raises(TooLargeError, match="names of more than 98 characters"):
        read(names, LayerLimits(names=98))


def test_limits_hold_for_all_layers_together():
    layer = archive(member("a", 2000), member("b", 2000))
    reader = LayerReader(LayerLimits(entries=3))
    assert len(list(reader.entries([layer], "one"))) == 2
    with pytest.raises(TooLargeError, match="two: more than 3 entries"):
        list(reader.entries([layer], "two"))
    with pytest.raises(TooLargeError, match="unpacks to more than 4000 bytes"):
        read(layer, LayerLimits(bytes=4000))


def test_a_bomb_is_not_unpacked():
    bomb = gzip.compress(archive(member("a", 8 * 1024**2)))
    with pytest.raises(TooLargeError, match="times its size"):
        read(bomb, LayerLimits(ratio=10))


def test_names_that_lead_through_many_directories_are_bounded(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("buildkit.contents.MOST_FOLDERS", 2000)
    deep = archive(*(member(f"{number}/" + "a/" * 900 + "x", 1) for number in range(3)))
    with pytest.raises(TooLargeError, match="more than 2000 directories"):
        contents(deep)


def test_removals_that_look_at_too_much_are_bounded(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("buildkit.contents.MOST_VISITS", 500)
    marks = [member("/".join(["d"] * depth) + "/.wh..wh..opq") for depth in range(1, 60)]
    layer = archive(member("/".join(["d"] * 60), 1), *marks)
    with pytest.raises(TooLargeError, match="removals look at more than 500"):
        contents(layer)


def test_a_header_of_many_records_is_read_once_over():
    """A megabyte of the shortest records takes a second if each is cut off a copy, or far more."""
    record = b"6 a=b\n"
    info, _ = member("pax", len(record) * 150_000)
    info.type = tarfile.XHDTYPE
    head = info.tobuf(tarfile.USTAR_FORMAT) + record * 150_000
    data = head + bytes(-len(head) % 512) + archive(member("a", 3))
    started = time.perf_counter()
    assert read(data, step=100_000) == [Entry("a", 3)]
    assert time.perf_counter() - started < 5


def test_owners_modes_and_kinds_are_told():
    data = archive(
        member("su", 3, mode=0o4755, uid=1000, gid=5_000_000),
        member("sh", type=tarfile.SYMTYPE, linkname="../bin/busybox", mode=0o777),
        member("null", type=tarfile.CHRTYPE, mode=0o666),
        member("tmp", type=tarfile.DIRTYPE, mode=0o1777),
    )
    assert read(data) == [
        Entry("su", 3, mode=0o4755, uid=1000, gid=5_000_000),
        Entry("sh", symlink="../bin/busybox", mode=0o777),
        Entry("null", mode=0o666, is_device=True),
        Entry("tmp", is_dir=True, mode=0o1777),
    ]


def test_an_owner_that_cannot_be_read_does_not_hide_the_file():
    info, _ = member("a", 3)
    header = bytearray(info.tobuf(tarfile.USTAR_FORMAT))
    header[108:116] = b"\xff" * 8
    header[148:156] = b"%06o\0 " % (sum(header[:148]) + sum(header[156:]) + 8 * 32)
    assert read(bytes(header) + bytes(512 + 1024)) == [Entry("a", 3, uid=-1)]


@pytest.mark.parametrize("step", [1, 100, 5000])
def test_the_first_bytes_that_are_wanted_are_given(step: int):
    info, _ = member("a", 1300)
    content = bytes(range(256)) * 6
    data = archive((info, content[:1300]), member("b", 20), member("c", 0))
    chunks = (data[at : at + step] for at in range(0, len(data), step))
    reader = LayerReader(wanted=lambda entry: 600 if entry.path == "a" else 0)
    found = list(reader.entries(chunks, "layer 1"))
    assert [(entry.path, entry.size, entry.data) for entry in found] == [
        ("a", 1300, content[:600]),
        ("b", 20, b""),
        ("c", 0, b""),
    ]
