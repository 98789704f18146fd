"""Base images of a project: repositories, their tags and digests, and the builds on them."""

import uuid
from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.urls import reverse

from accounts.models import Project
from bases.querysets import BaseImageQuerySet, BaseUpdateQuerySet, BaseUseQuerySet
from buildkit.registry import Reference
from builds.branches import BranchClass
from builds.models import Build, Service
from farm.models import BuildRequest


class Waiting(models.Model):
    """A build that came or changed: what it stands on is to be told."""

    build = models.OneToOneField(Build, models.DB_CASCADE, primary_key=True, related_name="+")

    def __str__(self) -> str:
        return f"build {self.build_id}"


class BaseRepository(models.Model):
    """A repository that images of the project stand on, with all of its tags that are known."""

    project = models.ForeignKey(
        Project, models.DB_CASCADE, related_name="base_repositories", db_index=False
    )
    host = models.CharField(max_length=255)
    name = models.CharField(max_length=255)
    """Without the registry."""
    runtime = models.CharField(max_length=20, blank=True)
    tags = ArrayField(models.CharField(max_length=128), default=list)
    looked_at = models.DateTimeField(null=True)
    """When the registry was asked last; never, if the server may not ask it."""
    problem = models.CharField(max_length=500, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["project", "host", "name"], name="bases_repository_name_uq"
            )
        ]

    def __str__(self) -> str:
        return f"{self.host}/{self.name}"


class BaseImage(models.Model):
    """One digest under one tag of a repository; without a tag if builds name the digest alone."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    project = models.ForeignKey(Project, models.DB_CASCADE, related_name="+", db_index=False)
    repository = models.ForeignKey(
        BaseRepository, models.DB_CASCADE, related_name="images", db_index=False
    )
    tag = models.CharField(max_length=128, blank=True)
    digest = models.CharField(max_length=80)
    family = models.CharField(max_length=20, blank=True)
    variant = models.CharField(max_length=128, blank=True)
    is_official = models.BooleanField(default=False)
    created_at = models.DateTimeField(null=True)
    """When it was made, as its configuration says."""
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()

    objects = BaseImageQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["repository", "tag", "digest"], name="bases_image_digest_uq"
            )
        ]
        indexes: ClassVar = [
            models.Index(fields=["project", "-last_seen_at", "-id"], name="bases_image_list_ix")
        ]

    def __str__(self) -> str:
        return str(self.reference)

    @property
    def reference(self) -> Reference:
        """Its whole name."""
        return Reference(self.repository.host, self.repository.name, self.tag, self.digest)

    def get_absolute_url(self) -> str:
        """The base's page."""
        return reverse("bases:image", args=[self.project.slug, self.public_id])


class BaseUse(models.Model):
    """That one build stood on an image, for one of its platforms.

    ``is_standing`` marks those of the newest build of a service, target, variant, platform and
    class of branches; what only changes and other branches have does not stand.
    """

    class Role(models.TextChoices):
        """What the image was to the build."""

        FINAL = "final", "Final image"
        BUILD = "build", "Build only"
        UNKNOWN = "unknown", "Not told apart"

    image = models.ForeignKey(BaseImage, models.DB_CASCADE, related_name="uses", db_index=False)
    build = models.ForeignKey(Build, models.DB_CASCADE, related_name="base_uses", db_index=False)
    service = models.ForeignKey(Service, models.DB_CASCADE, related_name="+", db_index=False)
    target = models.CharField(max_length=200, blank=True)
    variant = models.CharField(max_length=60, blank=True)
    platform = models.CharField(max_length=60, blank=True)
    """That the build was for; a stage that runs on the builder's may have another image."""
    branch_class = models.CharField(max_length=10, choices=BranchClass)
    at = models.DateTimeField()
    """Start of the build."""
    role = models.CharField(max_length=10, choices=Role)
    stage = models.CharField(max_length=200, blank=True)
    is_pinned = models.BooleanField()
    is_standing = models.BooleanField(default=False)
    size_bytes = models.BigIntegerField(null=True)
    """Σ compressed sizes of the layers that the built image has of it."""
    layers = models.PositiveIntegerField(null=True)

    objects = BaseUseQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["build", "image", "platform", "role"], name="bases_use_build_uq"
            )
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["image"], condition=Q(is_standing=True), name="bases_use_standing_ix"
            ),
            models.Index(
                fields=["service"], condition=Q(is_standing=True), name="bases_use_service_ix"
            ),
            models.Index(fields=["image", "-at", "-id"], name="bases_use_image_ix"),
            # The newest build of a group, which is what stands.
            models.Index(
                fields=["service", "target", "variant", "platform", "branch_class", "-at"],
                name="bases_use_group_ix",
            ),
        ]

    def __str__(self) -> str:
        return f"build {self.build_id} on {self.image_id}"

    @property
    def group(self) -> str:
        """Target, variant, platform and class of branches in words."""
        branch = (
            "" if self.branch_class in ("default", "unknown") else self.get_branch_class_display()
        )
        parts = (self.target, self.variant, self.platform, branch)
        return ", ".join(part for part in parts if part) or "all"


class TagLook(models.Model):
    """That a tag meant a digest: from when to when builds or looks at the registry saw it."""

    class Source(models.TextChoices):
        """Who saw it."""

        BUILDS = "builds", "Builds"
        REGISTRY = "registry", "Registry"

    image = models.ForeignKey(BaseImage, models.DB_CASCADE, related_name="looks", db_index=False)
    source = models.CharField(max_length=10, choices=Source)
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["image", "source"], name="bases_taglook_source_uq")
        ]

    def __str__(self) -> str:
        return f"{self.image_id} seen by {self.source}"


class BasePolicy(models.Model):
    """One version of what a project says of a repository; the last one holds."""

    repository = models.ForeignKey(
        BaseRepository, models.DB_CASCADE, related_name="policies", db_index=False
    )
    number = models.PositiveIntegerField()
    text = models.TextField(blank=True)
    """Why, in Markdown."""
    owner = models.CharField(max_length=200, blank=True)
    allowed_until = models.DateField(null=True)
    update_days = models.PositiveIntegerField(null=True)
    """How old a base may be."""
    author = models.CharField(max_length=200)
    made_at = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["-number"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["repository", "number"], name="bases_policy_number_uq")
        ]

    def __str__(self) -> str:
        return f"policy {self.number} of {self.repository}"


class BaseUpdate(models.Model):
    """That the server was asked to try another base of a service, and what came of it.

    Its request says who asked, when, for what, and where it stands; the request's build is that of
    the commit as it is.
    """

    class Verdict(models.TextChoices):
        """What the image is with the change."""

        BETTER = "better", "Better"
        SAME = "same", "Same"
        WORSE = "worse", "Worse"

    class State(models.TextChoices):
        """Where it stands."""

        QUEUED = "queued", "Queued"
        RUNNING = "running", "Running"
        DONE = "done", "Compared"
        FAILED = "failed", "Failed"
        CANCELED = "canceled", "Canceled"
        LOST = "lost", "Lost"

    request = models.OneToOneField(
        BuildRequest, models.DB_CASCADE, primary_key=True, related_name="base_update"
    )
    image = models.ForeignKey(BaseImage, models.DB_CASCADE, related_name="updates", db_index=False)
    """What the service stood on."""
    verdict = models.CharField(max_length=10, choices=Verdict, blank=True)
    reasons = ArrayField(models.TextField(), default=list)
    patch = models.TextField(blank=True)
    note = models.CharField(max_length=300, blank=True)
    """Why there is no patch."""

    changed_build: uuid.UUID | None
    """Id of the build with the change; ``told()`` asks for it."""

    objects = BaseUpdateQuerySet.as_manager()

    class Meta:
        indexes: ClassVar = [models.Index(fields=["image", "-request"], name="bases_update_ix")]

    def __str__(self) -> str:
        return f"{self.image} to {self.request.base_to}"

    @property
    def public_id(self) -> uuid.UUID:
        """That of the build that was asked for."""
        return self.request.build.public_id

    @property
    def state(self) -> State:
        """Where it stands; one that ended has failed unless it has a verdict."""
        request = self.request
        if request.state != BuildRequest.State.ENDED:
            is_running = request.state == BuildRequest.State.RUNNING
            return self.State.RUNNING if is_running else self.State.QUEUED
        if request.build.status in (Build.Status.CANCELED, Build.Status.LOST):
            return self.State(request.build.status)
        return self.State.DONE if self.verdict else self.State.FAILED

    @property
    def is_final(self) -> bool:
        """Whether nothing will change any more."""
        return self.request.state == BuildRequest.State.ENDED

    def get_absolute_url(self) -> str:
        """The update's page."""
        return reverse("bases:update", args=[self.request.build.project.slug, self.public_id])
