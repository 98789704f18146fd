"""Filters that the API and the pages share."""

import django_filters as filters

from builds.models import Build
from builds.querysets import BuildQuerySet


class BuildFilter(filters.FilterSet):
    """What a list of builds can be narrowed by."""

    service = filters.CharFilter(field_name="service__slug", label="Service")
    status = filters.MultipleChoiceFilter(choices=Build.Status.choices, label="Status")
    cache_state = filters.ChoiceFilter(choices=Build.CacheState.choices, label="Cache")
    ref_name = filters.CharFilter(label="Branch or tag")
    revision = filters.CharFilter(lookup_expr="startswith", label="Commit")
    after = filters.IsoDateTimeFilter(field_name="listed_at", lookup_expr="gte", label="From")
    before = filters.IsoDateTimeFilter(field_name="listed_at", lookup_expr="lt", label="Until")
    target = filters.CharFilter(label="Target")
    variant = filters.CharFilter(label="Variant")
    environment = filters.CharFilter(label="Environment")
    platform = filters.CharFilter(method="on_platform", label="Platform")
    pipeline_run_id = filters.CharFilter(label="Pipeline run")

    class Meta:
        model = Build
        fields: list[str] = []

    def on_platform(self, builds: BuildQuerySet, name: str, value: str) -> BuildQuerySet:
        """Builds for that platform, alone or among others."""
        return builds.filter(platforms__contains=[value])
