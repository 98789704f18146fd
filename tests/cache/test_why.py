"""Why steps ran, on the server: kept, shown, asked for by machines, and to whom."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import User
from builds.models import Build
from cache.explaining import comparable
from cache.models import Explanation, StepReason
from cache.services import explain_next
from cache.tasks import explain_waiting
from ingest.models import IngestPayload
from tests.ingest.sending import progress, send

pytestmark = pytest.mark.django_db

type ClientOf = Callable[[User], Client]


def sent(ci: APIClient, *, hour: int, instruction: str = "RUN make", **extra: Any) -> Build:
    """A build of one step at that hour, as its progress tells it."""
    data = progress(name=f"[build 1/1] {instruction}", **extra).replace(b"T10:", b"T%02d:" % hour)
    answer = send(ci, progress=data)
    assert answer.status_code == 201, answer.content
    return Build.objects.get(public_id=answer.json()["builds"][0]["id"])


@pytest.fixture
def pair(ci: APIClient) -> tuple[Build, Build]:
    """A build, and a later one of which the instruction was edited."""
    return sent(ci, hour=10), sent(ci, hour=11, instruction="RUN make <b>all</b>")


def test_builds_wait_and_are_explained_once(pair: tuple[Build, Build]):
    first, second = pair
    assert Explanation.objects.pending().count() == 2
    explain_waiting()
    assert not explain_next()
    told = Explanation.objects.get(build=second)
    assert (told.state, told.against_id) == ("done", first.pk)
    [reason] = StepReason.objects.filter(build=second)
    assert (reason.cause, reason.first, reason.seconds) == ("instruction", reason.position, 2.0)
    assert reason.evidence == ["RUN make before, RUN make <b>all</b> now"]
    [reason] = StepReason.objects.filter(build=first)
    assert reason.cause == "first"


def test_a_build_of_which_more_comes_is_explained_again(ci: APIClient, pair: tuple[Build, Build]):
    explain_waiting()
    rows = list(StepReason.objects.values_list())
    for payload in IngestPayload.objects.all():
        answer = ci.get(f"/api/v1/ingest/receipts/{payload.public_id}/")
        assert answer.json()["state"] == "done"
    Explanation.objects.update(state="pending")
    explain_waiting()
    assert list(StepReason.objects.values_list()) == rows, "the same records, the same rows"


def test_the_page_tells_and_escapes(client_of: ClientOf, bob: User, pair: tuple[Build, Build]):
    first, second = pair
    page = client_of(bob).get(f"{second.get_absolute_url()}why/").content.decode()
    assert "The instruction changed" in page
    assert "RUN make before, RUN make &lt;b&gt;all&lt;/b&gt; now" in page
    assert first.get_absolute_url() in page
    assert "<b>all" not in page
    answer = client_of(bob).get(f"{second.get_absolute_url()}?tab=why")
    assert answer["Location"] == f"{second.get_absolute_url()}why/"


def test_another_build_can_be_chosen(client_of: ClientOf, bob: User, pair: tuple[Build, Build]):
    _, second = pair
    address = f"{second.get_absolute_url()}why/"
    page = client_of(bob).get(f"{address}?against={second.public_id}").content.decode()
    assert "The instruction changed" not in page
    assert not StepReason.objects.filter(cause="gone").exists(), "a choice is not kept"
    for wrong in ("nothing", "00000000-0000-0000-0000-000000000000"):
        assert client_of(bob).get(f"{address}?against={wrong}").status_code == 404


def test_machines_get_digests_and_words(ci: APIClient, pair: tuple[Build, Build]):
    first, second = pair
    answer = ci.get(f"/api/v1/builds/{second.public_id}/explanation/").json()
    assert (answer["state"], answer["against"]) == ("done", str(first.public_id))
    [step] = answer["steps"]
    assert step["cause"] == "instruction"
    assert step["first"] == step["vertex_digest"] == "sha256:" + "a" * 64
    address = f"/api/v1/builds/{second.public_id}/explanation/?against="
    assert ci.get(f"{address}{first.public_id}").json()["steps"] == answer["steps"]
    assert ci.get(f"{address}nothing").status_code == 404


def test_the_same_builder_comes_first_and_an_unknown_one_may_be_it(ci: APIClient):
    other, unknown, build = (sent(ci, hour=hour) for hour in (10, 11, 12))
    Build.objects.filter(pk=other.pk).update(builder="elsewhere")
    assert list(comparable(build)) == [unknown, other]
    build.builder = "here"
    assert list(comparable(build)) == [unknown, other]
    build.builder = "elsewhere"
    assert list(comparable(build)) == [unknown, other], "the newer of the two"
    Build.objects.filter(pk=unknown.pk).update(builder="here")
    assert list(comparable(build)) == [other, unknown]


def test_strangers_see_nothing(client_of: ClientOf, carol: User, pair: tuple[Build, Build]):
    assert client_of(carol).get(f"{pair[1].get_absolute_url()}why/").status_code == 404


def test_without_records_it_says_so(client_of: ClientOf, bob: User, pair: tuple[Build, Build]):
    IngestPayload.objects.all().delete()
    page = client_of(bob).get(f"{pair[1].get_absolute_url()}why/").content.decode()
    assert "The records of this build are no longer kept" in page
    assert Explanation.objects.get(build=pair[1]).state == "impossible"


def test_what_looks_like_a_secret_is_masked(ci: APIClient, client_of: ClientOf, bob: User):
    sent(ci, hour=10)
    build = sent(ci, hour=11, instruction="RUN curl https://ann:hunter22@example.com/x")
    page = client_of(bob).get(f"{build.get_absolute_url()}why/").content.decode()
    assert "hunter22" not in page
    assert "hunter22" not in str(list(StepReason.objects.values_list("evidence", flat=True)))


def test_a_cached_build_has_nothing_to_explain(ci: APIClient, client_of: ClientOf, bob: User):
    build = sent(ci, hour=10, cached=True)
    page = client_of(bob).get(f"{build.get_absolute_url()}why/").content.decode()
    assert "Every step came from the cache" in page


def test_the_page_costs_the_same_however_many_builds_there_are(
    ci: APIClient, client_of: ClientOf, bob: User, django_assert_max_num_queries: Any
):
    builds = [sent(ci, hour=hour, instruction=f"RUN {hour}") for hour in range(1, 9)]
    explain_waiting()
    client = client_of(bob)
    with django_assert_max_num_queries(14):
        client.get(f"{builds[-1].get_absolute_url()}why/")
