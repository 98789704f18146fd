"""Caches in a real registry with a password: verification, retention, and what is refused."""

import base64
import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from buildkit.caching.references import read_cache, read_config, shared_bytes
from buildkit.registry import (
    Credentials,
    DeletesDisabledError,
    NotFoundError,
    Reference,
    Registry,
    UnauthorizedError,
    UnreachableError,
    WrongContentError,
    credentials_for,
)
from cli import quarantine, records
from cli.cache import expire
from cli.cache.group import cache
from tests.own_registry import OCI, PASSWORD, USER, OwnRegistry, exported, own_registry

pytestmark = pytest.mark.engine

NOW = datetime.now(UTC)
BASE = b"base" * 1000


@pytest.fixture(scope="module")
def own(engine: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnRegistry]:
    with own_registry(tmp_path_factory.mktemp("registry")) as found:
        yield found


@pytest.fixture(autouse=True)
def login(own: OwnRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What ``docker login`` leaves, and a home of the test's own."""
    auth = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    (tmp_path / "config.json").write_text(json.dumps({"auths": {own.host: {"auth": auth}}}))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    monkeypatch.setenv("BUILDINSIGHTS_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def registry(own: OwnRegistry) -> Registry:
    return Registry(own.host, Credentials(USER, PASSWORD))


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cache, arguments)


def test_a_cache_is_read_with_what_it_shares(registry: Registry):
    one = read_cache(registry, exported(registry, "read/one:main", BASE, b"one", days=2))
    two = read_cache(registry, exported(registry, "read/two:main", BASE, b"two!"))
    assert one.bytes == 4000 + 3 + one.blobs[one.config]
    assert one.created_at
    assert abs(datetime.now(UTC) - one.created_at - timedelta(days=2)) < timedelta(minutes=1)
    assert set(shared_bytes([one, two]).values()) == {4000}
    assert [item["blob"] for item in read_config(registry, one)["layers"]] == list(one.layers)
    assert registry.tags("read/one") == ["main"]
    assert registry.tags("read/none") == []


def test_an_image_is_no_cache(registry: Registry):
    reference = exported(registry, "images/app:1", b"layer")
    document = registry.manifest(reference).document
    document["config"]["mediaType"] = "application/vnd.oci.image.config.v1+json"
    registry.put_manifest(reference, json.dumps(document).encode(), OCI)
    with pytest.raises(WrongContentError, match=r"images/app:1: it is no cache of BuildKit"):
        read_cache(registry, reference)
    done = run("verify", "--quarantine", str(reference))
    assert (done.exit_code, "it is no cache of BuildKit" in done.output) == (2, True)
    assert quarantine.quarantined() == {}, "an image is not a broken cache"


def test_each_refusal_says_what_and_where(own: OwnRegistry, registry: Registry):
    reference = exported(registry, "refused/x:main", b"x")
    for wrong in (None, Credentials(USER, "wrong")):
        with pytest.raises(UnauthorizedError, match="refused/x:main") as caught:
            Registry(own.host, wrong).manifest(reference)
        assert "wrong" not in str(caught.value)
    with pytest.raises(NotFoundError, match="refused/y:main"):
        registry.manifest(Reference.parse(f"{own.host}/refused/y:main"))
    with pytest.raises(UnreachableError, match="localhost:1/x"):
        Registry("localhost:1").manifest(Reference.parse("localhost:1/x"))
    other = f"sha256:{hashlib.sha256(b'other').hexdigest()}"
    with pytest.raises(NotFoundError):
        registry.manifest(reference.at(other))
    assert credentials_for(own.host) == Credentials(USER, PASSWORD)
    assert PASSWORD not in repr(credentials_for(own.host))


def test_deletes_that_a_registry_forbids_are_named(tmp_path: Path, engine: str):
    with own_registry(tmp_path, deletes=False) as closed:
        registry = Registry(closed.host, Credentials(USER, PASSWORD))
        reference = exported(registry, "closed/x:main", b"x")
        digest = registry.manifest(reference).digest
        with pytest.raises(DeletesDisabledError, match="lets nobody delete"):
            registry.delete_manifest(reference.at(digest))


def test_a_whole_cache_verifies_and_leaves_quarantine(registry: Registry):
    reference = exported(registry, "verify/whole:main", BASE, b"whole")
    quarantine.put(str(reference), "sha256:before", "corrupt")
    done = run("verify", "--deep", str(reference))
    assert (done.exit_code, "whole, 3 blobs" in done.output) == (0, True)
    assert quarantine.quarantined() == {}


@pytest.mark.parametrize(
    ("deep", "damage", "fault"),
    [
        (True, b"WRONG", "corrupt"),
        (False, b"longer than it was", "wrong size"),
        (False, None, "missing"),
    ],
)
def test_a_broken_blob_is_found_and_the_cache_put_in_quarantine(
    own: OwnRegistry, registry: Registry, *, deep: bool, damage: bytes | None, fault: str
):
    data = f"{fault:<5}"[:5].encode()
    reference = exported(registry, f"verify/{fault.replace(' ', '-')}:main", BASE, data)
    digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
    file = own.blob_file(digest)
    file.unlink() if damage is None else file.write_bytes(damage)
    done = run("verify", *(["--deep"] if deep else []), "--quarantine", "--json", str(reference))
    assert done.exit_code == 1
    [verdict] = json.loads(done.output)
    [problem] = verdict["problems"]
    assert (problem["digest"], problem["fault"]) == (digest, fault)
    assert quarantine.quarantined()[str(reference)].digest == verdict["digest"]
    if deep:
        assert run("verify", str(reference)).exit_code == 0, "its size is right: only reading tells"


def test_a_registry_that_is_away_is_not_a_broken_cache():
    done = run("verify", "--quarantine", "localhost:1/x:main")
    assert done.exit_code == 2
    assert "localhost:1/x:main" in done.output
    assert quarantine.quarantined() == {}


def test_old_caches_go_and_what_a_protected_one_needs_stays(own: OwnRegistry, registry: Registry):
    old = exported(registry, "shop/api:old", BASE, b"old layer", days=40)
    kept = exported(registry, "shop/api:main", BASE, b"main layer", days=90)
    new = exported(registry, "shop/api:new", BASE, b"new layer", days=29)
    dry = run("expire", "--protect", "*:main", "--dry-run", str(new))
    assert "Dry run: 1 of them would go" in dry.output
    assert set(registry.tags("shop/api")) == {"old", "main", "new"}
    done = run("expire", "--protect", "*:main", "--json", str(new))
    told = json.loads(done.output)
    assert [item["references"] for item in told["plan"]] == [[str(old)]]
    assert len(told["removed"]) == 1
    with pytest.raises(NotFoundError):
        registry.manifest(old)
    for reference in (kept, new):
        assert run("verify", "--deep", str(reference)).exit_code == 0
    acts = [json.loads(line) for line in Path("cache-journal.jsonl").read_text().splitlines()]
    assert [(act["action"], act["dry_run"]) for act in acts] == [
        ("expire", True),
        ("expire", False),
    ]


def test_over_the_size_limit_the_least_recently_used_goes(registry: Registry):
    first = exported(registry, "size/api:first", b"a" * 3000, days=3)
    exported(registry, "size/api:second", b"b" * 3000, days=2)
    exported(registry, "size/api:third", b"c" * 3000, days=1)
    done = run("expire", "--max-size", "7kB", str(first))
    assert done.exit_code == 0
    assert "least recently used, over the limit" in done.output
    assert sorted(registry.tags("size/api")) == ["second", "third"]


def test_what_was_exported_anew_meanwhile_stays(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
):
    reference = exported(registry, "race/api:main", b"before", days=40)
    real = expire.plan

    def planned(*arguments: object, **options: object) -> object:
        made = real(*arguments, **options)
        exported(registry, "race/api:main", b"after", days=40)
        return made

    monkeypatch.setattr(expire, "plan", planned)
    done = run("expire", str(reference))
    assert "was exported anew" in done.output
    assert "Removed 0 of 1" in done.output
    assert registry.tags("race/api") == ["main"]


def test_status_tells_size_and_sharing_and_what_is_not_there(registry: Registry):
    one = exported(registry, "status/api:one", BASE, b"one")
    two = exported(registry, "status/api:two", BASE, b"two")
    quarantine.put(str(two), "sha256:two", "corrupt")
    done = run("status", "--json", str(one), str(two), f"{registry.host}/status/none:main")
    first, second, missing = json.loads(done.output)["references"]
    assert (first["shared_bytes"], first["layers"], first["quarantine"]) == (4000, 2, "")
    assert (second["quarantine"], second["last_used_here_at"]) == ("corrupt", None)
    assert (missing["bytes"], missing["error"]) == (None, "the registry does not have it")


def test_a_use_in_the_local_records_counts_as_long_as_caches_are_kept(registry: Registry):
    reference = exported(registry, "used/api:main", b"layer", days=90)
    unused = exported(registry, "used/api:other", b"other", days=90)
    record = records.create(["bake"], Path("/src"))
    begun = NOW - timedelta(days=35)
    vertex = {
        "digest": f"sha256:{'1' * 64}",
        "name": "[1/1] RUN true",
        "started": begun.isoformat(),
        "completed": (begun + timedelta(seconds=2)).isoformat(),
    }
    record.file(records.PROGRESS).write_text(json.dumps({"vertexes": [vertex]}) + "\n")
    record.update(
        started_at=begun.isoformat(),
        targets=["api"],
        cache_to={"api": [f"type=registry,ref={reference},mode=max", "type=registry,ref=No:No:No"]},
    )
    kept = json.loads(run("expire", "--keep-days", "40", "--dry-run", "--json", str(unused)).output)
    assert [item["references"] for item in kept["plan"]] == [[str(unused)]]
    gone = json.loads(run("expire", "--keep-days", "34", "--dry-run", "--json", str(unused)).output)
    assert len(gone["plan"]) == 2


def test_set_up_tries_all_that_caches_need_and_says_how_to_use_it(
    own: OwnRegistry, registry: Registry
):
    reference = f"{own.host}/setup/api:main"
    dry = run("setup", "--dry-run", reference)
    assert (dry.exit_code, registry.tags("setup/api")) == (0, [])
    done = run("setup", reference)
    assert done.exit_code == 0, done.output
    assert f"{own.host}/setup/api: log in and read, push, delete: yes" in done.output
    assert f'cache-to   = ["type=registry,ref={reference},mode=max"]' in done.output
    assert registry.tags("setup/api") == [], "nothing of the probe is left"


def test_set_up_without_a_login_says_what_to_type(
    own: OwnRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "nowhere"))
    done = run("setup", f"{own.host}/setup/web:main")
    assert done.exit_code == 2
    assert f"docker login {own.host}" in done.output


def test_set_up_says_that_a_registry_does_not_delete(
    tmp_path: Path, engine: str, monkeypatch: pytest.MonkeyPatch
):
    folder = tmp_path / "closed"
    folder.mkdir()
    with own_registry(folder, deletes=False) as closed:
        auth = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        config = {"auths": {closed.host: {"auth": auth}}}
        (tmp_path / "config.json").write_text(json.dumps(config))
        done = run("setup", f"{closed.host}/setup/api:main")
    assert done.exit_code == 0, done.output
    assert "delete: no." in done.output
