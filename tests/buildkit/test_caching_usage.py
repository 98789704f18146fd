"""What a builder's cache holds, read from what buildx 0.29 writes."""

from datetime import UTC, datetime, timedelta

import pytest

from buildkit.caching.usage import Entry, Usage, read_size, read_usage
from buildkit.errors import ParseError

NOW = datetime(2026, 11, 25, 6, tzinfo=UTC)
JSON = """\
{"CreatedAt":"2026-11-25 05:19:26.070079459 +0000 UTC","Description":"[2/4] COPY x.txt /x.txt","ID":"4ztglp17u626wlh63jfhdm0rd","LastUsedAt":"16 minutes ago","Mutable":false,"Parents":["pemihsescmgwi1t6wzajxt22c"],"Reclaimable":true,"Shared":false,"Size":"8.306kB","Type":"regular","UsageCount":3}
{"CreatedAt":"2026-11-25 05:19:26.044271458 +0000 UTC","Description":"","ID":"pemihsescmgwi1t6wzajxt22c","LastUsedAt":"About an hour ago","Mutable":false,"Parents":null,"Reclaimable":false,"Shared":true,"Size":"1.08MB","Type":"regular","UsageCount":10}
{"CreatedAt":"2026-11-25 04:45:53.735305602 +0000 UTC","Description":"local source for context","ID":"l8xutekxejutz9ruoiei4d05v","LastUsedAt":"","Mutable":true,"Parents":null,"Reclaimable":true,"Shared":false,"Size":"4.096kB","Type":"source.local","UsageCount":0}
"""  # noqa: E501 - as buildx writes it

VERBOSE = """\
ID:           4ztglp17u626wlh63jfhdm0rd
Parents:
 - pemihsescmgwi1t6wzajxt22c
Created at:   2026-11-25 05:19:26.070079459 +0000 UTC
Mutable:      false
Reclaimable:  true
Shared:       false
Size:         8.306kB
Description:  [2/4] COPY x.txt /x.txt
Usage count:  3
Last used:    16 minutes ago
Type:         regular

ID:           pemihsescmgwi1t6wzajxt22c
Created at:   2026-11-25 05:19:26.044271458 +0000 UTC
Mutable:      false
Reclaimable:  false
Shared:       true
Size:         1.08MB
Usage count:  10
Last used:    About an hour ago
Type:         regular

ID:           l8xutekxejutz9ruoiei4d05v
Created at:   2026-11-25 04:45:53.735305602 +0000 UTC
Mutable:      true
Reclaimable:  true
Shared:       false
Size:         4.096kB
Description:  local source for context
Usage count:  0
Type:         source.local

Shared:		1.08MB
Private:	12.4kB
Reclaimable:	12.4kB
Total:		1.092MB
"""


@pytest.mark.parametrize("text", [JSON, VERBOSE], ids=["json", "verbose"])
def test_both_forms_say_the_same(text: str):
    copy, base, context = read_usage(text, NOW).entries
    assert copy == Entry(
        id="4ztglp17u626wlh63jfhdm0rd",
        parents=("pemihsescmgwi1t6wzajxt22c",),
        type="regular",
        description="[2/4] COPY x.txt /x.txt",
        bytes=8306,
        created_at=datetime(2026, 11, 25, 5, 19, 26, 70079, tzinfo=UTC),
        last_used_at=NOW - timedelta(minutes=16),
        usage_count=3,
        in_use=False,
        shared=False,
        mutable=False,
    )
    assert (base.in_use, base.shared, base.last_used_at) == (True, True, NOW - timedelta(hours=1))
    assert (context.mutable, context.last_used_at, context.parents) == (True, None, ())
    assert context.touched_at == context.created_at


def test_totals_are_sums_of_entries():
    usage = read_usage(JSON, NOW)
    assert usage.bytes == 8306 + 1_080_000 + 4096
    assert usage.reclaimable_bytes == 8306 + 4096
    assert usage.shared_bytes == 1_080_000
    assert usage.by_type() == {"regular": 1_088_306, "source.local": 4096}


def test_an_empty_builder_has_no_entries():
    assert read_usage("", NOW) == Usage(())
    assert read_usage("Total:\t0B\n", NOW) == Usage(())


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0B", 0),
        ("12.4kB", 12_400),
        ("3.023MB", 3_023_000),
        ("10GB", 10**10),
        ("1.5TB", 15 * 10**11),
        ("10GiB", 10 * 1024**3),
        ("1.5KiB", 1536),
    ],
)
def test_sizes_are_decimal_or_binary(text: str, size: int):
    assert read_size(text) == size


@pytest.mark.parametrize(
    ("text", "age"),
    [
        ("Less than a second ago", timedelta()),
        ("1 second ago", timedelta(seconds=1)),
        ("About a minute ago", timedelta(minutes=1)),
        ("3 hours ago", timedelta(hours=3)),
        ("2 days ago", timedelta(days=2)),
        ("3 weeks ago", timedelta(weeks=3)),
        ("4 months ago", timedelta(days=120)),
    ],
)
def test_words_for_a_time_are_read_as_the_latest_moment(text: str, age: timedelta):
    [entry] = read_usage(JSON.splitlines()[0].replace("16 minutes ago", text), NOW).entries
    assert entry.last_used_at == NOW - age


@pytest.mark.parametrize(
    ("old", "new", "path"),
    [
        ('"8.306kB"', '"much"', "du/0/Size"),
        ('"2026-11-25 05:19:26.070079459 +0000 UTC"', '"2026-13-25 05:19:26 +0000"', "CreatedAt"),
        ('"16 minutes ago"', '"lately"', "du/0/LastUsedAt"),
        ('"4ztglp17u626wlh63jfhdm0rd"', '""', "du/0: no ID"),
        ('"Type"', "Type", "du/0: not JSON"),
    ],
)
def test_what_cannot_be_read_names_its_place(old: str, new: str, path: str):
    with pytest.raises(ParseError, match=path):
        read_usage(JSON.replace(old, new, 1), NOW)
