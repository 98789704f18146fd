"""The parts of a report: each a function of the scope that says something, or ``None``."""

from collections.abc import Callable, Mapping

from reports.scheduled.optimisation import Section
from reports.scheduled.scope import Scope
from reports.scheduled.sections.attention import attention
from reports.scheduled.sections.cache import cache
from reports.scheduled.sections.changes import changes
from reports.scheduled.sections.comparison import comparison
from reports.scheduled.sections.failures import failures
from reports.scheduled.sections.images import images
from reports.scheduled.sections.method import method
from reports.scheduled.sections.recommendations import recommendations
from reports.scheduled.sections.resources import resources
from reports.scheduled.sections.trends import trends
from reports.scheduled.sections.vulnerabilities import vulnerabilities

SECTIONS: Mapping[str, Callable[[Scope], Section | None]] = {
    "attention": attention,
    "recommendations": recommendations,
    "trends": trends,
    "changes": changes,
    "cache": cache,
    "images": images,
    "failures": failures,
    "resources": resources,
    "vulnerabilities": vulnerabilities,
    "comparison": comparison,
    "method": method,
}
