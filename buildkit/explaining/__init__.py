"""Why steps ran: two records compared."""

from buildkit.explaining.causes import MEANINGS, Cause, Confidence
from buildkit.explaining.evidence import Evidence, read_context, read_sizes
from buildkit.explaining.files import Files
from buildkit.explaining.lasting import Lasting, above, lasting
from buildkit.explaining.reasons import Explanation, Reason, explain
from buildkit.explaining.removals import Removal

__all__ = [
    "MEANINGS",
    "Cause",
    "Confidence",
    "Evidence",
    "Explanation",
    "Files",
    "Lasting",
    "Reason",
    "Removal",
    "above",
    "explain",
    "lasting",
    "read_context",
    "read_sizes",
]
