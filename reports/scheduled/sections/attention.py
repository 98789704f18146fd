"""What needs attention when the report is made: the items of the overview."""

from django.utils import timezone

from buildinsights.templatetags.formats import counted
from builds.models import Service
from reports.attention import attention_of
from reports.overview import WEEKS, rows_of
from reports.scheduled.optimisation import Cell, Column, Section, Table
from reports.scheduled.scope import Scope
from reports.scheduled.words import short
from trends.weeks import weeks_of

MOST = 6
COLUMNS = (
    Column("title", "What"),
    Column("severity", "Severity"),
    Column("since", "Since"),
)


def attention(scope: Scope) -> Section | None:
    """Return it; what belongs to no service is told only where all services are meant."""
    rows = rows_of(scope.project, weeks_of(scope.project, WEEKS))
    meant = {service.pk for service in scope.services}
    items = attention_of(scope.project, [row for row in rows if row["service"].pk in meant])
    told = [item for item in items if item["service"] or scope.is_of_all]
    if not told:
        return None
    left_off = f"The worst {MOST} are listed." if len(told) > MOST else ""
    return Section(
        lead=f"{counted(len(told), 'thing needs', 'things need')} attention, first: "
        f"{told[0]['title']}.",
        tables=(Table("", COLUMNS, tuple(_row(item) for item in told[:MOST])),),
        notes=(left_off,) if left_off else (),
        path=scope.project.get_absolute_url(),
    )


def _row(item: dict[str, object]) -> tuple[Cell, ...]:
    severity, since = str(item["severity"]), item["since"]
    days = (timezone.now() - since).days if since else None  # type: ignore[operator]
    advice = item["advice"]
    why = str(item["why"])
    if isinstance(advice, dict):
        why += f". What to do: {advice['title']}, worth {advice['worth']} a week"
    service = item["service"]
    name = service.name if isinstance(service, Service) else ""
    return (
        Cell(str(item["title"]), name, note=short(why), path=str(item["href"])),
        Cell(severity.capitalize(), severity, verdict=severity),
        Cell(
            f"{since:%-d %b}" if since else "–",
            None if since is None else f"{since:%Y-%m-%d}",
            note=counted(days, "day") if days else "today" if days == 0 else "",
        ),
    )
