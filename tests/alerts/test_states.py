"""Where alerts may go, and what becomes of one by what is seen: without a database."""

from datetime import timedelta

import pytest

from alerts.conditions import Observation, Wanted
from alerts.lifecycle import Deed, Tracks
from alerts.states import ALLOWED, State, sources_of
from tests.alerts.making import HOUR, NOON

ACKNOWLEDGED, FIRING = State.ACKNOWLEDGED, State.FIRING
PENDING, RESOLVED = State.PENDING, State.RESOLVED


@pytest.mark.parametrize(
    ("source", "target", "may"),
    [
        (PENDING, FIRING, True),
        (PENDING, RESOLVED, True),
        (PENDING, ACKNOWLEDGED, False),
        (FIRING, ACKNOWLEDGED, True),
        (FIRING, RESOLVED, True),
        (FIRING, PENDING, False),
        (ACKNOWLEDGED, RESOLVED, True),
        (ACKNOWLEDGED, FIRING, False),
        (ACKNOWLEDGED, PENDING, False),
        (RESOLVED, PENDING, False),
        (RESOLVED, FIRING, False),
        (RESOLVED, ACKNOWLEDGED, False),
    ],
)
def test_the_table_says_where_an_alert_may_go(source: State, target: State, may: bool):
    assert (target in ALLOWED[source]) is may
    assert (source in sources_of(target)) is may


def seen(group: str = "a", *, is_bad: bool | None = True, cause: str = "", since=None):
    return Observation(group, group, is_bad, cause=cause, since=since)


class Follower:
    """A rule's causes, moved through time."""

    def __init__(self, *, for_hours: float = 0, settle_hours: float = 0, absent=False) -> None:
        self.wanted = Wanted(
            "change", None, for_time=for_hours * HOUR, settle_time=settle_hours * HOUR
        )
        self.tracks, self.absent = Tracks(), absent

    def at(self, hours: float, *observations: Observation) -> list[str]:
        """What happens some hours after noon."""
        done = self.tracks.advance(
            observations, self.wanted, NOON + hours * HOUR, absent_is_good=self.absent
        )
        return [str(act.deed) for _, acts in done for act in acts]


def test_it_fires_when_it_has_held_for_its_time_and_not_before():
    rule = Follower(for_hours=2)
    assert rule.at(0, seen()) == [Deed.NOTICE]
    assert rule.at(1.9, seen()) == []
    assert rule.at(2, seen()) == [Deed.FIRE]
    assert rule.at(3, seen()) == []


def test_what_is_known_to_have_begun_earlier_has_held_since_then():
    rule = Follower(for_hours=2)
    assert rule.at(0, seen(since=NOON - 2 * HOUR)) == [Deed.NOTICE, Deed.FIRE]


def test_what_ends_before_it_fired_is_dropped_at_once():
    rule = Follower(for_hours=2, settle_hours=5)
    rule.at(0, seen())
    assert rule.at(1, seen(is_bad=False)) == [Deed.LEAVE, Deed.CLEAR, Deed.RESOLVE]


def test_unknown_neither_begins_nor_ends_it():
    rule = Follower()
    assert rule.at(0, seen(is_bad=None)) == []
    rule.at(1, seen())
    assert rule.at(2, seen(is_bad=None)) == []
    assert rule.at(3) == []
    assert rule.at(4, seen(is_bad=False)) == [Deed.LEAVE, Deed.CLEAR, Deed.RESOLVE]


def test_what_is_not_seen_when_its_time_is_over_fires_when_it_is_seen_again():
    rule = Follower(for_hours=2)
    rule.at(0, seen())
    assert rule.at(3) == []
    assert rule.at(4, seen(is_bad=None)) == []
    assert rule.at(5, seen()) == [Deed.FIRE]


def test_what_is_not_seen_when_the_last_one_is_long_over_does_not_fire_again():
    rule = Follower(settle_hours=2)
    rule.at(0, seen())
    rule.at(1, seen(is_bad=False))
    assert rule.at(3, seen(is_bad=False)) == [Deed.RESOLVE]
    assert rule.at(4, seen()) == [Deed.NOTICE]
    assert rule.at(6) == []
    assert rule.at(7, seen(is_bad=False)) == [Deed.LEAVE, Deed.CLEAR, Deed.RESOLVE]


def test_what_is_gone_ends_where_absence_says_so():
    rule = Follower(absent=True)
    rule.at(0, seen())
    assert rule.at(1) == [Deed.LEAVE, Deed.CLEAR, Deed.RESOLVE]


def test_a_flapping_condition_is_one_alert_that_counts():
    rule = Follower(settle_hours=2)
    assert rule.at(0, seen()) == [Deed.NOTICE, Deed.FIRE]
    assert rule.at(1, seen(is_bad=False)) == [Deed.LEAVE, Deed.CLEAR]
    assert rule.at(2, seen()) == [Deed.JOIN, Deed.FLAP]
    assert rule.at(3, seen(is_bad=False)) == [Deed.LEAVE, Deed.CLEAR]
    assert rule.at(4.9, seen(is_bad=False)) == []
    assert rule.at(5, seen(is_bad=False)) == [Deed.RESOLVE]


def test_after_the_end_it_does_not_fire_again_within_the_time():
    rule = Follower(settle_hours=2)
    rule.at(0, seen())
    rule.at(1, seen(is_bad=False))
    assert rule.at(3, seen(is_bad=False)) == [Deed.RESOLVE]
    assert rule.at(4, seen()) == [Deed.NOTICE]
    assert rule.at(5, seen()) == [Deed.FIRE]


def test_one_cause_is_one_alert_until_the_last_member_has_left():
    rule = Follower()
    assert rule.at(0, seen("a", cause="base"), seen("b", cause="base")) == [
        Deed.NOTICE,
        Deed.FIRE,
    ]
    assert rule.at(1, seen("a", cause="base"), seen("c", cause="base")) == [Deed.JOIN]
    both_good = (seen("a", is_bad=False), seen("b", is_bad=False))
    assert rule.at(2, *both_good, seen("c", cause="base")) == [Deed.LEAVE]
    assert rule.at(3, seen("c", is_bad=False)) == [Deed.LEAVE, Deed.CLEAR, Deed.RESOLVE]


def test_a_member_stays_with_its_alert_when_its_cause_turns_out_to_be_another():
    rule = Follower()
    rule.at(0, seen("a", cause="build:1"))
    assert rule.at(1, seen("a", cause="base:node")) == []
    assert [track.cause for track in rule.tracks.by_cause.values()] == ["build:1"]


def test_what_somebody_closed_stays_closed_until_it_has_ended():
    rule = Follower()
    rule.at(0, seen())
    [track] = rule.tracks.by_cause.values()
    track.state, track.is_held, track.groups = State.RESOLVED, True, {}
    assert rule.at(1, seen()) == []
    assert rule.at(2, seen(is_bad=None)) == []
    assert rule.at(3, seen(is_bad=False)) == [Deed.LET_GO]
    assert rule.at(4, seen()) == [Deed.NOTICE, Deed.FIRE]


def test_times_of_the_past_are_bounded_by_the_rule_alone():
    rule = Follower(for_hours=1)
    late = NOON - timedelta(days=400)
    assert rule.at(0, seen(since=late)) == [Deed.NOTICE, Deed.FIRE]
    [track] = rule.tracks.by_cause.values()
    assert track.began_at == late
