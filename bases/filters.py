"""Filters of base images, the same for pages and API."""

import django_filters
from django.db.models import Exists, OuterRef

from bases.models import BaseImage, BaseUpdate, BaseUse
from bases.querysets import BaseImageQuerySet


class BaseImageFilter(django_filters.FilterSet):
    """By repository, service, and what they are to builds."""

    repository = django_filters.CharFilter(
        field_name="repository__name", lookup_expr="icontains", label="Repository"
    )
    service = django_filters.CharFilter(
        method="by_use", field_name="service__slug", label="Service"
    )
    role = django_filters.ChoiceFilter(
        choices=BaseUse.Role, method="by_use", field_name="role", label="Part", empty_label="All"
    )

    class Meta:
        model = BaseImage
        fields = ("repository", "service", "role")

    def by_use(self, images: BaseImageQuerySet, name: str, value: str) -> BaseImageQuerySet:
        """Those that a service stands on, or that are a part of images."""
        uses = BaseUse.objects.filter(image=OuterRef("pk"), **{name: value}).standing()
        return images.filter(Exists(uses))


class BaseUpdateFilter(django_filters.FilterSet):
    """By service, base and verdict."""

    service = django_filters.CharFilter(field_name="request__build__service__slug", label="Service")
    base_image = django_filters.UUIDFilter(field_name="image__public_id", label="Base image")
    verdict = django_filters.ChoiceFilter(choices=BaseUpdate.Verdict, label="Verdict")

    class Meta:
        model = BaseUpdate
        fields = ("service", "base_image", "verdict")
