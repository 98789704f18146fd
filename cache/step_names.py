"""The steps that identities stand for, as the newest builds with them show them."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.urls import reverse

from builds.models import Build, Service, Step
from cache.models import StepDay

type StepKey = tuple[int, str]
"""Service and identity."""


@dataclass(frozen=True, slots=True)
class NamedStep:
    """A step in the newest build that had it."""

    step: Step
    build: Build

    @property
    def href(self) -> str:
        """The step's page."""
        service: Service = self.build.service
        return step_address(service, self.step.identity)


def step_address(service: Service, identity: str) -> str:
    """Return the address of the page of one step through all builds."""
    return reverse("cache:step", args=[service.project.slug, service.slug, identity])


def named(keys: Iterable[StepKey]) -> dict[StepKey, NamedStep]:
    """Return the steps of those keys in three queries; of which no build is left are left out."""
    wanted = set(keys)
    newest = (
        StepDay.objects.filter(
            service__in={service for service, _ in wanted},
            identity__in={identity for _, identity in wanted},
        )
        .order_by("service", "identity", "-day")
        .distinct("service", "identity")
        .values_list("service", "identity", "last_build")
    )
    last = {(service, identity): build for service, identity, build in newest}
    builds = Build.objects.select_related("service__project", "project").in_bulk(last.values())
    steps = Step.objects.filter(
        month__in={build.steps_month for build in builds.values()},
        build__in=builds,
        identity__in={identity for _, identity in wanted},
    )
    found = {(step.build_id, step.identity): step for step in steps}
    return {
        key: NamedStep(found[build, key[1]], builds[build])
        for key, build in last.items()
        if key in wanted and (build, key[1]) in found
    }
