"""Scans of images, what they found, and in which images it was from when to when."""

import uuid
from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from accounts.models import Project, User
from builds.branches import BranchClass
from builds.models import Build, Image, Service
from security.querysets import FindingQuerySet, PresenceQuerySet, ScanQuerySet


class Kind(models.TextChoices):
    """What is found."""

    VULNERABILITY = "vulnerability", "Vulnerability"
    MISCONFIGURATION = "misconfiguration", "Misconfiguration"
    SECRET = "secret", "Secret"  # a kind of findings
    LICENSE = "license", "Licence"


class Severity(models.IntegerChoices):
    """How bad it is, in order; what a report does not say is unknown."""

    UNKNOWN = 0, "UNKNOWN"
    NEGLIGIBLE = 1, "NEGLIGIBLE"
    LOW = 2, "LOW"
    MEDIUM = 3, "MEDIUM"
    HIGH = 4, "HIGH"
    CRITICAL = 5, "CRITICAL"


class Lineage(models.Model):
    """Images that follow one another: a scan of the newest says what has come and gone."""

    service = models.ForeignKey(Service, models.DB_CASCADE, related_name="lineages", db_index=False)
    branch_class = models.CharField(max_length=10, choices=BranchClass)
    target = models.CharField(max_length=200, blank=True)
    variant = models.CharField(max_length=60, blank=True)
    environment = models.CharField(max_length=60, blank=True)
    platform = models.CharField(max_length=60, blank=True)
    image_at = models.DateTimeField(null=True)
    """Start of the newest build of which an image was scanned."""
    image_name = models.CharField(max_length=500, blank=True)
    image_digest = models.CharField(max_length=80, blank=True)
    digests = ArrayField(models.CharField(max_length=80), default=list)
    """Name, and digests, of manifest alone and of index and configuration too, of the image
    scanned last."""

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=[
                    "service",
                    "branch_class",
                    "target",
                    "variant",
                    "environment",
                    "platform",
                ],
                name="security_lineage_uq",
            )
        ]

    def __str__(self) -> str:
        branch = "" if self.branch_class == BranchClass.UNKNOWN else self.get_branch_class_display()
        parts = (self.target, self.variant, self.environment, self.platform, branch)
        return ", ".join(part for part in parts if part) or "All"


class Scan(models.Model):
    """A report, as far as it is no finding. Without a lineage it waits for its image's build."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    project = models.ForeignKey(Project, models.DB_CASCADE, related_name="scans", db_index=False)
    service = models.ForeignKey(Service, models.DB_CASCADE, null=True, related_name="scans")
    lineage = models.ForeignKey(Lineage, models.DB_CASCADE, null=True, related_name="scans")
    image = models.ForeignKey(Image, models.DB_SET_NULL, null=True, related_name="scans")
    build = models.ForeignKey(Build, models.DB_SET_NULL, null=True, related_name="scans")
    image_name = models.CharField(max_length=500, blank=True)
    digests = ArrayField(models.CharField(max_length=80), default=list)
    """Digests by which its image may be known: of the manifest or index, and the configuration."""
    format = models.CharField(max_length=12)
    scanner = models.CharField(max_length=60, blank=True)
    scanner_version = models.CharField(max_length=60, blank=True)
    database_version = models.CharField(max_length=60, blank=True)
    database_updated_at = models.DateTimeField(null=True)
    os_name = models.CharField(max_length=120, blank=True)
    os_is_end_of_life = models.BooleanField(default=False)
    scanned_at = models.DateTimeField()
    """As the report says, but not after it was received; ``security.order`` sets clocks right."""
    received_at = models.DateTimeField()
    kinds = ArrayField(models.CharField(max_length=20), default=list)
    """What was looked for: of these kinds a finding that is missing has gone."""
    narrowed_by = models.CharField(max_length=300, blank=True)
    """Why findings that are missing may be there still; empty if they have gone."""
    is_narrowing_guessed = models.BooleanField(default=False)
    """Whether that is told from what is missing, and is not what the sender says."""
    is_late = models.BooleanField(default=False)
    """Older than what was known, by its image or its time: it has changed nothing."""
    counts = models.JSONField(default=dict)
    """``{vulnerabilities: {SEVERITY: n}, …}`` as the report lists them."""
    distinct_vulnerabilities = models.PositiveIntegerField(default=0)
    packages = models.PositiveIntegerField(default=0)
    came = models.PositiveIntegerField(default=0)
    went = models.PositiveIntegerField(default=0)
    """Findings that were not there in the lineage's scan before, or not any more."""
    problems = models.JSONField(default=list)

    objects = ScanQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-received_at", "-pk"]
        indexes: ClassVar = [
            # Scans of an image that no build is known to have made, for its verdict.
            GinIndex(fields=["digests"], name="security_scan_digests_ix"),
            models.Index(fields=["project", "-received_at", "-id"], name="security_scan_list_ix"),
            # What waits for a build with one of its digests.
            models.Index(
                fields=["project"], condition=Q(lineage__isnull=True), name="security_scan_wait_ix"
            ),
        ]

    def __str__(self) -> str:
        return f"scan of {self.image_name or self.public_id}"

    def get_absolute_url(self) -> str:
        """The scan's page."""
        return reverse("security:scan", args=[self.project.slug, self.public_id])


class Finding(models.Model):
    """One thing found in a service: the same in each of its images, versions and scans."""

    class State(models.TextChoices):
        """Where it stands."""

        OPEN = "open", "Open"
        BRANCH = "branch", "On a branch only"
        WAIVED = "waived", "Waived"
        NOT_AFFECTED = "not_affected", "Not affected"
        FIXED = "fixed", "Fixed"

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    project = models.ForeignKey(Project, models.DB_CASCADE, related_name="+", db_index=False)
    service = models.ForeignKey(Service, models.DB_CASCADE, related_name="findings", db_index=False)
    key = models.BinaryField(max_length=16)
    """Of kind, class, package, name and resource: what makes two findings the same."""
    kind = models.CharField(max_length=20, choices=Kind)
    target_class = models.CharField(max_length=20, blank=True)
    package = models.CharField(max_length=400, blank=True)
    """Package URL without version, or ``ecosystem:name``."""
    name = models.CharField(max_length=200)
    """The vulnerability's, check's or rule's id, or the licence."""
    resource = models.CharField(max_length=500, blank=True)
    aliases = ArrayField(models.CharField(max_length=80), default=list)
    severity = models.PositiveSmallIntegerField(choices=Severity)
    severity_source = models.CharField(max_length=60, blank=True)
    cvss_score = models.FloatField(null=True)
    cvss_vector = models.CharField(max_length=200, blank=True)
    epss = models.FloatField(null=True)
    is_known_exploited = models.BooleanField(null=True)
    title = models.CharField(max_length=500, blank=True)
    url = models.CharField(max_length=500, blank=True)
    fixed_version = models.CharField(max_length=300, blank=True)
    """By which it is fixed, if there is one; as the newest scan says."""
    state = models.CharField(max_length=12, choices=State, default=State.OPEN)
    """As it was settled last; ``told_state`` is where it stands now."""
    seen_state = models.CharField(max_length=12, choices=State, default=State.OPEN)
    """Open, on a branch only, or fixed: as scans alone say."""
    waiver = models.ForeignKey("security.Waiver", models.DB_SET_NULL, null=True, related_name="+")
    """That covers it, of several the one that holds longest."""
    waived_until = models.DateTimeField(null=True)
    statement = models.ForeignKey(
        "security.VexStatement", models.DB_SET_NULL, null=True, related_name="findings"
    )
    """The newest about it."""
    owner = models.ForeignKey(User, models.DB_SET_NULL, null=True, related_name="+")
    due_at = models.DateTimeField(null=True)
    """By when it is to be fixed; goes on while it is waived, and counts only if it is open."""
    environments = ArrayField(models.CharField(max_length=60), default=list)
    """In whose images in use it is, or was when it was fixed."""
    first_seen_at = models.DateTimeField()
    fixed_at = models.DateTimeField(null=True)
    fixed_by = models.ForeignKey(Build, models.DB_SET_NULL, null=True, related_name="+")
    reopened_at = models.DateTimeField(null=True)
    times_reopened = models.PositiveSmallIntegerField(default=0)
    shipped_at = models.DateTimeField(null=True)
    """When it last came from a branch into an image in use."""
    introduced_by = models.ForeignKey(Build, models.DB_SET_NULL, null=True, related_name="+")
    """The first build of which it is known that its image has it."""
    layer_digest = models.CharField(max_length=80, blank=True)
    instruction = models.TextField(blank=True)
    """That brought the layer; of a base's layers its ``FROM``."""
    is_from_base = models.BooleanField(null=True)
    base = models.CharField(max_length=300, blank=True)
    """The base image that brought it, without digest."""

    objects = FindingQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-severity", "-first_seen_at", "-pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["service", "key"], name="security_finding_key_uq")
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["project", "state", "-severity", "-first_seen_at", "-id"],
                name="security_finding_list_ix",
            ),
            models.Index(
                fields=["service", "state", "-severity", "-first_seen_at", "-id"],
                name="security_finding_service_ix",
            ),
            models.Index(fields=["project", "name"], name="security_finding_name_ix"),
            GinIndex(fields=["aliases"], name="security_finding_aliases_ix"),
            # What is due next, and what was due.
            models.Index(
                fields=["project", "due_at", "id"],
                condition=Q(state__in=["open", "waived"]),
                name="security_finding_due_ix",
            ),
            # What was fixed in a time.
            models.Index(
                fields=["project", "fixed_at"],
                condition=Q(fixed_at__isnull=False),
                name="security_finding_fixed_ix",
            ),
            # Waivers whose time has come.
            models.Index(
                fields=["waived_until"],
                condition=Q(waived_until__isnull=False),
                name="security_finding_waived_ix",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} of {self.package or self.resource}"

    @property
    def told_state(self) -> "Finding.State":
        """Where it stands now: a waiver that has expired holds no more."""
        is_over = self.waived_until is not None and self.waived_until <= timezone.now()
        state = self.seen_state if is_over and self.state == self.State.WAIVED else self.state
        return self.State(state)

    @property
    def is_overdue(self) -> bool:
        """Whether it is open and was to be fixed by now."""
        is_late = self.due_at is not None and self.due_at <= timezone.now()
        return is_late and self.told_state == self.State.OPEN

    def get_absolute_url(self) -> str:
        """The finding's page."""
        return reverse("security:finding", args=[self.service.project.slug, self.public_id])


class Presence(models.Model):
    """That a finding was in a lineage's images: from the scan that found it until one did not.

    Of a present one, the last that saw it is the lineage's newest scan of its kind: a scan that
    changes nothing writes nothing here.
    """

    lineage = models.ForeignKey(Lineage, models.DB_CASCADE, related_name="presences")
    finding = models.ForeignKey(Finding, models.DB_CASCADE, related_name="presences")
    since = models.ForeignKey(Scan, models.DB_CASCADE, related_name="+")
    until = models.ForeignKey(Scan, models.DB_SET_NULL, null=True, related_name="+")
    ended_at = models.DateTimeField(null=True)
    installed_version = models.CharField(max_length=300, blank=True)
    status = models.CharField(max_length=40, blank=True)
    """The vendor's word: ``affected``, ``fixed``, ``will_not_fix``, …"""
    path = models.CharField(max_length=500, blank=True)
    layer = models.CharField(max_length=80, blank=True)
    """Digest of the layer, as the report has it: compressed, or of its content."""

    objects = PresenceQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["finding", "lineage"],
                condition=Q(ended_at__isnull=True),
                name="security_presence_open_uq",
            )
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["lineage"],
                condition=Q(ended_at__isnull=True),
                name="security_presence_open_ix",
            )
        ]

    def __str__(self) -> str:
        return f"{self.finding_id} in {self.lineage_id}"
