"""Pages without a tab of their own can be reached from their tab, if a project is empty, too."""

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Project, User
from buildinsights.context import PARENTS

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "name",
    [
        "inspections:rules",
        "policies:new",
        "security:documents",
        "security:policy",
        "trust:policies",
    ],
)
def test_a_page_is_linked_from_the_tab_that_it_belongs_to(
    client_of: Callable[[User], Client], project: Project, alice: User, name: str
):
    tab = client_of(alice).get(reverse(PARENTS[name], args=[project.slug]))
    assert f'href="{reverse(name, args=[project.slug])}"' in tab.content.decode()
