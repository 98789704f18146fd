"""Prune plans, what entries are worth, which steps made them, and what is worth warming."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buildkit.caching.installing import Bound, installs_below
from buildkit.caching.invalidating import Choice, with_dependents
from buildkit.caching.matching import Recorded, made_by, recorded_steps
from buildkit.caching.pruning import Worth, leaves_first, plan, worth_of
from buildkit.caching.usage import Entry
from buildkit.caching.versions import Ecosystem
from buildkit.caching.warming import Loss, candidates, loss_of
from buildkit.model import Build, LogChunk, StepState
from buildkit.reading import read_builds
from tests.buildkit.making import BEGIN, bundle, frame, record_fields, run

NOW = datetime(2023, 11, 25, tzinfo=UTC)
DAY = timedelta(days=1)
STARTED = datetime.fromtimestamp(BEGIN, UTC)
STATUS = "application/vnd.buildkit.status.v0"


def entry(name: str, *parents: str, days: float = 0, size: int = 10, **fields: object) -> Entry:
    """An entry that was used so many days ago."""
    made = Entry(
        id=name,
        parents=parents,
        type="regular",
        description="",
        bytes=size,
        created_at=NOW - timedelta(days=100),
        last_used_at=NOW - days * DAY,
        usage_count=1,
        in_use=False,
        shared=False,
        mutable=False,
    )
    return replace(made, **fields)


def ids(entries) -> list[str]:
    return [item.id for item in entries]


def going(made) -> list[str]:
    return ids(item.entry for item in made.going)


def test_what_is_old_goes_leaf_first_unless_something_younger_stands_on_it():
    entries = [
        entry("base", days=50),
        entry("old", "base", days=40),
        entry("older leaf", "old", days=45),
        entry("below a young one", days=90),
        entry("young", "below a young one", days=2),
        entry("in use", days=60, in_use=True),
    ]
    made = plan(entries, now=NOW, older_than=30 * DAY, worth={})
    assert going(made) == ["older leaf", "old", "base"]
    assert {item.reason for item in made.going} == {"not used for 30 days"}
    assert (made.freed_bytes, made.kept_bytes, made.unknown) == (30, 30, 3)


def test_a_size_limit_takes_the_least_recently_used_leaves_first():
    entries = [
        entry("base", days=9),
        entry("a", "base", days=3),
        entry("b", "base", days=5),
        entry("shared", days=99, size=1000, shared=True),
        entry("busy", days=50, in_use=True),
    ]
    made = plan(entries, now=NOW, max_used_bytes=20, worth={})
    assert going(made) == ["b", "a"]
    assert (made.freed_bytes, made.kept_bytes, made.over_bytes) == (20, 20, 0)
    made = plan(entries, now=NOW, max_used_bytes=5, worth={})
    assert going(made) == ["b", "a", "base"]
    assert made.over_bytes == 5, "what is in use stays, and the limit is exceeded by that"


def test_next_week_costs_the_baseline_of_the_hits_of_a_week():
    entries = [entry(name, days=40) for name in ("dear", "cheap", "never hit", "no runs", "?")]
    worth = {
        "dear": Worth(60.0, 2.5),
        "cheap": Worth(1.0, 4.0),
        "never hit": Worth(None, 0.0),
        "no runs": Worth(None, 1.0),
    }
    made = plan(entries, now=NOW, older_than=30 * DAY, worth=worth)
    assert made.cost_seconds == 60 * 2.5 + 1 * 4
    assert made.unknown == 2, "one that was hit and never ran on record, and one of no step"


@st.composite
def forests(draw: st.DrawFn) -> list[Entry]:
    made: list[Entry] = []
    for number in range(draw(st.integers(0, 12))):
        parents = draw(st.sets(st.sampled_from(ids(made)), max_size=2)) if made else set()
        made.append(
            entry(
                str(number),
                *sorted(parents),
                days=draw(st.integers(0, 60)),
                size=draw(st.integers(0, 100)),
                in_use=draw(st.booleans()),
                shared=draw(st.booleans()),
            )
        )
    return made


@given(forests(), st.integers(0, 300), st.none() | st.integers(1, 60))
def test_nothing_that_is_stood_on_or_in_use_goes(
    entries: list[Entry], limit: int, days: int | None
):
    older_than = days * DAY if days else None
    made = plan(entries, now=NOW, older_than=older_than, max_used_bytes=limit, worth={})
    gone: set[str] = set()
    for item in made.going:
        standing = [other.id for other in entries if item.entry.id in other.parents]
        assert gone.issuperset(standing)
        assert not item.entry.in_use
        gone.add(item.entry.id)
    kept = sum(item.bytes for item in entries if item.id not in gone and not item.shared)
    assert made.kept_bytes == kept
    assert made.over_bytes == max(0, kept - limit)


def test_chosen_entries_take_with_them_what_stands_on_them():
    entries = [entry("a"), entry("b", "a"), entry("c", "b"), entry("d", "a"), entry("e")]
    assert ids(leaves_first(entries, ["b", "nowhere"])) == ["c", "b"]
    assert set(ids(leaves_first(entries, ["a"]))) == {"a", "b", "c", "d"}


def build_of(*vertexes: dict[str, object], ref: str = "ref1", **fields: object) -> Build:
    """A recorded build of these vertices."""
    status = frame(vertexes=list(vertexes))
    [build] = read_builds(record=bundle(record_fields(Ref=ref, **fields), {STATUS: status}))
    return build


COPY = run("sha256:c", "[build 2/3] COPY package.json /app/", 1, 1.5)
RUN = run(
    "sha256:r",
    "[build 3/3] RUN --mount=type=cache,target=/root npm ci  --omit=dev",
    2,
    8,
    inputs=["sha256:c"],
)
LAST = run("sha256:l", "[final 2/2] COPY --from=build /app /app", 8, 9, inputs=["sha256:r"])


def made_at(seconds: float, description: str, name: str) -> Entry:
    moment = STARTED + timedelta(seconds=seconds)
    return entry(name, description=description, created_at=moment)


EXEC = "mount / from exec /bin/sh -c npm ci --omit=dev"


def test_an_entry_is_of_the_step_with_its_words_that_ran_when_it_was_made():
    steps = recorded_steps([("api", build_of(COPY, RUN, LAST))])
    entries = [
        made_at(7.5, EXEC, "ours"),
        made_at(700, EXEC, "of another project"),
        made_at(1.2, "[build 2/3] COPY package.json /app/", "copy"),
        made_at(3, "local source for context", "context"),
        made_at(3, "mount / from exec /bin/sh -c npm test", "other words"),
    ]
    found = made_by(entries, steps)
    assert {name: [item.step.name for item in same] for name, same in found.items()} == {
        "ours": [RUN["name"].decode()],
        "copy": [COPY["name"].decode()],
    }


def test_an_imported_entry_is_of_the_step_whose_layer_it_is():
    [copy, run_step, _] = recorded_steps([("api", build_of(COPY, RUN, LAST))])
    layer = "sha256:" + "ab" * 32
    known = Recorded("api", run_step.build, replace(run_step.step, layer_digest=layer))
    found = made_by([made_at(900, f"imported {layer}", "lazy")], [copy, known])
    assert found == {"lazy": (known,)}


def test_worth_is_the_median_of_runs_and_a_quarter_of_the_hits_of_four_weeks():
    cached = {**RUN, "cached": True}
    builds = [build_of(COPY, RUN, ref="a"), *(build_of(cached, ref=f"b{n}") for n in range(6))]
    now = STARTED + timedelta(days=7)
    steps = recorded_steps(("api", build) for build in builds)
    worth = worth_of([made_at(7, EXEC, "npm"), entry("unknown")], steps, now)
    assert worth == {"npm": Worth(6.0, 1.5)}
    later = worth_of([made_at(7, EXEC, "npm")], steps, now + timedelta(days=28))
    assert later == {"npm": Worth(6.0, 0.0)}, "hits of more than four weeks ago count no more"


@pytest.mark.parametrize(
    ("choice", "names"),
    [
        (Choice(), ["COPY package.json", "RUN", "COPY --from"]),
        (Choice(stage="build"), ["COPY package.json", "RUN", "COPY --from"]),
        (Choice(stage="final"), ["COPY --from"]),
        (Choice(from_step="npm ci"), ["RUN", "COPY --from"]),
        (Choice(stage="build", from_step="3"), ["RUN", "COPY --from"]),
        (Choice(from_step="nothing like it"), []),
    ],
)
def test_chosen_steps_come_with_all_that_need_them(choice: Choice, names: list[str]):
    found = with_dependents("api", build_of(COPY, RUN, LAST), choice.has)
    assert [item.step.name.partition("] ")[2] for item in found] == [
        next(
            item["name"].decode().partition("] ")[2]
            for item in (COPY, RUN, LAST)
            if item["name"].decode().partition("] ")[2].startswith(name)
        )
        for name in names
    ]


PIP = b"Successfully installed demo_lib-1.2.0 other-3.0\n"
APT = b"Setting up libssl3:amd64 (3.0.11-1~deb12u2) ...\n"


@pytest.mark.parametrize(
    ("log", "bound", "answer"),
    [
        (PIP, Bound("Demo.Lib", "1.3"), True),
        (PIP, Bound("demo-lib", "1.2.0"), False),
        (PIP, Bound("demo-lib", "1.3", Ecosystem.NPM), False),
        (APT, Bound("libssl3", "3.0.13-1", Ecosystem.DEB), True),
        (APT, Bound("libssl3", "3.0.11-1~deb12u1"), False),
    ],
)
def test_what_a_step_printed_tells_what_it_installed(log: bytes, bound: Bound, answer: bool):
    step = build_of(RUN).steps[0]
    said = replace(step, log=(LogChunk(None, 1, log),))
    assert installs_below(said, bound) is answer


def test_a_target_is_worth_warming_for_what_it_lost_more_than_once():
    losses = [
        Loss("api", 60.0),
        Loss("api", 100.0, unknown_seconds=7.0),
        Loss("api", 0.0),
        Loss("web", 300.0),
        Loss("job", 0.0, unknown_seconds=50.0),
    ]
    [found] = candidates(losses)
    assert (found.target, found.builds, found.losses) == ("api", 3, 2)
    assert (found.lost_seconds, found.warming_seconds, found.net_seconds) == (160.0, 80.0, 80.0)
    assert "2 of 3 builds" in str(found)
    assert "7.0 s of steps are not counted" in str(found)


def test_a_first_build_has_lost_nothing_that_is_known():
    assert loss_of("api", build_of(COPY, RUN), None) == Loss("api", 0.0, 6.5)


def test_steps_that_were_cached_are_never_taken_for_runs():
    build = build_of({**RUN, "cached": True})
    assert build.steps[0].state is StepState.CACHED
    assert made_by([made_at(7, EXEC, "npm")], recorded_steps([("api", build)])) == {}
