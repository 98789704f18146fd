"""Layer advice on Dockerfiles."""

from collections.abc import Iterator
from datetime import datetime

from accounts.models import Project
from cache.models import LayerAdvice
from recommendations.drafts import Draft
from recommendations.models import Kind, Unit


def from_layers(project: Project, now: datetime) -> Iterator[Draft]:
    """Yield what is given, and not followed yet."""
    given = LayerAdvice.objects.filter(service__project=project).given()
    for advice in given.select_related("service"):
        yield Draft(
            kind=Kind.LAYER,
            key=f"{advice.service_id} {advice.digest}",
            title=advice.title,
            unit=Unit.SECONDS,
            worth=advice.seconds_a_week,
            low=advice.seconds_low,
            high=advice.seconds_high,
            is_upper_bound=advice.is_upper_bound,
            why=tuple(advice.why),
            how=tuple(advice.remarks),
            diff=advice.diff,
            service=advice.service,
            target=advice.target,
            variant=advice.variant,
            builds=advice.builds,
            examples=tuple(advice.examples),
        )
