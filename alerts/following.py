"""One look at one rule, for evaluation and previews alike."""

from collections.abc import Sequence

from alerts.conditions import CONDITIONS, Observation, Wanted, Window
from alerts.lifecycle import Act, Track, Tracks

NOT_MEANT = "The service does not have the labels of the rule any more."


def look(wanted: Wanted, window: Window) -> list[Observation]:
    """Return what a rule sees at a time: nothing, if no service is meant."""
    if wanted.services == frozenset():
        return []
    return list(CONDITIONS[wanted.kind].observe(wanted, window))


def follow(
    tracks: Tracks, seen: Sequence[Observation], wanted: Wanted, window: Window
) -> list[tuple[Track, list[Act]]]:
    """Return what happens to each cause by what is seen, by what has come no more for long or was
    deleted, and by services that are not meant any more.
    """
    condition = CONDITIONS[wanted.kind]
    unseen = tracks.unseen(seen)
    left = {group for group, service in unseen.items() if not wanted.covers(service=service)}
    gone = condition.gone(wanted, window, unseen.keys() - left)
    gone = {**gone, **dict.fromkeys(left, NOT_MEANT)}
    good, limit = condition.absent_is_good, condition.limit
    if limit is not None and len(seen) >= limit.most:
        good, seen = False, [*seen, *limit.ended(wanted, window, unseen.keys() - left)]
    return tracks.advance(seen, wanted, window.at, absent_is_good=good, gone=gone)
