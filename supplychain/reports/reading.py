"""The way in: a scanner's report from its bytes, whatever its format."""

from buildkit.errors import ParseError
from buildkit.limits import Limits
from buildkit.status import Problems
from buildkit.values import Json, load_json
from supplychain.reports import cyclonedx, sarif, trivy
from supplychain.reports.foreign import refusal_of
from supplychain.reports.gathering import Gathering
from supplychain.reports.model import Report
from supplychain.reports.values import is_number

PLACE = "report"
_DEFAULTS = Limits()


def read_report(data: bytes, *, key: bytes, limits: Limits = _DEFAULTS) -> Report:
    """Read a report of Trivy.

    Fingerprints of secrets are made by ``key``. Entries of a wrong shape are left out and named
    in ``problems``. Raises ``ParseError`` when it is too big, not JSON, or of a format that is not
    read; the message then says what it is and what to send instead.
    """
    document = load_json(data, PLACE, limits)
    gathering = Gathering(Problems(limits.max_problems), key)
    if _is_schema_1(document):
        return trivy.read_schema_1(document, gathering)
    if isinstance(document, dict):
        if is_number(document.get("SchemaVersion"), 2):
            return trivy.read_schema_2(document, gathering)
        if document.get("bomFormat") == "CycloneDX":
            return cyclonedx.read(document, gathering)
        if _is_sarif_of_trivy(document):
            return sarif.read(document, gathering)
    raise ParseError(PLACE, refusal_of(document))


def _is_schema_1(document: object) -> bool:
    """A list without members is the report of an image in which there was nothing to look at."""
    return isinstance(document, list) and (
        not document or any(isinstance(item, dict) and "Target" in item for item in document)
    )


def _is_sarif_of_trivy(document: Json) -> bool:
    runs = document.get("runs")
    return (
        document.get("version") == "2.1.0"
        and isinstance(runs, list)
        and any(sarif.is_of_trivy(run) for run in runs)
    )
