"""The builder's side of the cache commands: quarantine, plans, and what is told and noted."""

import hashlib
import json
import stat
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from buildkit.bake import CacheSpec, Plan, Target, read_plan
from buildkit.caching import removing
from buildkit.caching.installing import Bound
from buildkit.caching.removing import Removed
from buildkit.caching.usage import Entry, Usage
from buildkit.caching.versions import Ecosystem
from cli import building, journal, mending, quarantine, removals
from cli.building import Asked, run_batches
from cli.cache import entries, invalidate, prune, rebuild
from cli.cache.warm import in_waves
from cli.errors import UsageError
from cli.main import main
from cli.records import Record
from cli.running import Done, Ended

PLAN = read_plan(
    json.dumps(
        {
            "target": {
                "api": {
                    "contexts": {"base": "target:base"},
                    "cache-from": [
                        {"type": "registry", "ref": "r.example/api:main"},
                        {"type": "gha", "scope": "api"},
                    ],
                },
                "base": {"cache-from": [{"type": "registry", "ref": "r.example/base:main"}]},
                "web": {"contexts": {"base": "target:base"}},
            },
            "group": {"default": {"targets": ["api", "web"]}},
        }
    )
)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BUILDINSIGHTS_HOME", str(tmp_path))
    return tmp_path


def test_a_quarantine_is_kept_private_and_keeps_its_time(home: Path):
    first = quarantine.put("r.example/api:main", "sha256:a", "blob missing")
    quarantine.put("r.example/web:main", "sha256:b", "corrupt")
    again = quarantine.put("r.example/api:main", "sha256:a", "still missing")
    assert again.since == first.since
    assert quarantine.quarantined()["r.example/api:main"].reason == "still missing"
    file = home / quarantine.FILE
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert quarantine.lift("r.example/api:main") == again
    assert set(quarantine.quarantined()) == {"r.example/web:main"}
    assert quarantine.lift("r.example/api:main") is None
    assert [path.name for path in home.iterdir()] == [quarantine.FILE]


def test_a_quarantine_that_cannot_be_read_fails_no_build(home: Path):
    for text in ("", "{}", "[1]", '[{"reference": "a", "more": 1}]'):
        (home / quarantine.FILE).write_text(text)
        assert quarantine.quarantined() == {}


def test_other_caches_of_a_target_are_still_imported():
    given = ("*.platform=linux/amd64", "api.cache-from=type=registry,ref=r.example/api:main")
    made = mending.without_imports(PLAN, {"r.example/api:main"}, given)
    assert made == (
        "*.platform=linux/amd64",
        "api.cache-from=type=gha,scope=api",
        "base.cache-from=type=registry,ref=r.example/base:main",
    )
    only = mending.without_imports(PLAN, {"r.example/base:main"}, ())
    assert "base.cache-from=" in only
    assert mending.without_imports(PLAN, {"r.example/other:1"}, given) == given


LAYER, OTHER = f"sha256:{'2f' * 32}", f"sha256:{'8b' * 32}"


@pytest.mark.parametrize(
    "text",
    [
        "ERROR: failed to solve: failed to compute cache key: failed to copy: httpReadSeeker: "
        f"failed open: could not fetch content descriptor {LAYER} from remote: not found",
        f'failed commit on ref "layer-{LAYER}": commit failed: unexpected commit digest '
        f"{OTHER}, expected {LAYER}: failed precondition",
        f"content digest {LAYER}: not found",
    ],
)
def test_the_cache_that_lists_what_a_build_failed_for_is_put_in_quarantine(
    text: str, monkeypatch: pytest.MonkeyPatch
):
    manifests = {"r.example/base:main": f'{{"digest": "{LAYER}"}}', "r.example/api:main": "{}"}
    monkeypatch.setattr(mending, "plan_of", lambda *_: PLAN)
    monkeypatch.setattr(mending, "_manifest", manifests.get)
    overrides = mending.without_broken(f"first\n{text}\nlast", (), ["api"], ())
    assert overrides == (
        "api.cache-from=type=registry,ref=r.example/api:main",
        "api.cache-from=type=gha,scope=api",
        "base.cache-from=",
    )
    [known] = quarantine.quarantined().values()
    assert (known.reference, known.reason) == ("r.example/base:main", text)
    digest = hashlib.sha256(manifests["r.example/base:main"].encode()).hexdigest()
    assert known.digest == f"sha256:{digest}"


def test_a_build_fails_for_content_that_no_cache_lists(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(mending, "plan_of", lambda *_: PLAN)
    monkeypatch.setattr(mending, "_manifest", {"r.example/api:main": OTHER}.get)
    text = f"content digest {LAYER}: not found"
    assert mending.without_broken(text, (), ["api"], ()) is None
    assert quarantine.quarantined() == {}


def test_a_definition_that_is_wrong_is_left_for_bake_to_say(monkeypatch: pytest.MonkeyPatch):
    def refuse(*_: object) -> Plan:
        raise UsageError("no such target")

    monkeypatch.setattr(mending, "plan_of", refuse)
    assert mending.without_quarantined((), ["api"], ("a=b",)) == ("a=b",)
    assert mending.without_broken(f"content digest {LAYER}: not found", (), ["api"], ()) is None


def test_a_cache_that_was_exported_anew_is_imported_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(mending, "plan_of", lambda *_: PLAN)
    monkeypatch.setattr(mending, "_manifest", {"r.example/api:main": "new"}.get)
    quarantine.put("r.example/api:main", "sha256:of-the-old", "missing")
    assert mending.without_quarantined((), ["api"], ()) == ()
    assert "exported anew: no longer in quarantine" in capsys.readouterr().err
    assert quarantine.quarantined() == {}


def test_other_failures_look_at_no_cache(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(mending, "plan_of", None)
    text = 'process "/bin/sh -c npm ci" did not complete successfully: exit code: 1'
    assert mending.without_broken(text, (), ["api"], ()) is None


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., list[list[str]]]:
    """Let runs of Bake end as given; return the commands."""

    def with_ends(*ends: Ended) -> list[list[str]]:
        commands: list[list[str]] = []

        def run(command: list[str], fields: dict[str, str], *, plain: bool) -> Done:
            commands.append(command)
            return Done(Record(tmp_path), ends[len(commands) - 1], {})

        monkeypatch.setattr(building, "_run", run)
        return commands

    return with_ends


def test_a_build_that_a_cache_failed_runs_once_more_without_it(ran: Any, monkeypatch):
    failed, done = Ended("failed", 1, "httpReadSeeker"), Ended("succeeded", 0, "")
    monkeypatch.setattr(mending, "without_broken", lambda *_: ("api.cache-from=",))
    commands = ran(failed, done, done)
    runs = run_batches(Asked(("a.hcl",), flags=("--load",)), [["api"], ["web"]])
    assert [run.ended.exit_code for run in runs] == [1, 0, 0]
    assert commands == [
        ["bake", "--file=a.hcl", "--load", "api"],
        ["bake", "--file=a.hcl", "--set=api.cache-from=", "--load", "api"],
        ["bake", "--file=a.hcl", "--set=api.cache-from=", "--load", "web"],
    ]


def test_a_build_runs_once_more_and_not_twice(ran: Any, monkeypatch: pytest.MonkeyPatch):
    failed = Ended("failed", 1, "httpReadSeeker")
    monkeypatch.setattr(mending, "without_broken", lambda *_: ())
    assert len(ran(failed, failed)) == 0
    assert len(run_batches(Asked(()), [["api"], ["web"]])) == 2


def test_without_a_quarantine_bake_starts_at_once(ran: Any, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(mending, "plan_of", None)
    commands = ran(Ended("succeeded", 0, ""))
    run_batches(Asked(()), [["api"]])
    assert commands == [["bake", "api"]]


def test_a_quarantined_cache_is_not_imported_and_that_is_said(
    ran: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(mending, "plan_of", lambda *_: PLAN)
    monkeypatch.setattr(mending, "_manifest", {}.get)
    quarantine.put("r.example/base:main", "sha256:0", "blob sha256:1 missing")
    commands = ran(Ended("succeeded", 0, ""))
    run_batches(Asked(()), [["api"]])
    assert "--set=base.cache-from=" in commands[0]
    said = capsys.readouterr().err
    assert "Not importing r.example/base:main: in quarantine since 20" in said
    assert "blob sha256:1 missing" in said


def test_targets_are_warmed_with_what_they_need_and_after_it():
    assert in_waves(PLAN, ["web"]) == [("base",), ("web",)]
    assert in_waves(PLAN, ["api", "web"]) == [("base",), ("api", "web")]
    assert in_waves(Plan({}, {}), []) == []


OLD = Entry(
    id="a" * 25,
    parents=(),
    type="regular",
    description="[2/2] COPY a b",
    bytes=2_000_000,
    created_at=datetime.now(UTC) - timedelta(days=50),
    last_used_at=datetime.now(UTC) - timedelta(days=40),
    usage_count=1,
    in_use=False,
    shared=False,
    mutable=False,
)


@pytest.fixture
def builder(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """A builder with an old and a new entry, of which the old one comes into use meanwhile."""
    new = replace(OLD, id="b" * 25, last_used_at=datetime.now(UTC))
    calls: list[list[str]] = []

    def remove(chosen: list[Entry]) -> Removed:
        calls.append([entry.id for entry in chosen])
        return Removed((), tuple(chosen))

    monkeypatch.setattr(prune, "usage", lambda: Usage((OLD, new)))
    monkeypatch.setattr(prune, "remove", remove)
    return calls


def test_a_dry_run_removes_nothing_and_is_noted(builder: list[list[str]], home: Path):
    said = CliRunner().invoke(prune.prune, ["--older-than", "30d", "--dry-run"])
    assert said.exit_code == 0, said.output
    assert "1 entries, 2.0 MB freed" in said.output
    assert "Of 1 of them the local records know no worth" in said.output
    assert "Dry run: nothing was removed" in said.output
    assert builder == []
    [line] = (home / "cache-journal.jsonl").read_text().splitlines()
    assert (json.loads(line)["action"], json.loads(line)["dry_run"]) == ("prune", True)


def test_what_came_into_use_meanwhile_is_said(builder: list[list[str]]):
    said = CliRunner().invoke(prune.prune, ["--max-used-space", "2MB", "--json"])
    told = json.loads(said.output)
    assert builder == [[OLD.id]]
    assert [item["id"] for item in told["plan"]] == [OLD.id]
    assert told["removed"] == []
    assert told["in_use_meanwhile"] == [OLD.id]


@pytest.mark.parametrize("options", [[], ["--older-than", "soon"], ["--max-used-space", "much"]])
def test_a_prune_must_say_what_may_go(options: list[str], builder: list[list[str]]):
    assert CliRunner().invoke(prune.prune, options).exit_code == 2
    assert builder == []


def test_ids_are_removed_by_one_filter_and_nothing_else(monkeypatch: pytest.MonkeyPatch):
    calls: list[tuple[str, ...]] = []

    def buildx(*arguments: str, timeout: float) -> str:
        calls.append(arguments)
        return f"ID\t\tRECLAIMABLE\n{'a' * 25}*   \ttrue \t8kB\nTotal:\t8kB\n"

    monkeypatch.setattr(entries, "buildx", buildx)
    monkeypatch.setattr(removing, "PAUSES", (0.0, 0.0))
    other = replace(OLD, id="b" * 25, shared=True)
    done = entries.remove([OLD, other])
    ids = f"{'a' * 25}|{'b' * 25}"
    assert calls == [
        ("prune", "--all", "--force", f"--filter=id=/^({ids})$/"),
        ("prune", "--all", "--force", f"--filter=id=/^({'b' * 25})$/"),
    ], "what was in use a moment ago is asked for once more"
    assert (done.gone, done.kept, done.freed_bytes) == ((OLD,), (other,), 2_000_000)
    assert entries.remove([]) == Removed((), ())
    assert len(calls) == 2, "without an id nothing is called: a filter of none would take all"


def test_an_act_is_told_where_the_journal_cannot_be_written(
    home: Path, capsys: pytest.CaptureFixture[str]
):
    (home / journal.FILE).mkdir()
    journal.note("prune", "builder", dry_run=False, outcome="Removed.", details={})
    assert "This act is not in the journal" in capsys.readouterr().err


def test_the_journal_is_of_its_owner_alone_and_only_grows(home: Path):
    journal.note("warm", "api", dry_run=False, outcome="succeeded", details={"targets": ["api"]})
    journal.note("prune", "builder", dry_run=True, outcome="planned", details={})
    file = home / journal.FILE
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    first, second = map(json.loads, file.read_text().splitlines())
    assert (first["action"], first["target"], first["outcome"]) == ("warm", "api", "succeeded")
    assert first["details"] == {"targets": ["api"]}
    assert (second["action"], second["dry_run"]) == ("prune", True)
    assert first["at"] <= second["at"]


def test_every_command_that_help_lists_is_there():
    said = CliRunner().invoke(main, ["cache", "--help"])
    assert said.exit_code == 0
    for name in ("invalidate", "prune", "rebuild", "warm"):
        assert f"  {name} " in said.output
        assert CliRunner().invoke(main, ["cache", name, "--help"]).exit_code == 0
    assert CliRunner().invoke(main, ["cache", "melt"]).exit_code == 2


def test_a_rebuild_without_a_registry_cache_is_refused_and_a_dry_run_touches_none(
    monkeypatch: pytest.MonkeyPatch, home: Path
):
    exporting = [{"type": "registry", "ref": "r.example/api:main", "mode": "max"}, {"type": "gha"}]
    document = {"target": {"api": {"cache-to": exporting}, "web": {}}}
    monkeypatch.setattr(rebuild, "plan_of", lambda *_: read_plan(json.dumps(document)))
    said = CliRunner().invoke(rebuild.rebuild, ["web"])
    assert said.exit_code == 2
    assert "no cache-to of type registry" in said.output
    said = CliRunner().invoke(rebuild.rebuild, ["api", "--dry-run"])
    assert (said.exit_code, said.output) == (0, "would make anew: r.example/api:main\n")
    [line] = (home / journal.FILE).read_text().splitlines()
    assert (json.loads(line)["action"], json.loads(line)["dry_run"]) == ("rebuild", True)


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        (("openssl", "", None), "--package and --below go together"),
        (("", "3.0", None), "--package and --below go together"),
        (("", "", "deb"), "--ecosystem goes with --package"),
        (("openssl", "3.0-1~deb12", "npm"), "--below: '3.0-1~deb12' is no version of npm"),
        (("openssl", "soon", None), "--below: 'soon' is no version of npm"),
    ],
)
def test_half_a_package_or_no_version_is_refused(given: tuple[str, str, str | None], problem: str):
    with pytest.raises(UsageError, match=problem):
        invalidate.bound_of(*given)


def test_a_package_may_be_of_one_ecosystem_or_of_any():
    assert invalidate.bound_of("a", "2", "deb") == Bound("a", "2", Ecosystem.DEB)
    assert invalidate.bound_of("a", "2", None) == Bound("a", "2")
    assert invalidate.bound_of("", "", None) is None


def test_only_entries_that_acts_removed_from_the_builder_are_told(home: Path):
    details = [
        ("prune", removals.noted([OLD])),
        ("expire", {"removed": ["sha256:0"]}),
        ("invalidate", {"removed": ["an id alone, as older journals have it"]}),
    ]
    for action, said in details:
        journal.note(action, "x", dry_run=False, outcome="done", details=said)
    journal.note("prune", "x", dry_run=True, outcome="planned", details=removals.noted([OLD]))
    with (home / journal.FILE).open("a") as file:
        file.write('{"action": "cut')
    now = time.time_ns()
    [told] = removals.removals(now - 10**10, now + 10**10)
    assert told.description == OLD.description
    assert told.text.startswith("`cache prune` removed its entry at ")
    assert list(removals.removals(now + 10**10, now + 2 * 10**10)) == []


def test_a_quarantine_is_found_however_the_bake_file_writes_the_name(
    home: Path, monkeypatch: pytest.MonkeyPatch
):
    target = Target("api", cache_from=(CacheSpec("registry", {"ref": "localhost:5000/shop/api"}),))
    monkeypatch.setattr(mending, "plan_of", lambda *_: Plan({"api": target}, {}))
    monkeypatch.setattr(mending, "buildx", lambda *_, **__: "{}")
    quarantine.put("localhost:5000/shop/api:latest", mending._digest_of("{}"), "corrupt")
    assert mending.without_quarantined((), ("api",), ()) == ("api.cache-from=",)
