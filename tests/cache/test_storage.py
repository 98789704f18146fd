"""What builders' caches hold over time: snapshots, evictions, forecasts and their page."""

import json
import os
import subprocess
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import Project, User
from accounts.roles import Scope
from buildkit.caching.usage import Entry, Usage
from cache.models import BuilderEntries, BuilderSnapshot, Eviction, RegistryDay
from cache.snapshots import due, forget_old, gc_limit, keep, take_snapshot
from farm.builders import UnreachableError
from farm.models import Builder
from tests.cache.causes import prune_entry

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 25, 6, tzinfo=UTC)
MB = 10**6


def entry(identifier: str, size: int, **fields: object) -> Entry:
    values: dict[str, object] = {
        "id": identifier,
        "parents": (),
        "type": "regular",
        "description": f"[1/2] COPY {identifier} /",
        "bytes": size,
        "created_at": NOW,
        "last_used_at": NOW,
        "usage_count": 1,
        "in_use": False,
        "shared": False,
        "mutable": False,
    }
    return Entry(**values | fields)


@pytest.fixture
def builder() -> Builder:
    return Builder.objects.create(name="fast")


def test_a_snapshot_has_sums_and_the_next_one_tells_what_went(builder: Builder):
    first = Usage(
        (
            entry("a", 5 * MB),
            entry("b", 3 * MB, in_use=True),
            entry("c", 2 * MB, type="source.local", shared=True, last_used_at=None),
        )
    )
    made = keep(builder, first, 10**10, NOW)
    assert (made.used_bytes, made.reclaimable_bytes, made.shared_bytes) == (10 * MB, 7 * MB, 2 * MB)
    assert made.by_type == {"regular": 8 * MB, "source.local": 2 * MB}
    assert not Eviction.objects.exists()
    later = NOW + timedelta(hours=1)
    keep(builder, Usage((entry("b", 3 * MB), entry("d", MB))), 10**10, later)
    gone = {row.entry_id: row for row in Eviction.objects.all()}
    assert set(gone) == {"a", "c"}
    assert (gone["a"].freed_bytes, gone["a"].last_used_at) == (5 * MB, NOW)
    assert (gone["c"].type, gone["c"].last_used_at) == ("source.local", None)
    assert (gone["c"].seen_at, gone["c"].gone_at) == (NOW, later)
    assert set(BuilderEntries.objects.get().entries) == {"b", "d"}


def test_a_builder_is_due_once_an_hour_and_a_disabled_one_never(builder: Builder):
    Builder.objects.create(name="off", is_enabled=False)
    assert due() == [(builder.pk, "builds")]
    keep(builder, Usage(()), None, timezone.now())
    assert due() == []
    BuilderSnapshot.objects.update(taken_at=timezone.now() - timedelta(minutes=61))
    assert due() == [(builder.pk, "builds")]


def test_what_is_old_is_forgotten(builder: Builder):
    keep(builder, Usage((entry("a", 1),)), None, timezone.now() - timedelta(days=402))
    keep(builder, Usage(()), None, timezone.now() - timedelta(days=401))
    keep(builder, Usage(()), None, timezone.now())
    assert forget_old() == 3
    assert (BuilderSnapshot.objects.count(), Eviction.objects.count()) == (1, 0)


INSPECTED = """\
Name:          default
GC Policy rule#0:
 All:            false
 Filters:        type==source.local
 Max Used Space: 1.382GiB
GC Policy rule#1:
 All:            true
 Reserved Space: 10GiB
"""


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        (INSPECTED, 10 * 1024**3),
        (INSPECTED.replace("Reserved", "Max Used"), 10 * 1024**3),
        (INSPECTED.replace("10GiB", "512MiB"), 512 * 1024**2),
        (INSPECTED.replace("All:            true", "All:            false"), None),
        (INSPECTED.replace("10GiB", "plenty"), None),
        ("Name: default\n", None),
    ],
)
def test_the_limit_is_that_of_the_rule_for_all_entries(text: str, limit: int | None):
    assert gc_limit(text) == limit


def grown(builder: Builder, a_day: int, limit: int | None = 200 * MB) -> None:
    """A snapshot on each of ten days, of 100 MB at first."""
    for day in range(10):
        usage = Usage((entry("a", 100 * MB + a_day * day),))
        keep(builder, usage, limit, timezone.now() - timedelta(days=9 - day))


def page_of(client: Client, project: Project) -> str:
    return client.get(f"/projects/{project.slug}/cache/storage/").content.decode()


def test_the_page_tells_when_the_limit_is_reached(
    client_of: Callable[[User], Client], bob: User, project: Project, builder: Builder
):
    client = client_of(bob)
    assert "Not looked at in this period" in page_of(client, project)
    keep(builder, Usage((entry("a", MB),)), 10 * MB, timezone.now())
    assert "A trend takes 5 days with a snapshot; there are 1." in page_of(client, project)
    BuilderSnapshot.objects.all().delete()
    grown(builder, 5 * MB)
    page = page_of(client, project)
    assert "It grows by 5 MB a day (95 % interval 5 MB to 5 MB)." in page
    assert "The limit of 200 MB is reached in about 11 days" in page
    assert page.count('class="line"') == 1, "the days are drawn"
    assert "Limit 200 MB" in page, "it is near enough to be drawn, too"
    assert '<td class="number">145 MB</td>' in page, "and told"


@pytest.mark.parametrize(
    ("a_day", "limit", "words"),
    [
        (-MB, 200 * MB, "At this rate the limit of 200 MB is not reached."),
        (MB, 105 * MB, "The limit of 105 MB is reached: garbage collection removes what is old."),
        (0, None, "The builder has no limit for all entries."),
    ],
)
def test_other_trends_are_told_as_they_are(
    client_of: Callable[[User], Client],
    bob: User,
    project: Project,
    builder: Builder,
    a_day: int,
    limit: int | None,
    words: str,
):
    grown(builder, a_day, limit)
    assert words in page_of(client_of(bob), project)


def test_more_builders_cost_no_more_queries_and_strangers_see_nothing(
    client_of: Callable[[User], Client], bob: User, carol: User, project: Project, builder: Builder
):
    grown(builder, MB)
    client = client_of(bob)
    page_of(client, project)
    with CaptureQueriesContext(connection) as one:
        page_of(client, project)
    for number in range(3):
        grown(Builder.objects.create(name=f"other-{number}"), MB)
    with CaptureQueriesContext(connection) as many:
        page_of(client, project)
    assert len(many) == len(one)
    address = f"/projects/{project.slug}/cache/storage/"
    assert client_of(carol).get(address).status_code == 404


def test_the_days_of_all_charts_come_as_csv(
    api_of: Callable[..., APIClient],
    client_of: Callable[[User], Client],
    bob: User,
    project: Project,
    builder: Builder,
):
    today = timezone.now().date()
    RegistryDay.objects.create(
        project=project, host="r.example", day=today, used_bytes=7, looked_at=timezone.now()
    )
    other = Builder.objects.create(name="=other")
    keep(other, Usage((entry("a", 3 * MB),)), None, timezone.now())
    for days in (1, 0):
        usage = Usage((entry("a", (5 - days) * MB),))
        keep(builder, usage, 10 * MB, timezone.now() - timedelta(days=days))
    api = api_of(Scope.BUILDS_READ)
    answer = api.get("/api/v1/cache/storage/", headers={"accept": "text/csv"})
    assert answer["Content-Type"].startswith("text/csv")
    header, *rows = answer.content.decode().splitlines()
    assert header == "kind,name,limit_bytes,day,size_bytes"
    assert sorted(rows) == [
        f"builder,'=other,,{today},3000000.0",
        f"builder,fast,10000000,{today - timedelta(days=1)},4000000.0",
        f"builder,fast,10000000,{today},5000000.0",
        f"registry,r.example,10000000000,{today},7.0",
    ]
    href = f"/api/v1/cache/storage/?project={project.slug}&amp;days=30&amp;format=csv"
    assert f'href="{href}">As CSV' in page_of(client_of(bob), project)
    with CaptureQueriesContext(connection) as as_json:
        api.get("/api/v1/cache/storage/")
    with CaptureQueriesContext(connection) as as_csv:
        api.get("/api/v1/cache/storage/?format=csv")
    assert len(as_csv) == len(as_json)
    refused = api_of(Scope.INGEST_WRITE).get("/api/v1/cache/storage/?format=csv")
    assert refused.status_code == 403


@pytest.mark.engine
def test_a_builder_that_is_not_there_is_unreachable(engine: str):
    with pytest.raises(UnreachableError):
        take_snapshot(Builder.objects.create(name="nowhere"))
    assert not BuilderSnapshot.objects.exists()


ENTRY_BYTES = 8 * 1024**2


@pytest.mark.engine
def test_a_real_entry_is_seen_and_missed(engine: str, tmp_path: Path):
    word = uuid.uuid4().hex
    # Of a full cache the largest entries are kept: a small one would not be seen.
    (tmp_path / "data").write_bytes(os.urandom(ENTRY_BYTES))
    (tmp_path / "Dockerfile").write_text(f"FROM scratch\nCOPY data /{word}\n")
    build = ["docker", "buildx", "build", "--output=type=cacheonly", str(tmp_path)]
    subprocess.run(build, check=True, capture_output=True)
    builder = Builder.objects.create(name="")
    made = take_snapshot(builder)
    entries = BuilderEntries.objects.get().entries
    [identifier] = [key for key, row in entries.items() if word in row[1]]
    assert made.used_bytes >= sum(made.by_type.values()) > 0
    prune_entry(identifier, word)
    take_snapshot(builder)
    gone = Eviction.objects.get(entry_id=identifier)
    assert word in gone.description
    assert json.dumps(BuilderEntries.objects.get().entries).count(word) == 0
