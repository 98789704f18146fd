"""Operations on caches from the server, in a real registry with a password."""

import hashlib
import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import Project, User
from accounts.roles import Role, Scope
from accounts.services import create_project, set_member_role
from audit.models import AuditEvent
from buildkit.registry import NotFoundError, Reference, Registry
from builds.models import Build, Service
from builds.services import get_or_create_service
from cache import registries, registry_looks
from cache.exceptions import TooManyError
from cache.models import (
    Operation,
    Quarantine,
    ReferenceDay,
    ReferenceSize,
    RegistryDay,
    RetentionPolicy,
    StepReason,
)
from cache.operations import services, working
from cache.operations.expiring import NO_MORE
from cache.operations.plans import Plan
from cache.operations.services import ask_for
from farm.commands import build_command
from farm.endings import finish
from farm.models import Builder, BuildRequest, Source
from farm.queueing import Wish, retry
from farm.services import trigger
from tests.own_registry import OCI, OwnRegistry, exported, known_to_server, own_registry

pytestmark = [pytest.mark.engine, pytest.mark.django_db]

type ClientOf = Callable[[User], Client]

BASE = b"base" * 1000
Kind, State = Operation.Kind, Operation.State


@pytest.fixture(scope="module")
def own(engine: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnRegistry]:
    with own_registry(tmp_path_factory.mktemp("registry")) as found:
        yield found


@pytest.fixture
def registry(own: OwnRegistry, project: Project, settings: Any, tmp_path: Path) -> Registry:
    """The registry, which the server may ask as the project."""
    return known_to_server(own, project.slug, settings, tmp_path)


@pytest.fixture
def service(project: Project) -> Service:
    return get_or_create_service(project_id=project.pk, name="api")


def used(service: Service, reference: Reference | str, *, days: float, exports: int = 1) -> None:
    """Let builds of a service have used a reference last so many days ago."""
    at = timezone.now() - timedelta(days=days)
    ReferenceDay.objects.create(
        project_id=service.project_id,
        service=service,
        day=at.date(),
        reference=str(reference),
        imports=1,
        exports=exports,
        last_import_at=at,
        last_export_at=at if exports else None,
    )


def planned(project: Project, kind: Operation.Kind, actor: Any, **parameters: Any) -> Operation:
    """An operation with its plan, as a worker makes it."""
    made = ask_for(project=project, kind=kind, parameters=parameters, actor=actor)
    working.go_on(made.pk)
    made.refresh_from_db()
    return made


def confirmed(client: Client, operation: Operation) -> Operation:
    """Confirm in the browser, and let a worker do it."""
    answer = client.post(f"{operation.get_absolute_url()}confirm/")
    assert answer.status_code == 302
    working.go_on(operation.pk)
    operation.refresh_from_db()
    return operation


POLICY = {"keep_days": 30, "limit_bytes": 10**10, "protected": ["*:main"]}


def test_retention_removes_what_was_planned_and_nothing_else(
    registry: Registry, project: Project, service: Service, alice: User, client_of: ClientOf
):
    old = exported(registry, "plan/api:old", BASE, b"old layer", days=90)
    main = exported(registry, "plan/api:main", BASE, b"main layer", days=90)
    fresh = exported(registry, "plan/api:fresh", BASE, b"fresh layer", days=90)
    again = exported(registry, "plan/api:again", BASE, b"again layer", days=90)
    for reference, days in ((old, 40), (main, 40), (fresh, 5), (again, 40)):
        used(service, reference, days=days)
    made = planned(project, Kind.EXPIRE, alice, **POLICY)
    assert made.state == State.PLANNED
    assert {row[0] for row in made.plan["rows"]} == {str(old), str(again)}
    assert made.plan["summary"].startswith("2 caches go, and up to ")
    assert set(registry.tags("plan/api")) == {"old", "main", "fresh", "again"}, "only planned"
    exported(registry, "plan/api:again", BASE, b"made anew")
    done = confirmed(client_of(alice), made)
    assert (done.state, done.confirmed_by) == (State.DONE, "alice")
    assert done.outcome.startswith("Removed 1 of 2;")
    assert done.told == [f"{again} {NO_MORE}."]
    assert set(registry.tags("plan/api")) == {"main", "fresh", "again"}
    with pytest.raises(NotFoundError):
        registry.manifest(old)
    trail = AuditEvent.objects.filter(target_id=str(done.public_id)).order_by("sequence")
    assert [(event.action, event.actor_name) for event in trail] == [
        ("cache.operation_requested", "alice"),
        ("cache.operation_confirmed", "alice"),
        ("cache.expire", "buildinsights for alice"),
    ]
    page = client_of(alice).get(done.get_absolute_url()).content.decode()
    assert str(old) in page
    assert NO_MORE in page


def test_only_what_the_project_itself_exported_is_ever_removed(
    registry: Registry, project: Project, service: Service, alice: User, carol: User
):
    names = ("ours", "theirs", "both", "imported", "nobodys")
    made = {name: exported(registry, f"own/api:{name}", name.encode(), days=90) for name in names}
    foreign = exported(registry, "foreign/api:main", b"foreign", days=90)
    elsewhere = create_project(name="Other", owner=carol)
    other = get_or_create_service(project_id=elsewhere.pk, name="x")
    for name in ("ours", "both"):
        used(service, made[name], days=40)
    for name in ("theirs", "both"):
        used(other, made[name], days=60)
    for reference in (made["imported"], foreign):
        used(service, reference, days=40, exports=0)
    found = planned(project, Kind.EXPIRE, alice, **POLICY | {"limit_bytes": 1, "protected": []})
    assert [row[0] for row in found.plan["rows"]] == [str(made["ours"])]


def test_images_stay_and_fill_nobodys_limit(
    registry: Registry, project: Project, service: Service, alice: User
):
    fresh = exported(registry, "mixed/api:cache", b"fresh", days=1)
    image = exported(registry, "mixed/api:latest", b"i" * 100_000, days=90)
    document = registry.manifest(image).document
    document["config"]["mediaType"] = "application/vnd.oci.image.config.v1+json"
    registry.put_manifest(image, json.dumps(document).encode(), OCI)
    for reference in (fresh, image):  # anybody can say that a build exported to an image's tag
        used(service, reference, days=1)
    found = planned(project, Kind.EXPIRE, alice, **POLICY | {"limit_bytes": 50_000})
    assert found.items == []
    old = planned(project, Kind.EXPIRE, alice, **POLICY | {"keep_days": 0, "protected": []})
    assert [row[0] for row in old.plan["rows"]] == [str(fresh)]


@pytest.mark.parametrize("what", ["used", "tagged", "protected", "shared"])
def test_what_has_changed_since_the_plan_is_kept(
    what: str,
    registry: Registry,
    project: Project,
    service: Service,
    alice: User,
    carol: User,
    client_of: ClientOf,
):
    old = exported(registry, f"later-{what}/api:old", what.encode(), days=90)
    used(service, old, days=40)
    made = planned(project, Kind.EXPIRE, alice, **POLICY)
    assert len(made.items) == 1
    if what == "used":
        used(service, old, days=1)
    elif what == "tagged":
        manifest = registry.manifest(old)
        registry.put_manifest(old.tagged("release"), manifest.data, manifest.media_type)
    elif what == "protected":
        RetentionPolicy.objects.create(project=project, protected="*:old")
    else:
        elsewhere = create_project(name="Other", owner=carol)
        used(get_or_create_service(project_id=elsewhere.pk, name="x"), old, days=50)
    done = confirmed(client_of(alice), made)
    assert done.outcome.startswith("Removed 0 of 1;")
    assert done.told == [f"{old} {NO_MORE}."]
    assert registry.manifest(old)


def test_a_plan_of_yesterday_is_not_confirmed(
    registry: Registry, project: Project, service: Service, alice: User, client_of: ClientOf
):
    old = exported(registry, "yesterday/api:old", b"yesterday", days=90)
    used(service, old, days=40)
    made = planned(project, Kind.EXPIRE, alice, **POLICY)
    Operation.objects.update(planned_at=timezone.now() - timedelta(hours=25))
    answer = client_of(alice).post(f"{made.get_absolute_url()}confirm/", follow=True)
    assert "older than a day" in answer.content.decode()
    made.refresh_from_db()
    assert made.state == State.PLANNED


def test_retention_is_enforced_every_night_where_it_is_asked_for(
    registry: Registry, project: Project, service: Service, alice: User, client_of: ClientOf
):
    old = exported(registry, "night/api:old", b"night layer", days=90)
    used(service, old, days=40)
    working.enforce_retention()
    assert not Operation.objects.exists(), "nobody has asked for it"
    answer = client_of(alice).post(
        f"/projects/{project.slug}/cache/operations/policy/",
        {"keep_days": 30, "limit_bytes": "2 GB", "protected": "*:main", "is_enforced": "on"},
    )
    assert answer.status_code == 302
    assert RetentionPolicy.objects.get().limit_bytes == 2 * 10**9
    working.enforce_retention()
    working.enforce_retention()
    [made] = Operation.objects.all()
    working.go_on(made.pk)
    made.refresh_from_db()
    assert (made.state, made.requested_by) == (State.DONE, "buildinsights")
    assert registry.tags("night/api") == []
    working.enforce_retention()
    nothing = Operation.objects.exclude(pk=made.pk).get()
    working.go_on(nothing.pk)
    nothing.refresh_from_db()
    assert (nothing.state, nothing.outcome) == (State.DONE, working.NOTHING)
    actions = set(AuditEvent.objects.values_list("action", flat=True))
    assert {"cache.retention_changed", "cache.expire"} <= actions


def test_access_is_checked_with_the_projects_credentials(
    registry: Registry, project: Project, alice: User, client_of: ClientOf
):
    reference = f"{registry.host}/setup/api:main"
    made = planned(project, Kind.SETUP, alice, reference=reference)
    assert made.plan["summary"].startswith(f"{registry.host}/setup/api: log in and read: yes.")
    assert f'cache-to   = ["type=registry,ref={reference},mode=max"]' in str(made.plan["rows"])
    assert registry.tags("setup/api") == [], "only planned"
    done = confirmed(client_of(alice), made)
    assert done.outcome == f"{registry.host}/setup/api: log in and read, push, delete: yes."
    assert registry.tags("setup/api") == []


def test_a_broken_cache_goes_into_quarantine_and_a_whole_one_leaves_it(
    own: OwnRegistry,
    registry: Registry,
    project: Project,
    service: Service,
    alice: User,
    client_of: ClientOf,
):
    broken = exported(registry, "check/api:broken", BASE, b"to be damaged")
    whole = exported(registry, "check/api:whole", BASE, b"whole")
    nothing = f"{own.host}/check/api:none"
    for reference in (broken, whole):
        used(service, reference, days=1)
    Quarantine.objects.create(project=project, reference=str(whole), digest="sha256:0", reason="x")
    own.blob_file(f"sha256:{hashlib.sha256(b'to be damaged').hexdigest()}").write_bytes(b"x" * 13)
    made = planned(
        project, Kind.VERIFY, alice, references=[str(broken), str(whole), nothing], deep=True
    )
    done = confirmed(client_of(alice), made)
    assert done.outcome == "1 whole, 1 broken, 1 not there."
    [found] = Quarantine.objects.all()
    assert (found.reference, "corrupt" in found.reason) == (str(broken), True)
    assert f"{nothing} has no manifest: nothing was exported yet, or it was removed." in done.told
    page = client_of(alice).get(f"/projects/{project.slug}/cache/references/").content.decode()
    assert "In quarantine" in page
    actions = list(AuditEvent.objects.values_list("action", flat=True))
    assert actions.count("cache.quarantined") == 1
    assert actions.count("cache.quarantine_lifted") == 1


def test_looks_tell_size_age_and_what_is_shared(
    registry: Registry,
    project: Project,
    service: Service,
    alice: User,
    client_of: ClientOf,
    api_of: Callable[..., APIClient],
):
    one = exported(registry, "look/one:main", BASE, b"one", days=2)
    two = exported(registry, "look/two:main", BASE, b"three")
    for reference in (one, two, f"{registry.host}/look/none:main", "elsewhere.example/x:main"):
        used(service, reference, days=1)
    assert registry_looks.due() == [project.pk]
    registry_looks.look(project)
    assert registry_looks.due() == []
    size = ReferenceSize.objects.get(reference=str(one))
    config = len(json.dumps({"layers": [{"blob": "sha256:" + "0" * 64}] * 2, "records": []}))
    assert (size.size_bytes, size.own_bytes, size.layers) == (4000 + 3 + config, 3 + config, 2)
    assert size.made_at
    assert abs((timezone.now() - size.made_at) - timedelta(days=2)) < timedelta(minutes=1)
    day = RegistryDay.objects.get()
    assert (day.host, day.references, day.shared_bytes) == (registry.host, 2, 4000)
    assert day.used_bytes == 4000 + 3 + 5 + 2 * config, "each blob once"
    registry_looks.look(project)
    assert (RegistryDay.objects.count(), ReferenceSize.objects.count()) == (1, 2), "a row a day"
    client = client_of(alice)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        page = client.get(f"/projects/{project.slug}/cache/storage/").content.decode()
    assert len(queries) <= 20
    assert f"Registry {registry.host}" in page
    page = client.get(f"/projects/{project.slug}/cache/references/").content.decode()
    assert "made <time" in page
    api = api_of(Scope.BUILDS_READ)
    references = {row["reference"]: row for row in api.get("/api/v1/cache/references/").json()}
    assert references[str(one)]["own_bytes"] == size.own_bytes
    assert references["elsewhere.example/x:main"]["size_bytes"] is None
    [holder] = api.get("/api/v1/cache/storage/").json()["registries"]
    assert (holder["name"], holder["size_bytes"]) == (registry.host, day.used_bytes)


def test_a_registry_that_is_away_changes_nothing_that_is_known(
    own: OwnRegistry,
    registry: Registry,
    project: Project,
    service: Service,
    alice: User,
    settings: Any,
    client_of: ClientOf,
):
    settings.CACHE_REGISTRIES = [own.host, "localhost:1"]
    used(service, exported(registry, "away/api:main", b"away"), days=1)
    for number in range(3):
        used(service, f"localhost:1/away/api:{number}", days=1)
    registry_looks.look(project)
    known = RegistryDay.objects.get(host=own.host)
    away = RegistryDay.objects.get(host="localhost:1")
    assert (away.used_bytes, "localhost:1/away/api:" in away.problem) == (None, True)
    (Path(settings.REGISTRY_CONFIG_DIR) / project.slug / "config.json").write_text("not json")
    registry_looks.look(project)
    now = RegistryDay.objects.get(host=own.host)
    assert (now.used_bytes, now.references) == (known.used_bytes, known.references)
    assert now.problem
    page = client_of(alice).get(f"/projects/{project.slug}/cache/storage/").content.decode()
    assert page.count("The last look failed") == 2
    assert registry_looks.due() == [], "it is not asked again at once"


def test_only_registries_of_the_list_are_asked(
    project: Project, service: Service, alice: User, settings: Any, monkeypatch: pytest.MonkeyPatch
):
    settings.CACHE_REGISTRIES = ["allowed.example"]
    for reference in ("169.254.169.254/latest:meta", "localhost:5432/x:y", "not a reference"):
        used(service, reference, days=1)
    monkeypatch.setattr(registries.Registry, "__init__", lambda *_: pytest.fail("asked"))
    registry_looks.look(project)
    for kind, parameters in (
        (Kind.EXPIRE, POLICY),
        (Kind.VERIFY, {"references": ["localhost:5432/x:y"], "deep": True}),
        (Kind.REBUILD, {"references": ["localhost:5432/x:y"]}),
    ):
        made = planned(project, kind, alice, **parameters)
        assert (made.state, made.items) == (State.PLANNED, []), kind


def test_an_error_of_the_registry_is_told(
    own: OwnRegistry, project: Project, service: Service, alice: User, settings: Any
):
    settings.CACHE_REGISTRIES = [own.host]
    used(service, f"{own.host}/x:main", days=1)
    made = planned(project, Kind.EXPIRE, alice, **POLICY)
    assert made.state == State.FAILED
    assert "docker login" in made.outcome, "there are no credentials of this project"


def test_a_plan_is_confirmed_once_and_a_canceled_one_never(
    project: Project, service: Service, alice: User, client_of: ClientOf
):
    made = planned(project, Kind.EXPIRE, alice, **POLICY)
    client = client_of(alice)
    answer = client.post(f"{made.get_absolute_url()}confirm/", follow=True)
    assert "Only a plan that has something to do can be confirmed" in answer.content.decode()
    assert client.post(f"{made.get_absolute_url()}cancel/").status_code == 302
    made.refresh_from_db()
    assert made.state == State.CANCELED
    again = client.post(f"{made.get_absolute_url()}cancel/", follow=True)
    assert "can no longer be canceled" in again.content.decode()
    working.go_on(made.pk)
    made.refresh_from_db()
    assert made.state == State.CANCELED


def test_warming_chooses_what_history_says_is_worth_it_and_what_that_needs(
    project: Project, alice: User, client_of: ClientOf, ci: APIClient
):
    made = {name: get_or_create_service(project_id=project.pk, name=name) for name in "abcd"}
    sources = {
        name: Source.objects.create(
            service=made[name], repository_url="https://x.example/y", builder=_builder()
        )
        for name in "abc"
    }
    sources["a"].needs.add(sources["c"])
    for name, seconds in (("a", [30.0, 50.0, 40.0]), ("b", [70.0]), ("d", [90.0, 90.0])):
        for number, lost in enumerate(seconds):
            _lost(made[name], number, lost)
    found = planned(project, Kind.WARM, alice, services=[])
    [first, second] = found.plan["rows"]
    assert first[0] == "a"
    assert first[1].startswith("3 of 4 builds ran steps again that the cache had lost: 2 m 0 s;")
    assert first[1].endswith("one warming takes about 40 s.")
    assert second == ["c", "Needed by another of them."]
    done = confirmed(client_of(alice), found)
    assert done.outcome == "2 builds are queued."
    requests = {item.source: item for item in BuildRequest.objects.all()}
    assert set(requests) == {sources["a"], sources["c"]}
    assert requests[sources["a"]].state == BuildRequest.State.WAITING, "it waits for what it needs"
    assert {item.build.trigger for item in requests.values()} == {"warm"}
    assert {item.requested_by for item in requests.values()} == {"buildinsights for alice"}
    chosen = planned(project, Kind.WARM, alice, services=["b"])
    assert [row[0] for row in chosen.plan["rows"]] == ["b"]


def _lost(service: Service, number: int, seconds: float) -> None:
    """A build in which two steps ran as the entry of the first was gone; once also a good one."""
    at = timezone.now() - timedelta(days=number + 1)
    for is_good in (False, True) if number == 0 else (False,):
        build = Build.objects.create(
            project_id=service.project_id,
            service=service,
            listed_at=at - timedelta(hours=is_good),
            steps_month=at.date().replace(day=1),
            status=Build.Status.SUCCEEDED,
        )
        for position, (cause, share) in enumerate((("gone", 0.25), ("parent", 0.75), ("files", 1))):
            if not is_good:
                StepReason.objects.create(
                    build=build,
                    position=position,
                    service=service,
                    identity=f"step{position}",
                    cause=cause,
                    confidence="high",
                    first=position if cause == "files" else 0,
                    seconds=seconds * share,
                )


def test_what_a_dead_worker_had_is_ended_and_told(project: Project, alice: User):
    made = ask_for(project=project, kind=Kind.EXPIRE, parameters=POLICY, actor=alice)
    started = timezone.now() - timedelta(minutes=50)
    Operation.objects.update(state=State.RUNNING, started_at=started)
    working.wake_waiting()
    made.refresh_from_db()
    assert made.state == State.RUNNING
    Operation.objects.update(started_at=timezone.now() - timedelta(minutes=61))
    working.wake_waiting()
    made.refresh_from_db()
    assert (made.state, made.outcome) == (State.FAILED, working.LOST)


ASKED: list[tuple[str, dict[str, Any]]] = [
    ("expire", {}),
    ("setup", {"reference": "registry.example/team/cache:main"}),
    ("verify", {"references": [], "deep": "on"}),
    ("warm", {"services": []}),
    ("invalidate", {"service": "api", "package": "openssl", "below": "3.0.11"}),
    ("prune", {"builder_name": "", "older_than_days": "30"}),
]


@pytest.mark.parametrize(("kind", "said"), ASKED)
def test_who_may_ask_for_what(
    kind: str,
    said: dict[str, Any],
    project: Project,
    service: Service,
    alice: User,
    bob: User,
    carol: User,
    client_of: ClientOf,
    api_of: Callable[..., APIClient],
    settings: Any,
):
    Source.objects.create(service=service, repository_url="https://x.example/y", builder=_builder())
    settings.CACHE_REGISTRIES = ["registry.example"]
    address = f"/projects/{project.slug}/cache/operations/new/{kind}/"
    for user, code in ((bob, 404), (carol, 404), (alice, 302)):
        assert client_of(user).post(address, said).status_code == code
    assert client_of(alice).get(address).status_code == 200
    assert "Plan an operation" not in _list(client_of(bob), project)
    assert "Plan an operation" in _list(client_of(alice), project)
    body = {"kind": kind, "parameters": said}
    address = "/api/v1/cache/operations/"
    assert api_of(Scope.BUILDS_READ).post(address, body, "json").status_code == 403
    answer = api_of(Scope.CACHE_WRITE, Scope.BUILDS_TRIGGER).post(address, body, "json")
    assert answer.status_code == 201, answer.content
    assert (answer.json()["state"], answer.json()["kind"]) == ("planning", kind)
    reader = api_of(Scope.BUILDS_READ)
    assert len(reader.get(address).json()["results"]) == 2
    one = f"{address}{answer.json()['id']}/"
    assert reader.get(one).status_code == 200
    assert reader.post(f"{one}confirm/").status_code == 403
    assert api_of(Scope.CACHE_WRITE).post(f"{one}confirm/").status_code == 409
    assert api_of(Scope.CACHE_WRITE).post(f"{one}cancel/").json()["state"] == "canceled"
    found = Operation.objects.first()
    assert found is not None
    for verb in ("", "confirm/", "cancel/"):
        assert client_of(carol).post(f"{found.get_absolute_url()}{verb}").status_code == 404


def _list(client: Client, project: Project) -> str:
    return client.get(f"/projects/{project.slug}/cache/operations/").content.decode()


def _builder() -> Builder:
    return Builder.objects.get_or_create(name="")[0]


@pytest.mark.parametrize(
    ("kind", "said", "error"),
    [
        ("nonsense", {}, "kind"),
        ("invalidate", {"service": "nobody"}, "Select a valid choice"),
        ("invalidate", {"service": "api", "package": "x"}, "go together"),
        ("invalidate", {"service": "api", "package": "x", "below": "not a version"}, "below"),
        ("prune", {"builder_name": ""}, "by age, by size, or both"),
        ("prune", {"builder_name": "", "limit_bytes": "much"}, "10 GB, 500 MB"),
        ("rebuild", {}, "required"),
        ("setup", {"reference": "169.254.169.254/x:y"}, "CACHE_REGISTRIES"),
        ("verify", {"references": ["elsewhere.example/x:y"]}, "valid choice"),
    ],
)
def test_what_cannot_be_asked_names_the_place(
    kind: str,
    said: dict[str, Any],
    error: str,
    project: Project,
    service: Service,
    api_of: Callable[..., APIClient],
):
    Source.objects.create(service=service, repository_url="https://x.example/y", builder=_builder())
    body = {"kind": kind, "parameters": said}
    answer = api_of(Scope.CACHE_WRITE).post("/api/v1/cache/operations/", body, "json")
    assert answer.status_code == 400
    assert error in json.dumps(answer.json())
    assert not Operation.objects.exists()


def test_a_shared_builder_is_for_those_who_manage_all_that_build_on_it(
    project: Project,
    service: Service,
    alice: User,
    carol: User,
    client_of: ClientOf,
    api_of: Callable[..., APIClient],
):
    builder = Builder.objects.create(name="shared")
    Source.objects.create(service=service, repository_url="https://x.example/y", builder=builder)
    elsewhere = create_project(name="Other", owner=carol)
    other = get_or_create_service(project_id=elsewhere.pk, name="x")
    Source.objects.create(service=other, repository_url="https://x.example/z", builder=builder)
    address = f"/projects/{project.slug}/cache/operations/new/prune/"
    said = {"builder_name": "shared", "older_than_days": "30"}
    answer = client_of(alice).post(address, said)
    assert answer.status_code == 200
    assert "Other projects build on this builder" in answer.content.decode()
    set_member_role(project=elsewhere, user=alice, role=Role.OPERATOR, actor=carol)
    assert client_of(alice).post(address, said).status_code == 302
    made = Operation.objects.get()
    plan = {"summary": "1 entry", "columns": ["Entry"], "rows": [["RUN their secret"]]}
    Operation.objects.update(
        state=State.PLANNED, plan=plan, items=[["a", 1]], planned_at=timezone.now()
    )
    assert "RUN their secret" in client_of(alice).get(made.get_absolute_url()).content.decode()
    set_member_role(project=elsewhere, user=alice, role=Role.VIEWER, actor=carol)
    answer = client_of(alice).post(f"{made.get_absolute_url()}confirm/", follow=True)
    assert "Other projects build on this builder" in answer.content.decode()
    assert "RUN their secret" not in answer.content.decode()
    api = api_of(Scope.BUILDS_READ).get("/api/v1/cache/operations/").json()["results"]
    assert (api[0]["plan"]["summary"], api[0]["plan"]["rows"]) == ("1 entry", [])
    made.refresh_from_db()
    assert made.state == State.PLANNED


@pytest.mark.parametrize("kind", [Kind.WARM, Kind.REBUILD])
def test_what_starts_builds_takes_the_right_to_start_them(
    kind: Operation.Kind,
    project: Project,
    service: Service,
    alice: User,
    api_of: Callable[..., APIClient],
    settings: Any,
):
    settings.CACHE_REGISTRIES = ["registry.example"]
    Source.objects.create(service=service, repository_url="https://x.example/y", push=True)
    used(service, "registry.example/team/cache:main", days=1)
    chosen: dict[str, Any] = {
        Kind.WARM: {"services": ["api"]},
        Kind.REBUILD: {"references": ["registry.example/team/cache:main"]},
    }[kind]
    body = {"kind": kind.value, "parameters": chosen}
    address = "/api/v1/cache/operations/"
    assert api_of(Scope.CACHE_WRITE).post(address, body, "json").status_code == 403
    both = api_of(Scope.CACHE_WRITE, Scope.BUILDS_TRIGGER, Scope.BUILDS_READ)
    answer = both.post(address, body, "json")
    assert answer.status_code == 201, answer.content
    made = Operation.objects.get()
    working.go_on(made.pk)
    confirm = f"{address}{made.public_id}/confirm/"
    assert api_of(Scope.CACHE_WRITE).post(confirm).status_code == 403
    assert both.post(confirm).status_code == 202
    working.go_on(made.pk)
    [request] = BuildRequest.objects.select_related("build", "source__service")
    assert "--push" not in build_command(request, Path("/tmp")), "for its caches alone"
    made.refresh_from_db()
    assert made.followed == (
        [{"build": request.pk, "references": chosen["references"]}] if kind is Kind.REBUILD else []
    )


def test_operations_of_a_project_do_not_pile_up(project: Project, alice: User):
    for _ in range(services.MOST_OPEN):
        ask_for(project=project, kind=Kind.EXPIRE, parameters=POLICY, actor=alice)
    with pytest.raises(TooManyError):
        ask_for(project=project, kind=Kind.EXPIRE, parameters=POLICY, actor=alice)
    Operation.objects.update(requested_at=timezone.now() - timedelta(hours=25))
    working.wake_waiting()
    assert set(Operation.objects.values_list("state", "outcome")) == {
        (State.FAILED, working.NOBODY)
    }


@pytest.mark.parametrize("is_failed", [False, True])
def test_only_what_was_built_anew_is_verified(
    project: Project, service: Service, alice: User, *, is_failed: bool
):
    source = Source.objects.create(service=service, repository_url="https://x.example/y")
    [request] = trigger(sources=[source], wish=Wish(no_cache=True), actor=alice)
    made = Operation.objects.create(
        project=project,
        kind=Kind.REBUILD,
        state=State.DONE,
        confirmed_by="alice",
        ended_at=timezone.now(),
        followed=[{"build": request.pk, "references": ["registry.example/a:1"]}],
    )
    working.follow_builds()
    assert Operation.objects.count() == 1, "it still runs"
    finish(request, Build.Status.FAILED)
    again = retry(build=request.build, actor=alice)
    working.follow_builds()
    assert Operation.objects.count() == 1, "it is tried again"
    finish(again, Build.Status.FAILED if is_failed else Build.Status.SUCCEEDED)
    working.follow_builds()
    working.follow_builds()
    made.refresh_from_db()
    assert made.followed == []
    checks = Operation.objects.filter(kind=Kind.VERIFY)
    if is_failed:
        assert (list(checks), made.told) == ([], ["api: its build failed."])
    else:
        [check] = checks
        assert check.parameters == {"references": ["registry.example/a:1"], "deep": True}
        assert (check.requested_by, check.confirmed_by) == ("alice", "alice")


def test_secrets_in_a_plan_are_masked():
    secret = "ghp_" + "a1B2" * 9
    made = Plan("1 step", ("Step",), [(f"RUN curl -H 'Authorization: Bearer {secret}'",)])
    assert secret not in json.dumps(made.stored())
