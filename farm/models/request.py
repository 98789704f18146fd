"""One build that was asked for, from the queue to its end."""

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from accounts.models import Project, User
from builds.models import Build
from farm.models.builder import Builder
from farm.models.source import Source
from farm.querysets import BuildRequestQuerySet


class BuildRequest(models.Model):
    """What was asked for, and where it stands; ``build`` is what everybody sees of it."""

    class State(models.TextChoices):
        """Where the request stands. A waiting one needs others that have not ended."""

        WAITING = "waiting", "Waiting for others"
        READY = "ready", "In the queue"
        RUNNING = "running", "Running"
        ENDED = "ended", "Ended"

    build = models.OneToOneField(Build, models.DB_CASCADE, related_name="request", primary_key=True)
    source = models.ForeignKey(Source, models.DB_CASCADE, related_name="requests")
    project = models.ForeignKey(Project, models.DB_CASCADE, related_name="+")
    state = models.CharField(max_length=8, choices=State, default=State.READY)
    requested_at = models.DateTimeField(db_default=Now(), editable=False)
    requested_by = models.CharField(max_length=200)
    author = models.ForeignKey(User, models.DB_SET_NULL, null=True, related_name="+")
    """Who asked for it, or pushed it: who is told when it fails."""
    priority = models.SmallIntegerField(default=0)
    """Higher goes first within its project."""
    same_as = models.CharField(max_length=64)
    """Digest of all that was asked for: two queued requests with the same one are one."""
    no_cache = models.BooleanField(default=False)
    no_cache_from = models.CharField(max_length=200, blank=True)
    """Stage from which on nothing is taken from the cache."""
    verbose_cache = models.BooleanField(default=False)
    base_from = models.CharField(max_length=600, blank=True)
    base_to = models.CharField(max_length=600, blank=True)
    """Bases by name, if it is to be tried what another one brings: ``updates``."""
    said = models.TextField(blank=True)
    """The end of what the command printed, if it was to tell of the cache or to try a base."""

    attempt = models.PositiveSmallIntegerField(default=1)
    retry_of = models.ForeignKey("self", models.DB_SET_NULL, null=True, related_name="retries")
    needs = models.ManyToManyField(
        "self", through="RequestNeed", symmetrical=False, related_name="needed_by"
    )
    not_before = models.DateTimeField(null=True)
    """A retry waits until then."""

    builder = models.ForeignKey(Builder, models.DB_CASCADE, related_name="requests")
    worker = models.CharField(max_length=200, blank=True)
    """Host and process that has it."""
    claimed_at = models.DateTimeField(null=True)
    heartbeat_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    cancel_requested_at = models.DateTimeField(null=True)
    cancel_reason = models.CharField(max_length=300, blank=True)

    objects = BuildRequestQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["pk"]
        indexes: ClassVar = [
            # The next one of each project.
            models.Index(
                fields=["project", "builder", "-priority", "build"],
                condition=Q(state="ready"),
                name="farm_request_ready_ix",
            ),
            # Whose turn it is: when a project last got a slot.
            models.Index(fields=["project", "claimed_at"], name="farm_request_claimed_ix"),
            # What runs, and what waits for others: few rows, looked at often.
            models.Index(
                fields=["state"],
                condition=Q(state__in=["running", "waiting"]),
                name="farm_request_active_ix",
            ),
            # The queued request that a new one may equal.
            models.Index(
                fields=["source", "same_as"],
                condition=Q(state__in=["ready", "waiting"]),
                name="farm_request_same_ix",
            ),
        ]

    @property
    def branch(self) -> str:
        """What is checked out; an update is tried of the branch, and its builds are not of it."""
        return self.source.ref_name if self.base_to else self.build.ref_name

    def __str__(self) -> str:
        return f"request of build {self.build_id}"


class RequestNeed(models.Model):
    """One request waits for another."""

    request = models.ForeignKey(BuildRequest, models.DB_CASCADE, related_name="+")
    needed = models.ForeignKey(BuildRequest, models.DB_CASCADE, related_name="+")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["request", "needed"], name="farm_requestneed_uq")
        ]

    def __str__(self) -> str:
        return f"{self.request_id} needs {self.needed_id}"


class LiveBuild(models.Model):
    """What a running build shows: written by its worker once a second at most, read by all.

    ``shown``: ``{"steps": [{"name", "state", "seconds"}], "done", "total", "log": [line]}``.
    """

    request = models.OneToOneField(
        BuildRequest, models.DB_CASCADE, related_name="live", primary_key=True
    )
    shown = models.JSONField()
    written_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"live view of {self.request_id}"
