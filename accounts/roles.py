"""Roles of people, scopes of tokens: one vocabulary for both."""

from django.db import models


class Scope(models.TextChoices):
    """One thing that an actor may do within a project."""

    BUILDS_READ = "builds:read", "Read builds"
    BUILDS_TRIGGER = "builds:trigger", "Trigger, cancel and retry builds"
    SERVICES_WRITE = "services:write", "Change services"
    CACHE_WRITE = "cache:write", "Manage caches"
    FINDINGS_WRITE = "findings:write", "Own findings and ask for waivers"
    FINDINGS_WAIVE = "findings:waive", "Approve waivers of findings"
    POLICIES_WRITE = "policies:write", "Change policies"
    ALERTS_WRITE = "alerts:write", "Change alert rules, acknowledge and silence alerts"
    CHANNELS_WRITE = "channels:write", "Manage channels"
    REPORTS_WRITE = "reports:write", "Schedule and send reports"
    INGEST_READ = "ingest:read", "Read receipts and raw payloads"
    INGEST_WRITE = "ingest:write", "Send payloads"
    INGEST_REPLAY = "ingest:replay", "Replay and dismiss failed payloads"
    AUDIT_READ = "audit:read", "Read and export the audit trail"
    MEMBERS_WRITE = "members:write", "Manage members and their roles"
    TOKENS_WRITE = "tokens:write", "Create and revoke API tokens"


class Role(models.TextChoices):
    """What a member is in a project."""

    VIEWER = "viewer", "Viewer"
    LEAD = "lead", "Team lead"
    OPERATOR = "operator", "Operator"
    AUDITOR = "auditor", "Auditor"
    ADMIN = "admin", "Administrator"


READ = frozenset({Scope.BUILDS_READ})

ROLE_SCOPES: dict[Role, frozenset[Scope]] = {
    Role.VIEWER: READ,
    Role.LEAD: READ
    | {
        Scope.INGEST_READ,
        Scope.SERVICES_WRITE,
        Scope.FINDINGS_WRITE,
        Scope.FINDINGS_WAIVE,
        Scope.POLICIES_WRITE,
        Scope.ALERTS_WRITE,
        Scope.CHANNELS_WRITE,
        Scope.REPORTS_WRITE,
    },
    Role.OPERATOR: READ
    | {
        Scope.BUILDS_TRIGGER,
        Scope.SERVICES_WRITE,
        Scope.CACHE_WRITE,
        Scope.FINDINGS_WRITE,
        Scope.ALERTS_WRITE,
        Scope.INGEST_READ,
        Scope.INGEST_WRITE,
        Scope.INGEST_REPLAY,
    },
    Role.AUDITOR: READ | {Scope.INGEST_READ, Scope.AUDIT_READ},
    Role.ADMIN: frozenset(Scope),
}
