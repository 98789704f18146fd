"""Entries that went from a builder's cache, as evidence of why a step ran."""

from pathlib import Path

import pytest

from accounts.models import Project as TheirProject
from builds.models import Build
from cache.models import Explanation, StepReason
from cache.services import explain_build
from cache.snapshots import take_snapshot
from farm.models import Builder
from tests.cache.causes import Project
from tests.cache.test_causes import sent

pytestmark = [pytest.mark.engine, pytest.mark.django_db]

DOCKERFILE = "FROM scratch\nCOPY package.json /\nCOPY src/ /src/\n"


def reason_of(build: Build) -> StepReason:
    explain_build(build)
    return StepReason.objects.get(build=build, cause="gone")


@pytest.fixture
def made(engine: str, tmp_path: Path) -> Project:
    made = Project(tmp_path / "project", tmp_path / "home")
    made.write("Dockerfile", f"# {made.unique}\n{DOCKERFILE}".replace("/src/", f"/{made.unique}/"))
    return made


def test_a_look_at_the_builder_makes_it_certain_that_an_entry_went(
    made: Project, project: TheirProject
):
    builder = Builder.objects.create(name="default")
    first = made.build()
    take_snapshot(builder)
    made.prune(f"COPY src/ /{made.unique}/")
    earlier, later = sent(project, first), sent(project, made.build())
    explain_build(earlier)
    assert reason_of(later).confidence == "medium", "nobody has looked yet"
    take_snapshot(builder)
    assert list(Explanation.objects.pending()) == [later.explanation]
    reason = reason_of(later)
    assert (reason.confidence, later.explanation.against_id) == ("high", earlier.pk)
    [same, gone] = reason.evidence
    assert same == "All inputs are the same as before, on the same builder."
    assert gone.startswith("The builder had its entry, ")


def test_the_command_knows_what_its_own_prune_has_removed(made: Project):
    before = made.build()
    said = made.command("cache", "invalidate", "api", "--from-step=2", "--builder-only")
    assert "Removed 1 entries" in said
    [told] = made.explain(made.build(), before)
    assert (told["cause"], told["confidence"]) == ("gone", "high")
    assert str(told["evidence"][1]).startswith("`cache invalidate` removed its entry at ")
