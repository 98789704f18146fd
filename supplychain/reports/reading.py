"""The way in: a scanner's report from its bytes, whatever its format."""

from buildkit.errors import ParseError
from buildkit.limits import Limits
from buildkit.status import Problems
from buildkit.values import Json, load_json
from supplychain.reports import trivy
from supplychain.reports.gathering import Gathering
from supplychain.reports.model import Report
from supplychain.reports.values import kind_of

PLACE = "report"
_DEFAULTS = Limits()


def read_report(data: bytes, *, key: bytes, limits: Limits = _DEFAULTS) -> Report:
    """Read a report of Trivy.

    Fingerprints of secrets are made by ``key``. Entries of a wrong shape are left out and named
    in ``problems``. Raises ``ParseError`` when it is too big, not JSON, or of a format that is not
    read; the message then says what to send instead.
    """
    document = load_json(data, PLACE, limits)
    gathering = Gathering(key, Problems(limits.max_problems))
    if isinstance(document, list):
        return trivy.read_schema_1(document, gathering)
    if isinstance(document, dict):
        return _read_object(document, gathering)
    raise ParseError(PLACE, f"{kind_of(document)} is no report")


def _read_object(document: Json, gathering: Gathering) -> Report:
    if document.get("SchemaVersion") == 2:
        return trivy.read_schema_2(document, gathering)
    raise ParseError(PLACE, "not a report that is read here")
