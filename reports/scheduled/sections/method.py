"""How the report was made, and from how much."""

from reports.comparison import MIN_BUILDS
from reports.scheduled.optimisation import Section
from reports.scheduled.scope import Scope
from reports.scheduled.sections.trends import narrowed_days, split
from reports.scheduled.words import counted

BLIND = {
    "environment": "What changed, cache, images, builders and recommendations are told for all "
    "environments.",
    "branch_class": "What changed, cache, images, builders, recommendations and vulnerabilities "
    "are told for all branches.",
}
"""What a narrower scope does not narrow."""


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
            f"A difference is judged with {MIN_BUILDS} builds on both sides and more than 5 %;"
            " sample sizes stand beside each value.",
            "Changes are found by a test on each series of like builds, with a 95 % interval;"
            " what recommendations are worth is told with the builds that it was read from.",
            *(words for name, words in BLIND.items() if getattr(scope, name)),
        ),
    )
