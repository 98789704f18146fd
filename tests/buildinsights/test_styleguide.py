"""The page that shows every component renders, and only developers get it."""

import pytest
from django.test import Client, RequestFactory

from accounts.models import User
from buildinsights.styleguide import styleguide


def test_it_shows_every_component(alice: User):
    request = RequestFactory().get("/styleguide/")
    request.user = alice
    page = styleguide(request).content.decode()
    assert "This field is required." in page
    for state in ("Succeeded", "Cached", "Critical"):
        assert state in page


@pytest.mark.django_db
def test_it_has_no_address_in_production(client: Client, alice: User):
    client.force_login(alice)
    assert client.get("/styleguide/").status_code == 404
