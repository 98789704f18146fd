"""Retention: hand-made registries, and what holds of all of them."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from buildkit.caching.retention import Held, RetentionPlan, Why, plan, protects

NOW = datetime(2026, 11, 25, tzinfo=UTC)


def held(name: str, days: float, blobs: dict[str, int], **fields: object) -> Held:
    """A cache of which the digest is its name, last used ``days`` ago."""
    values: dict[str, object] = {
        "reference": f"r/{name}:main",
        "repository": "team",
        "digest": name,
        "last_used": NOW - timedelta(days=days),
        "blobs": blobs,
    }
    return Held(**values | fields)


def gone(made: RetentionPlan) -> list[tuple[str, Why]]:
    return [(removal.digest, removal.why) for removal in made.removals]


def test_what_was_not_used_for_thirty_days_goes_and_shared_blobs_stay():
    made = plan(
        [
            held("old", 30, {"base": 100, "old": 10}),
            held("new", 29.9, {"base": 100, "new": 20}),
        ],
        now=NOW,
    )
    assert gone(made) == [("old", Why.UNUSED)]
    assert (made.held_bytes, made.freed) == (130, {"old": 10})


def test_over_the_limit_the_least_recently_used_go_until_it_fits():
    caches = [
        held("a", 3, {"base": 100, "a": 50}),
        held("b", 2, {"base": 100, "b": 50}),
        held("c", 1, {"base": 100, "c": 50}),
    ]
    made = plan(caches, now=NOW, limit_bytes=200)
    assert gone(made) == [("a", Why.OVER_LIMIT)]
    assert (made.held_bytes, made.freed_bytes, made.over_bytes) == (250, 50, 0)
    assert gone(plan(caches, now=NOW, limit_bytes=250)) == []


def test_what_does_not_count_fills_no_limit_and_keeps_what_it_needs():
    caches = [
        held("image", 90, {"base": 100, "image": 900}, is_protected=True, counts=False),
        held("a", 3, {"base": 100, "a": 50}),
        held("b", 2, {"base": 100, "b": 50}),
    ]
    made = plan(caches, now=NOW, limit_bytes=200)
    assert (gone(made), made.held_bytes) == ([], 200)
    made = plan(caches, now=NOW, limit_bytes=160)
    assert gone(made) == [("a", Why.OVER_LIMIT)]
    assert (made.freed, made.over_bytes) == ({"a": 50}, 0)
    made = plan(caches, now=NOW, keep=timedelta(days=1))
    assert made.freed == {"a": 50, "b": 50}, "the image needs its base"


def test_a_protected_one_keeps_all_that_it_needs_and_the_rest_is_said():
    caches = [
        held("child", 90, {"layer": 70}),
        held("index", 90, {"layer": 70, "more": 40}, needs=frozenset({"child"}), is_protected=True),
        held("other", 90, {"more": 40, "own": 5}),
    ]
    made = plan(caches, now=NOW, limit_bytes=100)
    assert gone(made) == [("other", Why.UNUSED)]
    assert (made.freed, made.over_bytes) == ({"own": 5}, 10)


def test_tags_of_one_manifest_go_together_or_not_at_all():
    one = held("same", 90, {"x": 1}, reference="r/a:old")
    for other in (
        held("same", 1, {"x": 1}, reference="r/a:new"),
        held("same", 90, {"x": 1}, reference="r/a:kept", is_protected=True),
    ):
        assert gone(plan([one, other], now=NOW)) == []
    # In another repository the same digest is another manifest.
    apart = held("same", 1, {"x": 1}, repository="elsewhere")
    made = plan([one, apart], now=NOW)
    assert gone(made) == [("same", Why.UNUSED)]
    assert made.freed == {}


def test_patterns_are_those_of_a_shell():
    assert protects(["*:main"], "r.example/team/api:main")
    assert not protects(["*:main", "r.example/web:*"], "r.example/team/api:mainly")


NAMES = st.sampled_from(["a", "b", "c", "d", "e"])
HELD = st.builds(
    lambda number, digest, days, layers, is_protected: Held(
        f"r/x:{number}",
        "team",
        digest,
        NOW - timedelta(days=days),
        # The blobs of a manifest follow from its digest.
        {f"{digest}-own": 7} | {layer: ord(layer) for layer in layers[: ord(digest) % 4]},
        is_protected=is_protected,
    ),
    st.integers(0, 99),
    NAMES,
    st.integers(0, 60),
    st.just(["p", "q", "r"]),
    st.booleans(),
)


@given(st.lists(HELD, max_size=12), st.integers(0, 800), st.integers(0, 60))
def test_nothing_that_stays_loses_a_blob_and_only_the_protected_stay_over_the_limit(
    caches: list[Held], limit: int, days: int
):
    made = plan(caches, now=NOW, keep=timedelta(days=days), limit_bytes=limit)
    removed = {removal.digest for removal in made.removals}
    staying = [item for item in caches if item.digest not in removed]
    needed = {digest: size for item in staying for digest, size in item.blobs.items()}
    assert not needed.keys() & made.freed.keys()
    assert sum(needed.values()) == made.held_bytes - made.freed_bytes
    assert not any(item.is_protected for item in caches if item.digest in removed)
    protected = {item.digest for item in caches if item.is_protected}
    if sum(needed.values()) > limit:
        assert {item.digest for item in staying} <= protected
        assert made.over_bytes == sum(needed.values()) - limit
    stricter = plan(caches, now=NOW, keep=timedelta(days=days), limit_bytes=limit // 2)
    assert removed <= {removal.digest for removal in stricter.removals}
