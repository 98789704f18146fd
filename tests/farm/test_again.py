"""After a build: its attempts, whether trying again helps, and how to reproduce it."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from buildkit.failure_classes import FailureClass
from builds.models import Build, Service
from farm.claims import claim
from farm.commands import debugging_command, reproducing_command
from farm.endings import finish
from farm.models import BuildRequest, Source
from farm.queueing import Wish, retry
from farm.services import trigger
from tests.farm.conftest import MakeSource

pytestmark = pytest.mark.django_db

type ClientOf = Callable[[User], Client]


def asked(source: Source, actor: User, **wish: Any) -> BuildRequest:
    [request] = trigger(sources=[source], wish=Wish(**wish), actor=actor)
    return request


def end_next(status: Build.Status, why: FailureClass | None = None) -> BuildRequest:
    """Let the next of the queue end."""
    request = claim("test:1")
    assert request is not None
    finish(request, status, why, f"it was {why}" if why else "")
    return request


def part(client: Client, build: Build) -> str:
    return client.get(f"{build.get_absolute_url()}again/").content.decode()


def test_attempts_are_linked_and_what_retries_did_is_told(
    client_of: ClientOf, alice: User, make_source: MakeSource
):
    client = client_of(alice)
    first = asked(make_source(retries=0), alice)
    end_next(Build.Status.FAILED, FailureClass.NETWORK)
    assert "No failure like this one was tried again yet." in part(client, first.build)
    first.build.refresh_from_db()
    second = retry(build=first.build, actor=alice)
    end_next(Build.Status.SUCCEEDED)
    page = part(client, first.build)
    assert "1 of 1 retry of failures like this one succeeded" in page
    assert second.build.get_absolute_url() in page
    page = part(client, second.build)
    assert f'after <a href="{first.build.get_absolute_url()}">attempt 1</a>' in page
    assert "failures like this one" not in page, "it succeeded"


def test_other_failures_do_not_count(client_of: ClientOf, alice: User, make_source: MakeSource):
    first = asked(make_source(retries=0), alice)
    end_next(Build.Status.FAILED, FailureClass.NETWORK)
    first.build.refresh_from_db()
    other = retry(build=first.build, actor=alice)
    end_next(Build.Status.FAILED, FailureClass.OUT_OF_MEMORY)
    assert "none of 1 retry of failures" in part(client_of(alice), first.build)
    assert "No failure like this one" in part(client_of(alice), other.build)


def test_a_command_reproduces_a_dockerfile_build_and_quote_what_was_typed(
    alice: User, make_source: MakeSource
):
    source = make_source(context="apps/my api", file="prod.Dockerfile", target="final")
    revision = "a" * 40
    request = asked(
        source, alice, revision=revision, platforms=("linux/arm64",), no_cache_from="deps"
    )
    assert reproducing_command(request) == (
        f"git checkout {revision} && "
        "docker buildx build '--file=apps/my api/prod.Dockerfile' --target=final"
        " --platform=linux/arm64 --no-cache-filter=deps 'apps/my api'"
    )
    assert debugging_command(request) == ""


def test_a_command_reproduces_a_bake_build(alice: User, make_source: MakeSource):
    source = make_source(
        definition=Source.Definition.BAKE, context="deploy", file="bake.hcl", push=True
    )
    request = asked(source, alice, variant="prod", verbose_cache=True, no_cache_from="deps")
    assert reproducing_command(request) == (
        "git checkout main && "
        "(cd deploy && buildinsights build --file=bake.hcl --variant=prod --no-cache-from=deps"
        " --verbose-cache api)"
    )
    assert debugging_command(request) == "(cd deploy && buildinsights debug --file=bake.hcl api)"


def test_a_stage_that_the_build_does_not_have_is_refused(
    client_of: ClientOf, alice: User, make_source: MakeSource
):
    first = asked(make_source(), alice)
    end_next(Build.Status.SUCCEEDED)
    address = f"{first.build.get_absolute_url()}retry/"
    answer = client_of(alice).post(address, {"no_cache_from": "nope"}, follow=True)
    assert "There is no such stage in this build." in answer.content.decode()
    assert BuildRequest.objects.count() == 1
    client_of(alice).post(address, {"verbose_cache": "on"})
    again = BuildRequest.objects.get(retry_of=first)
    assert (again.verbose_cache, again.no_cache_from) == (True, "")


def test_who_may_not_build_is_offered_no_form(
    client_of: ClientOf, alice: User, bob: User, make_source: MakeSource
):
    first = asked(make_source(), alice)
    end_next(Build.Status.SUCCEEDED)
    assert "<form" in part(client_of(alice), first.build)
    assert "<form" not in part(client_of(bob), first.build)


def test_the_service_page_leads_to_the_source_and_the_form(
    client_of: ClientOf, alice: User, bob: User, make_source: MakeSource
):
    service: Service = make_source().service
    source, build = (
        f"/projects/{service.project.slug}/{end}"
        for end in ("services/api/source/", "queue/new/?service=api")
    )
    page = client_of(alice).get(service.get_absolute_url()).content.decode()
    assert source in page
    assert build in page
    page = client_of(bob).get(service.get_absolute_url()).content.decode()
    assert source not in page
    assert build not in page
