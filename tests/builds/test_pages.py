"""Pages about builds: whom they open for, and that hostile records do not break them."""

from collections.abc import Callable

import pytest
from django.test import Client

from accounts.models import Project, User
from builds.models import Build, Service
from builds.services import BuildContext, get_or_create_service, record_build
from tests.builds.making import SECOND, START, build, printed, step

pytestmark = pytest.mark.django_db
EVIL = "<script>alert(1)</script>"
TABS = ["timeline", "steps", "log", "source", "layers", "evidence", "nonsense"]


@pytest.fixture
def service(project: Project) -> Service:
    return get_or_create_service(project_id=project.pk, name="shop")


def add(service: Service, number: int = 0) -> Build:
    steps = (
        step(0, 0, 2, name=f"RUN {EVIL}", log=(printed(f"\x1b[31m{EVIL}\x1b[999999mx\n", 1),)),
        step(1, 2, 5 + number),
    )
    decoded = build(*steps, ref=f"ref{number}", started=START + number * 60 * SECOND)
    return record_build(service=service, decoded=decoded, context=BuildContext(ref_name=EVIL))


@pytest.mark.parametrize("page", ["", "{id}/", "{id}/log/", "{id}/compare/"])
def test_members_get_in_and_others_do_not(
    service: Service, alice: User, bob: User, carol: User, client_of, page: str
):
    path = "/projects/shop/builds/" + page.format(id=add(service).public_id)
    assert client_of(alice).get(path).status_code == 200
    assert client_of(bob).get(path).status_code == 200
    assert client_of(carol).get(path).status_code == 404
    answer = Client().get(path)
    assert (answer.status_code, answer["Location"]) == (302, f"/login/?next={path}")


@pytest.mark.parametrize("tab", TABS)
def test_a_tab_escapes_what_the_build_printed(
    service: Service, bob: User, client_of: Callable[[User], Client], tab: str
):
    made = add(service)
    answer = client_of(bob).get(f"{made.get_absolute_url()}?tab={tab}&step=0&q=x")
    assert answer.status_code == 200
    assert EVIL not in answer.content.decode()


@pytest.mark.parametrize(
    "query",
    ["?cursor=cD1oZWxsbw==", "?status=x", "?after=x", "?page_size=x", "?ref_name=%3Cscript%3E"],
)
def test_a_strange_query_is_answered(service: Service, bob: User, client_of, query: str):
    add(service)
    answer = client_of(bob).get(f"/projects/shop/builds/{query}")
    assert answer.status_code == 200
    assert "<script>" not in answer.content.decode()


@pytest.mark.parametrize("against", ["", "x", "00000000-0000-0000-0000-000000000000"])
def test_a_comparison_finds_the_other_build(service: Service, bob: User, client_of, against: str):
    other, made = add(service), add(service, 1)
    answer = client_of(bob).get(f"{made.get_absolute_url()}compare/?against={against}")
    assert answer.status_code == 200
    assert answer.context["before"] == other


def test_the_raw_log_is_plain_text(service: Service, bob: User, client_of):
    answer = client_of(bob).get(f"{add(service).get_absolute_url()}log/")
    assert answer["Content-Type"] == "text/plain; charset=utf-8"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer.getvalue().decode() == f"#0 RUN {EVIL}\n{EVIL}x\n\n"


def test_the_list_costs_the_same_for_one_and_for_many(
    service: Service, bob: User, client_of, django_assert_num_queries
):
    add(service)
    client = client_of(bob)
    client.get("/projects/shop/builds/")
    with django_assert_num_queries(6) as few:
        client.get("/projects/shop/builds/")
    for number in range(1, 11):
        add(service, number)
    with django_assert_num_queries(len(few)):
        client.get("/projects/shop/builds/")
