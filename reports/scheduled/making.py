"""Puts a report together; a part that cannot be made says so, and the others stay."""

from collections.abc import Sequence
from dataclasses import replace

import structlog
from celery.exceptions import SoftTimeLimitExceeded
from django.db import transaction
from django.utils import timezone

from reports.models import ReportSection
from reports.scheduled.optimisation import Optimisation, Section
from reports.scheduled.scope import Scope
from reports.scheduled.sections import SECTIONS

log = structlog.get_logger(__name__)

QUIET = "nothing to tell"
TELLING = ("attention", "trends", "recommendations", "vulnerabilities")
"""Whose first sentence is the headline, the first of them that has something to say."""


def optimisation_of(name: str, scope: Scope, sections: Sequence[str]) -> Optimisation:
    """Return the report on a scope with those parts, in that order, harmless as it is kept."""
    scope = replace(scope, parts=tuple(sections))
    made = {key: _section(key, scope) for key in sections}
    told = [section for section in made.values() if section]
    if all(section.key == ReportSection.METHOD for section in told):
        told = []
    found = Optimisation(
        name=name,
        project=scope.project.name,
        scope=scope.words,
        first=scope.first,
        last=scope.last,
        made_at=timezone.now(),
        headline=_headline(told),
        sections=tuple(told),
        silent=tuple(
            str(ReportSection(key).label) for key, section in made.items() if section is None
        ),
    )
    return Optimisation.of_document(found.as_document())


def _section(key: str, scope: Scope) -> Section | None:
    title = str(ReportSection(key).label)
    try:
        with transaction.atomic():  # what a failing query breaks ends with this part
            section = SECTIONS[key](scope)
    except SoftTimeLimitExceeded:
        raise
    except Exception as error:
        log.exception("report_section_failed", section=key, project=scope.project.slug)
        words = f"This part could not be made ({type(error).__name__}); the server's log says why."
        return Section(key, title, error=words)
    return replace(section, key=key, title=title) if section else None


def _headline(told: Sequence[Section]) -> str:
    """Return the first sentence of the part that matters most."""
    by_key = {section.key: section for section in told}
    first = next((by_key[key] for key in TELLING if key in by_key), None)
    lead = next((part.lead for part in ([first] if first else told) if part.lead), "")
    return lead.partition(". ")[0].rstrip(".") if lead else (QUIET if not told else "see inside")
