"""Policies and verdicts for machines."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import mixins
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import GenericViewSet

from accounts.access import in_project, project_id_for
from accounts.authentication import actor_of
from accounts.models import Project
from accounts.roles import Scope
from buildinsights.forms import errors_of
from buildkit.registry.reference import is_digest
from builds.api import PROJECT
from policies.choosing import choose
from policies.dry_runs import dry_run
from policies.filters import VerdictFilter
from policies.forms import PolicyForm, RulesForm
from policies.models import Policy, Verdict
from policies.serializers import (
    DryRunSerializer,
    ImageVerdictDetailSerializer,
    ImageVerdictSerializer,
    PolicyDetailSerializer,
    PolicySerializer,
    PolicyWriteSerializer,
    TryRulesSerializer,
)
from policies.services import change_policy, create_policy, retire_policy
from policies.verdicts import give_verdict

MOST_CHARACTERS = 60
"""Of the name of an environment."""


class PolicyViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[Policy]):
    """Policies of a project: the one that the request names, or the actor's only one."""

    scope = Scope.BUILDS_READ
    write_scope = Scope.POLICIES_WRITE
    queryset = Policy.objects.none()
    lookup_field = "slug"
    lookup_value_converter = "slug"
    cursor_ordering = ("name", "id")

    def get_queryset(self) -> Any:
        """Policies of the project, retired ones too."""
        return Policy.objects.filter(project=self._project(self.scope)).told()

    def get_serializer_class(self) -> Any:
        """One policy tells its versions, too."""
        return PolicySerializer if self.action == "list" else PolicyDetailSerializer

    @extend_schema(parameters=[PROJECT])
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Policies and where they hold."""
        return super().list(request, *args, **kwargs)

    @extend_schema(parameters=[PROJECT])
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """One policy with its versions."""
        return super().retrieve(request, *args, **kwargs)

    @extend_schema(
        request=PolicyWriteSerializer,
        responses={201: PolicyDetailSerializer},
        parameters=[PROJECT],
    )
    def create(self, request: Request) -> Response:
        """Make a policy."""
        form = _form_of(request)
        policy = create_policy(
            project=self._project(self.write_scope),
            name=form.cleaned_data["name"],
            written=form.written,
            environments=form.cleaned_data["environments"],
            is_default=form.cleaned_data["is_default"],
            actor=actor_of(request),
        )
        return self._answer(policy, 201)

    @extend_schema(
        request=PolicyWriteSerializer, responses=PolicyDetailSerializer, parameters=[PROJECT]
    )
    def update(self, request: Request, slug: str) -> Response:
        """Change a policy: other rules make a version. Its slug stays."""
        form = _form_of(request)
        policy = self._own(slug)
        change_policy(
            policy=policy,
            name=form.cleaned_data["name"],
            written=form.written,
            environments=form.cleaned_data["environments"],
            is_default=form.cleaned_data["is_default"],
            actor=actor_of(request),
        )
        return self._answer(policy)

    @extend_schema(request=None, responses=PolicyDetailSerializer, parameters=[PROJECT])
    @action(detail=True, methods=["post"], pagination_class=None)
    def retire(self, request: Request, slug: str) -> Response:
        """Let a policy hold nowhere any more."""
        policy = self._own(slug)
        retire_policy(policy=policy, actor=actor_of(request))
        return self._answer(policy)

    @extend_schema(request=TryRulesSerializer, responses=DryRunSerializer, parameters=[PROJECT])
    @action(
        detail=False,
        methods=["post"],
        url_path="dry-run",
        write_scope=Scope.BUILDS_READ,
        pagination_class=None,
    )
    def dry_run(self, request: Request) -> Response:
        """Try rules on the newest builds; nothing is kept."""
        body = TryRulesSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        said = body.validated_data
        form = RulesForm({"text": said["text"], "environments": ""})
        if not form.is_valid():
            raise ValidationError(errors_of(form))
        environment = said.get("environment", "")
        run = dry_run(
            self._project(self.scope),
            form.cleaned_data["document"],
            environment=environment,
            most=said["builds"],
        )
        return Response(DryRunSerializer(run).data)

    def _project(self, scope: Scope) -> Project:
        return Project.objects.get(pk=project_id_for(self.request, scope))

    def _own(self, slug: str) -> Policy:
        policies = Policy.objects.filter(project=self._project(self.write_scope), slug=slug)
        found = policies.select_related("project").first()
        if found is None:
            raise NotFound
        return found

    def _answer(self, policy: Policy, status: int = 200) -> Response:
        told = Policy.objects.told().get(pk=policy.pk)
        return Response(PolicyDetailSerializer(told).data, status=status)


def _form_of(request: Request) -> PolicyForm:
    """Return the valid form of a request; raise ``ValidationError`` if it is none."""
    body = PolicyWriteSerializer(data=request.data)
    body.is_valid(raise_exception=True)
    said = body.validated_data
    form = PolicyForm(said | {"environments": ",".join(said["environments"])})
    if not form.is_valid():
        raise ValidationError(errors_of(form))
    return form


class ImageVerdictView(APIView):
    """Whether an image may ship."""

    scope = Scope.BUILDS_READ

    @extend_schema(
        operation_id="images_verdict",
        responses=ImageVerdictSerializer,
        parameters=[
            PROJECT,
            OpenApiParameter("environment", str, description="Where it is to go."),
            OpenApiParameter("policy", str, description="Slug of a policy, or `built-in`."),
        ],
    )
    def get(self, request: Request, digest: str) -> Response:
        """Whether an image may ship, and why not; the verdict is kept with all it looked at.

        Without `policy`, that of the environment holds, else the default, else what is built in:
        nothing HIGH or CRITICAL.
        """
        if not is_digest(digest):
            raise ValidationError({"digest": ["sha256: and 64 digits are a digest."]})
        project = Project.objects.get(pk=project_id_for(request, self.scope))
        environment = request.query_params.get("environment", "")
        if len(environment) > MOST_CHARACTERS:
            raise ValidationError({"environment": [f"It has over {MOST_CHARACTERS} characters."]})
        slug = request.query_params.get("policy", "")
        try:
            chosen = choose(project, environment=environment, slug=slug)
        except Policy.DoesNotExist as error:
            raise ValidationError({"policy": ["There is none of this name."]}) from error
        verdict = give_verdict(
            project=project,
            digest=digest,
            environment=environment,
            chosen=chosen,
            actor=actor_of(request),
        )
        return Response(ImageVerdictSerializer(verdict, context={"request": request}).data)


@extend_schema_view(
    list=extend_schema(parameters=[PROJECT]), retrieve=extend_schema(parameters=[PROJECT])
)
class VerdictViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[Verdict]):
    """Verdicts that were given, the newest first."""

    scope = Scope.BUILDS_READ
    queryset = Verdict.objects.none()
    filterset_class = VerdictFilter
    lookup_field = "public_id"
    lookup_value_converter = "uuid"
    cursor_ordering = ("-at", "-id")

    def get_queryset(self) -> Any:
        """Verdicts that the actor may see."""
        rows = Verdict.objects.visible_to(actor_of(self.request)).told()
        return in_project(self.request, rows)

    def get_serializer_class(self) -> Any:
        """One verdict tells its evidence, too."""
        return ImageVerdictDetailSerializer if self.action == "retrieve" else ImageVerdictSerializer
