"""The settings of a project: only its administrators get in; a secret is shown once."""

import pytest
from django.test import Client

from accounts.models import ApiToken, Membership, Project, User

pytestmark = pytest.mark.django_db
SETTINGS = "/projects/shop/settings/"


@pytest.mark.parametrize("page", ["members/", "tokens/"])
def test_administrators_get_in_and_others_do_not(
    project: Project, alice: User, bob: User, carol: User, client_of, page: str
):
    assert client_of(alice).get(SETTINGS + page).status_code == 200
    assert client_of(bob).get(SETTINGS + page).status_code == 404
    assert client_of(carol).get(SETTINGS + page).status_code == 404
    assert Client().get(SETTINGS + page)["Location"] == f"/login/?next={SETTINGS}{page}"


def test_a_secret_is_shown_once(project: Project, alice: User, client_of):
    browser = client_of(alice)
    form = {"name": "ci", "scopes": ["builds:read"]}
    created = browser.post(f"{SETTINGS}tokens/", form)
    secret = created.context["secret"]
    assert secret in created.content.decode()
    assert "no-store" in created["Cache-Control"]
    assert secret not in browser.get(f"{SETTINGS}tokens/").content.decode()


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"scopes": []}, "scopes"),
        ({"scopes": ["root"]}, "scopes"),
        ({"name": "x" * 101}, "name"),
        ({"expires_at": "2020-01-01T00:00"}, "expires_at"),
    ],
)
def test_a_wrong_token_form_makes_nothing(
    project: Project, alice: User, client_of, change: dict, field: str
):
    form = {"name": "ci", "scopes": ["builds:read"], **change}
    answer = client_of(alice).post(f"{SETTINGS}tokens/", form)
    assert list(answer.context["form"].errors) == [field]
    assert ApiToken.objects.count() == 0


def test_a_token_is_revoked_by_an_administrator_alone(
    project: Project, alice: User, bob: User, client_of
):
    client_of(alice).post(f"{SETTINGS}tokens/", {"name": "ci", "scopes": ["builds:read"]})
    path = f"{SETTINGS}tokens/{ApiToken.objects.get().public_id}/revoke/"
    assert client_of(bob).post(path).status_code == 404
    assert ApiToken.objects.get().revoked_at is None
    assert client_of(alice).post(path).status_code == 302
    assert ApiToken.objects.get().revoked_at is not None


def test_members_are_changed_and_the_last_administrator_stays(
    project: Project, alice: User, bob: User, client_of
):
    browser = client_of(alice)
    assert (
        browser.post(f"{SETTINGS}members/", {"username": "bob", "role": "lead"}).status_code == 302
    )
    assert Membership.objects.get(user=bob).role == "lead"
    own = Membership.objects.get(user=alice)
    refused = browser.post(f"{SETTINGS}members/{own.pk}/remove/", follow=True)
    assert "at least one administrator" in refused.content.decode()
    unknown = browser.post(f"{SETTINGS}members/", {"username": "no\0one", "role": "lead"})
    assert "username" in unknown.context["form"].errors
    assert project.memberships.count() == 2


def test_members_of_another_project_cannot_be_removed(
    project: Project, alice: User, carol: User, client_of
):
    foreign = Membership.objects.get(user=carol)
    assert client_of(alice).post(f"{SETTINGS}members/{foreign.pk}/remove/").status_code == 404
    assert Membership.objects.filter(pk=foreign.pk).exists()
