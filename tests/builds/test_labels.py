"""Labels of services: written, read, set, shown, and lists narrowed by them."""

import json

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st
from rest_framework.test import APIClient

from accounts.models import Project, User
from accounts.roles import Role, Scope
from accounts.services import set_member_role
from audit.models import AuditEvent
from builds.labelling import change_labels, set_labels
from builds.labels import MOST_LABELS, BadLabelError, checked, labels_of, read_labels, written
from builds.models import Service
from builds.services import get_or_create_service
from ingest.demo import LABELS, RECORDINGS, label_services

SERVICES = "/api/v1/services/"

KEYS = st.from_regex(r"[a-z0-9]([a-z0-9._/-]{0,61}[a-z0-9])?", fullmatch=True)
VALUES = st.from_regex(r"[A-Za-z0-9._-]([A-Za-z0-9._ -]{0,61}[A-Za-z0-9._-])?", fullmatch=True)
MANY = st.dictionaries(KEYS, VALUES, max_size=MOST_LABELS)


@given(MANY)
def test_what_is_written_is_read_again(labels: dict[str, str]):
    assert checked(labels) == labels
    for sign in (",", "\n", "\r\n", " , "):
        assert read_labels(sign.join(written(labels))) == labels


@given(st.text())
def test_whatever_is_read_is_labels_or_refused(text: str):
    try:
        labels = read_labels(text)
    except BadLabelError:
        return
    assert labels_of(written(labels)) == checked(labels) == labels


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("", {}),
        (" \n,, ", {}),
        ("tier=edge\nteam=payments", {"team": "payments", "tier": "edge"}),
        (" team = Payments EU , team=Payments EU", {"team": "Payments EU"}),
        ("example.com/owned-by=a_b-c.1", {"example.com/owned-by": "a_b-c.1"}),
        ("k=" + "v" * 63, {"k": "v" * 63}),
    ],
)
def test_labels_are_read(text: str, labels: dict[str, str]):
    assert read_labels(text) == labels


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("payments", "“payments” is no label: write key=value."),
        ("=payments", "“” is no key"),
        ("team=", "“” is no value of team"),
        ("Team=x", "“Team” is no key"),
        ("-team=x", "“-team” is no key"),
        ("team/=x", "“team/” is no key"),
        ("k" * 64 + "=x", "is no key"),
        ("team=" + "v" * 64, "is no value of team"),
        ("team=a=b", "“a=b” is no value"),
        ("team=Käse", "“Käse” is no value"),
        ("team=a\tb", "is no value of team"),
        ("team=a\0", "is no value of team"),
        ("team=a, team=b", "“team” has two values: a and b."),
        (",".join(f"k{number}=x" for number in range(21)), "20 labels at most."),
    ],
)
def test_what_is_no_label_is_named(text: str, words: str):
    with pytest.raises(BadLabelError, match=words.replace(".", r"\.")):
        read_labels(text)


@pytest.fixture
def services(project: Project, alice: User) -> dict[str, Service]:
    """Three services, two of a team, one of these at the edge."""
    said = {
        "pay": {"team": "payments", "tier": "edge"},
        "bill": {"team": "payments", "tier": "core"},
        "shop": {"tier": "edge"},
        "plain": {},
    }
    made = {}
    for name, labels in said.items():
        service = get_or_create_service(project_id=project.pk, name=name)
        made[name] = set_labels(service=service, labels=labels, actor=alice)
    return made


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        ({}, ["bill", "pay", "plain", "shop"]),
        ({"team": "payments"}, ["bill", "pay"]),
        ({"team": "payments", "tier": "edge"}, ["pay"]),
        ({"team": "pay"}, []),
        ({"tier": "Edge"}, []),
    ],
)
def test_services_have_all_that_is_asked_for(services, labels, names):
    assert [service.name for service in Service.objects.labelled(labels)] == names


def test_an_index_finds_them(services):
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
    plan = Service.objects.order_by().labelled({"team": "payments"}).explain()
    assert "builds_service_label_ix" in plan


@pytest.mark.parametrize("wrong", [[], ["team=x"], "team", 7])
def test_the_database_keeps_nothing_but_objects(services, wrong):
    with pytest.raises(IntegrityError), transaction.atomic():
        Service.objects.update(labels=wrong)


def test_changes_keep_the_others_and_are_in_the_trail_once(services, alice: User):
    pay = services["pay"]
    changed = change_labels(service=pay, changes={"tier": None, "lang": "go"}, actor=alice)
    assert changed.labels == {"lang": "go", "team": "payments"}
    event = AuditEvent.objects.filter(action="service.labelled").latest("occurred_at")
    assert event.changes == {
        "labels": [{"team": "payments", "tier": "edge"}, {"lang": "go", "team": "payments"}]
    }
    assert (event.target_repr, event.actor_name) == ("pay", "alice")
    known = AuditEvent.objects.count()
    change_labels(service=pay, changes={"gone": None, "lang": "go"}, actor=alice)
    assert AuditEvent.objects.count() == known
    with pytest.raises(BadLabelError):
        change_labels(service=pay, changes={f"k{n}": "x" for n in range(19)}, actor=alice)


class TestApi:
    @pytest.fixture
    def writer(self, api_of) -> APIClient:
        return api_of(Scope.BUILDS_READ, Scope.SERVICES_WRITE)

    def test_they_are_set_changed_and_read(self, services, writer: APIClient):
        path = f"{SERVICES}plain/labels/"
        made = writer.put(path, {"labels": {"team": "web", "tier": "core"}}, format="json")
        assert (made.status_code, made.json()["labels"]) == (200, {"team": "web", "tier": "core"})
        changed = writer.patch(path, {"labels": {"tier": None, "lang": "go"}}, format="json")
        assert changed.json()["labels"] == {"lang": "go", "team": "web"}
        assert writer.patch(path, {}, format="json").json() == changed.json()
        assert writer.get(f"{SERVICES}plain/").json() == changed.json()
        assert writer.put(path, {"labels": {}}, format="json").json()["labels"] == {}

    @pytest.mark.parametrize(
        "labels", [{"Team": "x"}, {"team": ""}, {"team": None}, {"team": "a,b"}, ["x"], None]
    )
    def test_what_is_no_label_is_refused_with_its_place(self, services, writer, labels):
        answer = writer.put(f"{SERVICES}pay/labels/", {"labels": labels}, format="json")
        assert answer.status_code == 400
        assert answer.json()["errors"][0]["attr"].split(".")[0] == "labels"
        services["pay"].refresh_from_db()
        assert services["pay"].labels == {"team": "payments", "tier": "edge"}

    def test_too_many_together_are_refused(self, services, writer: APIClient):
        many = {f"k{number}": "x" for number in range(19)}
        answer = writer.patch(f"{SERVICES}pay/labels/", {"labels": many}, format="json")
        assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "bad_label")

    def test_readers_and_strangers_set_none(
        self, services, api: APIClient, client_of, bob: User, carol: User
    ):
        path, body = f"{SERVICES}pay/labels/", {"labels": {"team": "x"}}
        assert api.put(path, body, format="json").status_code == 403
        assert api.patch(path, body, format="json").status_code == 403
        for person, code in ((bob, 403), (carol, 404)):
            answer = client_of(person).put(path, body, content_type="application/json")
            assert answer.status_code == code
        services["pay"].refresh_from_db()
        assert services["pay"].labels == {"team": "payments", "tier": "edge"}

    @pytest.mark.parametrize(
        ("query", "names"),
        [
            ("label=team=payments", {"pay", "bill"}),
            ("label=team%3Dpayments&label=tier%3Dedge", {"pay"}),
            ("label=team=nobody", set()),
            ("label=", {"pay", "bill", "shop", "plain"}),
        ],
    )
    def test_the_list_is_narrowed(self, services, api: APIClient, query: str, names: set[str]):
        found = api.get(f"{SERVICES}?{query}").json()["results"]
        assert {row["name"] for row in found} == names

    @pytest.mark.parametrize("text", ["payments", "100% p", "%s", "%(x)s=1"])
    def test_a_filter_that_is_no_label_is_refused(self, services, api: APIClient, text: str):
        answer = api.get(SERVICES, {"label": text})
        error = answer.json()["errors"][0]
        assert (answer.status_code, error["attr"]) == (400, "label")
        assert text.partition("=")[0] in error["detail"]


class TestPages:
    LIST = "/projects/shop/services/"

    @pytest.fixture
    def lead(self, project: Project, alice: User, bob: User, client_of) -> Client:
        set_member_role(project=project, user=bob, role=Role.LEAD, actor=alice)
        return client_of(bob)

    def test_leads_set_them_and_see_what_is_wrong_beside_the_field(self, services, lead: Client):
        path = services["plain"].get_absolute_url()
        page = lead.post(path, {"labels": "team=<b>"}).content.decode()
        assert "“&lt;b&gt;” is no value of team" in page
        assert 'id="id_labels_error"' in page
        assert "team=&lt;b&gt;</textarea>" in page

        assert lead.post(path, {"labels": "tier=core\r\nteam=web, lang=go"}).status_code == 302

        services["plain"].refresh_from_db()
        assert services["plain"].labels == {"lang": "go", "team": "web", "tier": "core"}
        page = lead.get(path).content.decode()
        assert 'href="/projects/shop/services/?label=team%3Dweb">team=web</a>' in page
        assert "lang=go\nteam=web\ntier=core</textarea>" in page
        lead.post(path, {"labels": ""})
        services["plain"].refresh_from_db()
        assert services["plain"].labels == {}

    def test_viewers_see_them_and_set_none(self, services, bob: User, client_of):
        browser, path = client_of(bob), services["pay"].get_absolute_url()
        page = browser.get(path).content.decode()
        assert ">team=payments</a>" in page
        assert "Save labels" not in page
        assert browser.post(path, {"labels": ""}).status_code == 404
        services["pay"].refresh_from_db()
        assert services["pay"].labels

    def test_the_list_is_narrowed_and_says_by_what(self, services, alice: User, client_of):
        browser = client_of(alice)
        assert self.names(browser, "") == {"pay", "bill", "shop", "plain"}
        assert self.names(browser, "?label=team=payments") == {"pay", "bill"}
        page = browser.get(f"{self.LIST}?label=team=payments&label=tier=edge").content.decode()
        assert "Label: team=payments, tier=edge" in page
        assert 'value="tier=edge" checked' in page
        assert "No service has these labels" in self.page(browser, "?label=team=nobody")
        assert "is no label: write key=value" in self.page(browser, "?label=nobody")

    def page(self, browser: Client, query: str) -> str:
        return browser.get(f"{self.LIST}{query}").content.decode()

    def names(self, browser: Client, query: str) -> set[str]:
        rows = browser.get(f"{self.LIST}{query}").context["services"]
        return {row["service"].name for row in rows}


def test_the_services_of_the_samples_have_labels(project: Project, alice: User):
    recorded = json.loads((RECORDINGS / "index.json").read_text())["builds"]
    names = {entry["service"] for entry in recorded}
    for name in names:
        get_or_create_service(project_id=project.pk, name=name)

    label_services(project, alice)

    assert set(LABELS) == names
    assert Service.objects.labelled({"team": "shop"}).count() == 2
    assert AuditEvent.objects.filter(action="service.labelled").count() == len(names)
