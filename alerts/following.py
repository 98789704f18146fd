"""One look at one rule, for evaluation and previews alike."""

from collections.abc import Sequence

from alerts.conditions import CONDITIONS, Observation, Wanted, Window
from alerts.lifecycle import Act, Track, Tracks


def follow(
    tracks: Tracks, seen: Sequence[Observation], wanted: Wanted, window: Window
) -> list[tuple[Track, list[Act]]]:
    """Return what happens to each cause by what is seen, and by what has come no more for long."""
    condition = CONDITIONS[wanted.kind]
    gone = condition.gone(wanted, window, tracks.unseen(seen))
    good = condition.absent_is_good
    return tracks.advance(seen, wanted, window.at, absent_is_good=good, gone=gone)
