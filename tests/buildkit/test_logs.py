"""Head and tail of what a step printed."""

from hypothesis import given
from hypothesis import strategies as st

from buildkit.logs import BoundedLog, is_left_out_of
from buildkit.model import LogChunk


def bounded(pieces: list[bytes], limit: int) -> BoundedLog:
    log = BoundedLog(limit)
    for number, piece in enumerate(pieces):
        log.add(LogChunk(number, 1, piece))
    return log


@given(st.lists(st.binary(max_size=9), max_size=20), st.integers(min_value=2, max_value=40))
def test_head_and_tail_are_what_was_printed_first_and_last(pieces: list[bytes], limit: int):
    log, whole = bounded(pieces, limit), b"".join(pieces)
    kept = b"".join(chunk.data for chunk in log.chunks())
    if len(whole) <= limit:
        assert (kept, log.omitted_bytes) == (whole, 0)
        return
    words = b"\n[%d bytes of this log are not kept]\n" % log.omitted_bytes
    head, tail = whole[: limit // 2], whole[len(whole) - (limit - limit // 2) :]
    assert log.omitted_bytes == len(whole) - limit
    assert kept == head + words + tail
    assert is_left_out_of(kept)


def test_a_log_without_end_takes_no_more_room_than_its_limit():
    log = BoundedLog(1000)
    for number in range(100_000):
        log.add(LogChunk(number, 1, b"x" * 100))
    assert log.size == 10_000_000
    assert sum(len(chunk.data) for chunk in log.chunks()) < 1100
