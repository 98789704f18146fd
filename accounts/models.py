"""People, projects, what each may do, and the tokens that machines use."""

import uuid
from typing import ClassVar

from django.contrib.auth.models import AbstractUser
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now
from django.urls import reverse
from django.utils.functional import cached_property

from accounts.querysets import ApiTokenQuerySet, MembershipQuerySet, ProjectQuerySet
from accounts.roles import ROLE_SCOPES, Role, Scope


class User(AbstractUser):
    """A person."""

    @property
    def actor_name(self) -> str:
        """The name shown in the audit trail."""
        return self.get_username()

    @property
    def actor_type(self) -> str:
        """The kind of actor."""
        return "user"

    @property
    def actor_id(self) -> int | None:
        """Primary key within its type."""
        return self.pk

    def project_ids_with(self, scope: Scope) -> list[int]:
        """Return the projects in which the user holds ``scope``; a superuser holds all in all."""
        return [pk for pk, role in self._roles.items() if scope in ROLE_SCOPES[role]]

    @cached_property
    def _roles(self) -> dict[int, Role]:
        """Role by project: one query, kept as long as this instance, which is one request."""
        if self.is_superuser:
            return dict.fromkeys(Project.objects.values_list("pk", flat=True), Role.ADMIN)
        held = Membership.objects.filter(user=self).values_list("project_id", "role")
        return {project_id: Role(role) for project_id, role in held}


class Project(models.Model):
    """What permissions, tokens, services and audit chains belong to."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(max_length=100)
    slug = models.SlugField(max_length=60, unique=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    members = models.ManyToManyField(User, through="Membership", related_name="projects")

    objects = ProjectQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["name", "pk"]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        """The project's overview."""
        return reverse("reports:overview", args=[self.slug])


class Membership(models.Model):
    """The role of one person in one project."""

    project = models.ForeignKey(Project, models.DB_CASCADE, related_name="memberships")
    user = models.ForeignKey(User, models.DB_CASCADE, related_name="memberships")
    role = models.CharField(max_length=20, choices=Role)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = MembershipQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["user__username"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["project", "user"], name="accounts_membership_project_user_uq"
            ),
            models.CheckConstraint(
                condition=models.Q(role__in=Role.values), name="accounts_membership_role_ck"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} as {self.role} in {self.project}"


class ApiToken(models.Model):
    """A bearer token of one project with a few scopes.

    Only a SHA-256 digest is stored: the secret has 256 random bits, so a slow hash would add
    nothing but time to each request. ``prefix`` is the public part by which it is found.
    """

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    project = models.ForeignKey(Project, models.DB_CASCADE, related_name="tokens")
    name = models.CharField(max_length=100)
    prefix = models.CharField(max_length=12, unique=True, editable=False)
    digest = models.CharField(max_length=64, editable=False)
    scopes = ArrayField(models.CharField(max_length=30, choices=Scope))
    created_by = models.ForeignKey(User, models.DB_SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, editable=False)
    revoked_at = models.DateTimeField(null=True, editable=False)

    objects = ApiTokenQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-created_at", "-pk"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(scopes__contained_by=Scope.values) & ~models.Q(scopes__len=0),
                name="accounts_apitoken_scopes_ck",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    @property
    def is_authenticated(self) -> bool:
        """What DRF asks of whatever stands in ``request.user``."""
        return True

    @property
    def actor_name(self) -> str:
        """The name shown in the audit trail."""
        return f"token {self.name}"

    @property
    def actor_type(self) -> str:
        """The kind of actor."""
        return "token"

    @property
    def actor_id(self) -> int | None:
        """Primary key within its type."""
        return self.pk

    def project_ids_with(self, scope: Scope) -> list[int]:
        """Return the token's project if the token has ``scope``, else nothing."""
        return [self.project_id] if scope in self.scopes else []
