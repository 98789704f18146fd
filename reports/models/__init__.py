"""What people keep of dashboards, and what they have sent to them."""

from reports.models.report import ReportRecipient, ReportRun, ReportSchedule, ReportSection
from reports.models.saved_view import LONGEST_PATH, SavedView

__all__ = [
    "LONGEST_PATH",
    "ReportRecipient",
    "ReportRun",
    "ReportSchedule",
    "ReportSection",
    "SavedView",
]
