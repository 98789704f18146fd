"""Scans, findings and their history; waivers, statements and the policy about them."""

from security.models.findings import Finding, Kind, Lineage, Presence, Scan, Severity
from security.models.history import FindingDay, FindingEvent
from security.models.policy import RemediationPolicy
from security.models.prints import PrintKey
from security.models.statements import VexDocument, VexStatement, VexStatus
from security.models.waivers import Waiver

__all__ = [
    "Finding",
    "FindingDay",
    "FindingEvent",
    "Kind",
    "Lineage",
    "Presence",
    "PrintKey",
    "RemediationPolicy",
    "Scan",
    "Severity",
    "VexDocument",
    "VexStatement",
    "VexStatus",
    "Waiver",
]
