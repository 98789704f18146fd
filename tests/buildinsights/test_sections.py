"""Where pages stand: in the menu, or as tabs of Security, and pages that belong to one of them."""

from typing import Any

import pytest
from django.urls import reverse

from accounts.models import Project, User
from buildinsights.context import PARENTS, SECURITY

pytestmark = pytest.mark.django_db

BESIDE = ["inspections:rules", "security:documents", "security:policy", "trust:policies"]
"""Pages of a project that are no tab."""


@pytest.mark.parametrize("name", BESIDE)
def test_a_page_that_is_no_tab_is_reached_from_its_tab(
    name: str, project: Project, alice: User, client_of: Any
):
    tab = client_of(alice).get(reverse(PARENTS[name], args=[project.slug]))
    assert f'href="{reverse(name, args=[project.slug])}"' in tab.content.decode()


@pytest.mark.parametrize("name", [*BESIDE, *(tab for _, tab in SECURITY)])
def test_all_tabs_are_shown_and_one_is_current(
    name: str, project: Project, alice: User, client_of: Any
):
    page = client_of(alice).get(reverse(name, args=[project.slug]))
    tabs = page.context["section_tabs"]
    assert [tab["label"] for tab in tabs] == [label for label, _ in SECURITY]
    here = reverse(PARENTS.get(name, name), args=[project.slug])
    assert [tab["href"] for tab in tabs if tab["current"]] == [here]


def test_the_menu_has_the_audit_trail_for_those_who_may_read_it(
    project: Project, alice: User, bob: User, client_of: Any
):
    page = client_of(alice).get(reverse("evidence:keys", args=[project.slug]))
    assert [item["label"] for item in page.context["nav"] if item["current"]] == ["Audit trail"]
    assert page.context["section_tabs"] == []
    seen = client_of(bob).get(reverse("reports:schedules", args=[project.slug])).context["nav"]
    assert "Audit trail" not in [item["label"] for item in seen]
