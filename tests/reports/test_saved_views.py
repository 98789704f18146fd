"""Saved views: only pages of the project, a hundred a person, shared by a link with members."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import Membership, Project, User
from accounts.roles import Scope
from audit.models import AuditEvent
from builds.services import get_or_create_service
from reports.addresses import page_address
from reports.exceptions import NameTakenError, NotAPageError, TooManyViewsError
from reports.models import SavedView
from reports.services import MOST_VIEWS, delete_view, save_view, share_view, unshare_view

pytestmark = pytest.mark.django_db

type ClientOf = Callable[[User], Client]
PAGE = "/projects/shop/builds/?service=api&status=failed"


def saved(project: Project, user: User, name: str = "Failures", page: str = PAGE) -> SavedView:
    return save_view(project=project, user=user, name=name, page=page)


class TestAddresses:
    @pytest.mark.parametrize(
        "text",
        [
            "/projects/shop/",
            PAGE,
            "/projects/shop/services/api/trends/?metric=image_bytes&days=30",
            "/projects/shop/builds/?ref_name=%2F%2Fevil.example",
            "/projects/shop/builds/?next=https://evil.example",
        ],
    )
    def test_pages_of_the_project_are_kept_as_they_are(self, project: Project, text: str):
        assert page_address(project, text) == text

    def test_what_a_browser_does_not_send_is_left_out(self, project: Project):
        assert page_address(project, " /projects/shop/builds/?a=1#step-2 ") == (
            "/projects/shop/builds/?a=1"
        )

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "builds/",
            "//evil.example",
            "//evil.example/projects/shop/",
            "///evil.example/projects/shop/",
            "https://evil.example/projects/shop/",
            "https:/projects/shop/",
            "https:projects/shop/",
            "http:///projects/shop/",
            "javascript:alert(1)//projects/shop/",
            "\\\\evil.example\\projects\\shop\\",
            "/\\evil.example/projects/shop/",
            "/projects/shop/\\..\\..\\evil",
            "/projects/shop/%5cevil/",
            "/%2F/evil.example",
            "%2F%2Fevil.example/projects/shop/",
            "/projects/shop/..//evil.example/",
            "/projects/shop/../../admin/",
            "/projects/shop/%2e%2e/%2e%2e/admin/",
            "/projects/shop//evil.example",
            "/projects/shop/builds/\n//evil.example",
            "/projects/shop/builds/%0d%0aLocation:/",
            "/projects/shop/builds/\0",
            "/\t/evil.example",
            "/projects/elsewhere/",
            "/projects/shopping/",
            "/projects/shop/no-such-page/",
            "/projects/shop/builds/not-a-build/",
            "/projects/shop/views/",
            "/projects/shop/views/token/",
            "/admin/",
            "/",
            "/login/?next=//evil.example",
            "/api/v1/builds/",
            "http://[evil/projects/shop/",
            "/projects/shop/?" + "a" * 2000,
        ],
    )
    def test_nothing_else_is(self, project: Project, text: str):
        with pytest.raises(NotAPageError):
            page_address(project, text)

    def test_the_database_holds_it_too(self, project: Project, bob: User):
        for path in ("//evil.example", "https://evil.example"):
            with pytest.raises(IntegrityError), transaction.atomic():
                SavedView.objects.create(project=project, user=bob, name="x", path=path)


class TestSaving:
    def test_a_name_leads_to_one_page_of_a_person(self, project: Project, alice: User, bob: User):
        saved(project, bob)
        with pytest.raises(NameTakenError):
            saved(project, bob)
        saved(project, alice)
        assert SavedView.objects.count() == 2

    def test_a_person_has_a_hundred_at_most(self, project: Project, alice: User, bob: User):
        SavedView.objects.bulk_create(
            SavedView(project=project, user=bob, name=str(n), path=PAGE) for n in range(MOST_VIEWS)
        )
        with pytest.raises(TooManyViewsError):
            saved(project, bob)
        saved(project, alice)


class TestSharing:
    def test_members_are_led_to_the_page_and_others_nowhere(
        self, project: Project, alice: User, bob: User, carol: User, client_of: ClientOf
    ):
        view = share_view(view=saved(project, bob))
        address = f"/projects/shop/views/{view.token}/"
        answer = client_of(alice).get(address)
        assert (answer.status_code, answer["Location"]) == (302, PAGE)
        assert client_of(carol).get(address).status_code == 404
        stranger = Client().get(address)
        assert (stranger.status_code, stranger["Location"].partition("?")[0]) == (302, "/login/")

    def test_a_link_is_not_guessed_and_works_until_it_is_taken_back(
        self, project: Project, bob: User, client_of: ClientOf
    ):
        view = saved(project, bob)
        first = share_view(view=view).token
        assert len(first) == 43, "32 random bytes"
        assert share_view(view=view).token == first, "sharing twice changes nothing"
        unshare_view(view=view)
        client = client_of(bob)
        assert client.get(f"/projects/shop/views/{first}/").status_code == 404
        assert client.get("/projects/shop/views/None/").status_code == 404
        assert share_view(view=view).token != first
        address = f"/projects/shop/views/{view.token}/"
        delete_view(view=view)
        assert client.get(address).status_code == 404

    def test_it_is_of_no_other_project(self, project: Project, bob: User, carol: User, client_of):
        other = carol.projects.get()
        view = share_view(view=saved(other, carol, page=f"/projects/{other.slug}/builds/"))
        assert client_of(bob).get(f"/projects/shop/views/{view.token}/").status_code == 404

    def test_who_has_left_shares_nothing(
        self, project: Project, alice: User, bob: User, client_of: ClientOf
    ):
        view = share_view(view=saved(project, bob))
        Membership.objects.filter(user=bob).delete()
        assert client_of(alice).get(f"/projects/shop/views/{view.token}/").status_code == 404

    def test_the_trail_has_each_share_and_each_end_of_it_without_the_token(
        self, project: Project, bob: User
    ):
        view = share_view(view=saved(project, bob))
        share_view(view=view)
        token = view.token
        unshare_view(view=view)
        share_view(view=view)
        delete_view(view=view)
        events = AuditEvent.objects.filter(action__startswith="view.").order_by("sequence")
        assert [event.action for event in events] == [
            "view.shared",
            "view.unshared",
            "view.shared",
            "view.unshared",
        ]
        assert all(event.actor_name == "bob" for event in events)
        assert str(token) not in str([event.changes for event in events])


class TestPages:
    def test_a_page_is_saved_listed_shared_and_deleted(
        self, project: Project, bob: User, client_of: ClientOf
    ):
        client, home = client_of(bob), "/projects/shop/views/"
        builds = client.get(PAGE).content.decode()
        assert "?page=/projects/shop/builds/%3Fservice%3Dapi%26status%3Dfailed" in builds.replace(
            "%2F", "/"
        )
        form = client.get(home, {"page": PAGE}).content.decode()
        assert 'value="/projects/shop/builds/?service=api&amp;status=failed"' in form
        answer = client.post(home, {"name": "<b>mine</b>", "page": PAGE}, follow=True)
        page = answer.content.decode()
        assert "&lt;b&gt;mine&lt;/b&gt;" in page
        assert "<b>mine" not in page
        assert "&lt;b&gt;mine" in client.get(f"{home}menu/").content.decode()
        view = SavedView.objects.get()
        client.post(f"{home}{view.public_id}/share/", {"share": "yes"})
        view.refresh_from_db()
        assert f"http://testserver{home}{view.token}/" in client.get(home).content.decode()
        client.post(f"{home}{view.public_id}/share/", {"share": "no"})
        view.refresh_from_db()
        assert view.token is None
        client.post(f"{home}{view.public_id}/delete/")
        assert "No saved view yet" in client.get(home).content.decode()

    def test_a_refusal_says_why(self, project: Project, bob: User, client_of: ClientOf):
        answer = client_of(bob).post(
            "/projects/shop/views/", {"name": "x", "page": "//evil.example"}
        )
        assert "not the address of a page of this project" in answer.content.decode()
        assert not SavedView.objects.exists()

    def test_views_are_of_their_owner_alone(
        self, project: Project, alice: User, bob: User, carol: User, client_of: ClientOf
    ):
        view = saved(project, bob, "Mine alone")
        home = "/projects/shop/views/"
        for other in (alice, carol):
            client = client_of(other)
            for act in ("share", "delete"):
                assert client.post(f"{home}{view.public_id}/{act}/").status_code == 404
        assert "Mine alone" not in client_of(alice).get(home).content.decode()
        assert client_of(carol).get(home).status_code == 404
        assert client_of(carol).get(f"{home}menu/").status_code == 404
        assert client_of(bob).get(f"{home}{view.public_id}/delete/").status_code == 405

    def test_pages_that_are_not_there_have_no_menu_that_breaks(
        self, project: Project, bob: User, client_of: ClientOf
    ):
        assert client_of(bob).get("/projects/shop/services/none/").status_code == 404

    def test_the_page_costs_the_same_with_many_views(
        self, project: Project, bob: User, client_of: ClientOf, django_assert_max_num_queries: Any
    ):
        for number in range(20):
            share_view(view=saved(project, bob, str(number)))
        client = client_of(bob)
        with django_assert_max_num_queries(6):
            assert client.get("/projects/shop/views/").status_code == 200


class TestApi:
    @pytest.fixture
    def api(self, project: Project, bob: User) -> APIClient:
        client = APIClient()
        client.force_login(bob)
        return client

    def test_views_are_saved_listed_shared_and_deleted(self, api: APIClient, project: Project):
        body = {"name": "Failures", "page": PAGE}
        made = api.post("/api/v1/views/", body, format="json")
        assert (made.status_code, made.json()["page"], made.json()["link"]) == (201, PAGE, None)
        own = f"/api/v1/views/{made.json()['id']}/"
        assert api.post("/api/v1/views/", body, format="json").status_code == 409
        link = api.post(f"{own}share/").json()["link"]
        assert link.startswith("http://testserver/projects/shop/views/")
        assert [view["link"] for view in api.get("/api/v1/views/").json()] == [link]
        assert api.post(f"{own}unshare/").json()["link"] is None
        assert api.delete(own).status_code == 204
        assert api.get("/api/v1/views/?project=shop").json() == []

    def test_other_sites_are_refused(self, api: APIClient, project: Project):
        body = {"name": "x", "page": "https://evil.example/"}
        answer = api.post("/api/v1/views/", body, format="json")
        assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "not_a_page")

    def test_others_views_are_not_there(self, api: APIClient, project: Project, alice: User):
        view = saved(project, alice)
        assert api.get("/api/v1/views/").json() == []
        for answer in (
            api.delete(f"/api/v1/views/{view.public_id}/"),
            api.post(f"/api/v1/views/{view.public_id}/share/"),
        ):
            assert answer.status_code == 404

    def test_tokens_have_no_views(self, project: Project, api_of: Callable[..., APIClient]):
        get_or_create_service(project_id=project.pk, name="api")
        assert api_of(Scope.BUILDS_READ).get("/api/v1/views/").status_code == 403
