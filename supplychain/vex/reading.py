"""The way in: statements from the bytes of a document, whatever its format."""

from collections.abc import Callable

from buildkit.errors import ParseError
from buildkit.limits import Limits
from buildkit.status import Problems
from buildkit.values import Json, load_json
from supplychain.reports.values import WrongShapeError
from supplychain.vex import cyclonedx, openvex
from supplychain.vex.model import Document

PLACE = "document"
_DEFAULTS = Limits()


def read_vex(data: bytes, limits: Limits = _DEFAULTS) -> Document:
    """Read OpenVEX or CycloneDX VEX.

    Statements of a wrong shape are left out and named in ``problems``.

    Raises:
        ParseError: it is too big, not JSON, of another format, or states nothing.
    """
    document = load_json(data, PLACE, limits)
    if not isinstance(document, dict):
        raise ParseError(PLACE, "It is no JSON object, so neither OpenVEX nor CycloneDX.")
    try:
        found = _reader(document)(document, Problems(limits.max_problems))
    except WrongShapeError as error:
        raise ParseError(PLACE, f"{error}.") from error
    if not found.statements:
        first = f" {found.problems[0]}." if found.problems else ""
        raise ParseError(PLACE, f"There is no statement in it that can be read.{first}")
    return found


def _reader(document: Json) -> Callable[[Json, Problems], Document]:
    context = document.get("@context")
    if isinstance(context, str) and context.startswith(openvex.NAMESPACE):
        return openvex.read
    if document.get("bomFormat") == "CycloneDX":
        return cyclonedx.read
    if "document" in document and "product_tree" in document:
        raise ParseError(PLACE, "CSAF is not read here: send OpenVEX or CycloneDX VEX.")
    raise ParseError(
        PLACE, "It is neither OpenVEX (@context https://openvex.dev/ns…) nor CycloneDX (bomFormat)."
    )
