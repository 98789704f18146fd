"""How the report was made, and from how much."""

from buildinsights.templatetags.formats import counted, ratio
from builds.usual import NOTABLE_RATIO
from reports.comparison import MIN_BUILDS
from reports.scheduled.optimisation import Section
from reports.scheduled.scope import Scope
from reports.scheduled.sections.narrowing import not_narrowed
from reports.scheduled.sections.trends import narrowed_days, split
from sizes.growth import NOTABLE_SHARE


def method(scope: Scope) -> Section:
    """Return it, with the number of builds on both sides."""
    rows = [row for own in narrowed_days(scope, 2 * scope.days).values() for row in own]
    now, before = (sum(row["builds"] for row in part) for part in split(rows, scope.days))
    return Section(
        lead=f"Told from {counted(now, 'build')} of the period and {before} of as many days before,"
        f" of {counted(len(scope.services), 'service')}.",
        notes=(
            "Days are whole days in UTC. What waits or is open is as of when the report was made.",
            "Medians are of succeeded builds, read from distributions by day: within 1 % of the"
            " value. Ratios are of added-up counts, not means of ratios.",
            f"A period is judged against another with {MIN_BUILDS} builds on both sides and more"
            f" than {ratio(NOTABLE_RATIO)} or as many points between them; sample sizes stand"
            " beside each value. Images are held one against another, and judged from"
            f" {ratio(NOTABLE_SHARE)} on.",
            "Changes are found by a test on each series of like builds, with a 95 % interval;"
            " what recommendations are worth is told with the builds that it was read from.",
            *not_narrowed(scope),
        ),
    )
