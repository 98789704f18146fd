"""Why steps ran: two records compared."""

from buildkit.explaining.causes import MEANINGS, Cause, Confidence
from buildkit.explaining.evidence import Evidence, read_context, read_sizes
from buildkit.explaining.files import Files
from buildkit.explaining.reasons import Explanation, Reason, explain

__all__ = [
    "MEANINGS",
    "Cause",
    "Confidence",
    "Evidence",
    "Explanation",
    "Files",
    "Reason",
    "explain",
    "read_context",
    "read_sizes",
]
