"""Which parts of a report follow which parts of its scope: what narrows one, and what does not."""

from collections.abc import Iterator, Mapping

from reports.models import ReportSection
from reports.scheduled.scope import Scope

SERVICES, ENVIRONMENT, BRANCHES = "services", "environment", "branch_class"

NARROWED_BY: Mapping[ReportSection, frozenset[str]] = {
    ReportSection.ATTENTION: frozenset({SERVICES}),
    ReportSection.RECOMMENDATIONS: frozenset({SERVICES}),
    ReportSection.TRENDS: frozenset({SERVICES, ENVIRONMENT, BRANCHES}),
    ReportSection.CHANGES: frozenset({SERVICES, ENVIRONMENT}),
    ReportSection.CACHE: frozenset({SERVICES}),
    ReportSection.IMAGES: frozenset({SERVICES}),
    ReportSection.FAILURES: frozenset({SERVICES, ENVIRONMENT, BRANCHES}),
    ReportSection.RESOURCES: frozenset(),
    ReportSection.VULNERABILITIES: frozenset({SERVICES, ENVIRONMENT}),
    # Which services are compared is told by builds that are meant; their numbers are of all.
    ReportSection.COMPARISON: frozenset({SERVICES}),
    ReportSection.METHOD: frozenset({SERVICES, ENVIRONMENT, BRANCHES}),
}
"""Of each part. ``labels`` narrow what services do."""

WIDER = {
    SERVICES: "of all services of the project",
    ENVIRONMENT: "of all environments",
    BRANCHES: "of all branches",
}


def not_narrowed(scope: Scope) -> Iterator[str]:
    """Yield a sentence for each part of the scope that some parts of a report do not follow."""
    said = {
        SERVICES: not scope.is_of_all,
        ENVIRONMENT: bool(scope.environment),
        BRANCHES: bool(scope.branch_class),
    }
    for name, words in WIDER.items():
        titles = [
            part.label
            for part, narrowed in NARROWED_BY.items()
            if name not in narrowed and part in scope.parts
        ]
        if said[name] and titles:
            yield f"Told {words}: {'; '.join(map(str, titles))}."
