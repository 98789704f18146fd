"""What dashboards show."""

from typing import Any

from accounts.models import Project
from builds.models import Build
from builds.overview import service_rows


def overview_page(project: Project) -> dict[str, Any]:
    """Return the overview: services that need attention first, then all; and the last failures."""
    rows = service_rows(project)
    failures = Build.objects.filter(project=project, status=Build.Status.FAILED)
    return {
        "rows": rows,
        "attention": [row for row in rows if row.attention],
        "recent_failures": failures.select_related("service").newest_first()[:5],
    }
