"""The steps that identities stand for, as builds with them show them."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.urls import reverse

from builds.models import Build, Service, Step

type StepKey = tuple[int, str]
"""Service and identity."""


@dataclass(frozen=True, slots=True)
class NamedStep:
    """A step in a build that had it."""

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


def named(last: Mapping[StepKey, int]) -> dict[StepKey, NamedStep]:
    """Return the steps of those keys, each in the build given by its key; in two queries.

    Those of which the build has gone are left out.
    """
    builds = Build.objects.select_related("service__project", "project").in_bulk(set(last.values()))
    steps = Step.objects.filter(
        month__in={build.steps_month for build in builds.values()},
        build__in=builds,
        identity__in={identity for _, identity in last},
    )
    found = {(step.build_id, step.identity): step for step in steps}
    return {
        key: NamedStep(found[build, key[1]], builds[build])
        for key, build in last.items()
        if (build, key[1]) in found
    }
