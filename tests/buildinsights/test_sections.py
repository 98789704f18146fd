"""Pages of the section Security: tabs, and pages that belong to one of them."""

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
