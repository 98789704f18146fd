"""Checks of users, modes, tools and settings, on images of which each answer is counted by hand."""

import json
import tarfile
from dataclasses import asdict
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buildkit.errors import TooLargeError
from buildkit.model import Material
from supplychain.imagechecks.checking import ImageChecker
from supplychain.imagechecks.model import MOST_EVIDENCE, Status, Subject
from supplychain.reports.model import Severity
from tests.supplychain.images import PASSWD, checks_of, file, folder, link, places

ACCOUNTS = [file("etc/passwd", PASSWD), file("etc/group", "root:x:0:\nstaff:x:50:app\n")]


@pytest.mark.parametrize(
    ("user", "status", "says"),
    [
        ("", "fail", "USER is not set: containers run as root"),
        ("root", "fail", "root is root (UID 0)"),
        ("0", "fail", "0 is root (UID 0)"),
        ("000", "fail", "000 is root (UID 0)"),
        ("0:1000", "fail", "0 is root (UID 0)"),
        (":1000", "fail", "USER is not set: containers run as root"),
        ("toor", "fail", "toor is root (UID 0)"),
        ("nobody", "fail", "nobody is not in /etc/passwd: no container starts"),
        ("app:wheel", "fail", "the group wheel is not in /etc/group: no container starts"),
        ("99999999999", "fail", "99999999999 is no number of a user"),
        ("1000", "pass", "runs as UID 1000"),
        ("10001:10001", "pass", "runs as UID 10001"),
        (
            "10001",
            "pass",
            "runs as UID 10001; in group 0 (root): files of that group may be open to it",
        ),
        (
            "app",
            "pass",
            "runs as app (UID 1000); Kubernetes takes only a number for runAsNonRoot",
        ),
        ("1000:staff", "pass", "runs as UID 1000"),
    ],
)
def test_who_a_container_runs_as(user: str, status: str, says: str):
    found = checks_of({"User": user}, ACCOUNTS)["user"]
    assert (found.status, found.message) == (status, says)
    assert found.severity is Severity.HIGH


def test_a_user_whose_name_is_a_number_is_looked_up_as_docker_does():
    accounts = [file("etc/passwd", "1234:x:0:0::/:/bin/sh\n")]
    assert checks_of({"User": "1234"}, accounts)["user"].message == "1234 is root (UID 0)"


def test_the_last_layer_with_accounts_counts():
    changed = [file("etc/passwd", "app:x:0:0::/:/bin/sh\n")]
    assert checks_of({"User": "app"}, ACCOUNTS, changed)["user"].status is Status.FAIL
    assert checks_of({"User": "app"}, changed, ACCOUNTS)["user"].status is Status.PASS
    removed = checks_of({"User": "app"}, ACCOUNTS, [file("etc/.wh.passwd", "")])["user"]
    assert removed.message == "app is a name without /etc/passwd: no container starts"


def test_accounts_that_cannot_be_read_are_not_guessed():
    found = checks_of({"User": "app", "WorkingDir": "/app"}, [link("etc/passwd", "/run/passwd")])
    assert found["user"].status is Status.UNKNOWN
    assert found["application-writable"].status is Status.UNKNOWN
    large = checks_of({"User": "app"}, [file("etc/passwd", PASSWD + "#" * 300_000)])
    assert large["user"].status is Status.UNKNOWN


def test_setuid_files_of_the_end_are_told_with_their_layer():
    below = [
        file("bin/su", mode=0o4755),
        file("bin/gone", mode=0o4755),
        file("bin/mended", mode=0o4755),
        file("opt/a/deep", mode=0o6755),
        folder("var/mail", 0o2775),
        link("bin/ping", "su"),
    ]
    above = [
        file("bin/.wh.gone", ""),
        file("bin/mended", mode=0o755),
        file(".wh.opt", ""),
        file("bin/wall", mode=0o2755, gid=5),
    ]
    found = checks_of({}, below, above)["setuid"]
    assert (found.status, found.severity, found.count) == ("fail", "MEDIUM", 2)
    assert places(found) == [("/bin/su", "sha256:0"), ("/bin/wall", "sha256:1")]
    first, second = found.evidence
    assert (first.detail, first.instruction) == (
        "setuid, mode 4755, owner 0:0",
        "RUN step 0",
    )
    assert second.detail == "setgid, mode 2755, owner 0:5"


def test_an_opaque_directory_hides_only_what_lies_below_its_layer():
    below = [folder("d", 0o777), file("d/a", mode=0o4755), file("c", mode=0o4755)]
    for above in (
        [file("d/.wh..wh..opq", ""), file("d/b", mode=0o4755)],
        [file("d/b", mode=0o4755), file("d/.wh..wh..opq", "")],
    ):
        assert places(checks_of({}, below, above)["setuid"]) == [
            ("/c", "sha256:0"),
            ("/d/b", "sha256:1"),
        ]


def test_a_file_in_place_of_a_directory_and_back():
    below = [folder("d"), file("d/a", mode=0o4755)]
    assert checks_of({}, below, [file("d")])["setuid"].status is Status.PASS
    again = checks_of({}, [file("d", mode=0o4755)], [file("d/a", mode=0o4755)])["setuid"]
    assert places(again) == [("/d/a", "sha256:1")]


def test_what_everybody_may_write():
    found = checks_of(
        {},
        [
            folder("tmp", 0o1777),
            folder("data", 0o777),
            file("etc/open", mode=0o666),
            file("dev/null", b"", 0o666, type=tarfile.CHRTYPE),
            link("lib", "usr/lib"),
        ],
        [folder("data", 0o777), file("data/own", mode=0o644)],
    )["world-writable"]
    assert places(found) == [("/data", "sha256:0"), ("/etc/open", "sha256:0")]
    assert [item.detail for item in found.evidence] == [
        "directory without sticky bit, mode 0777",
        "file, mode 0666",
    ]


def test_what_its_user_may_write_of_the_application():
    layer = [
        *ACCOUNTS,
        folder("app", uid=1000),
        file("app/main", mode=0o755),
        file("app/group", mode=0o664, gid=50),
        file("app/other", mode=0o644, uid=7),
        file("app/readonly", mode=0o444, uid=1000),
        file("srv/start", mode=0o755, uid=1000),
        folder("data", uid=1000),
        file("application", uid=1000),
    ]
    settings = {"User": "app", "WorkingDir": "/app", "Entrypoint": ["/srv/start", "/data"]}
    found = checks_of(settings, layer)["application-writable"]
    assert (found.status, found.severity) == ("fail", "LOW")
    assert [place for place, _ in places(found)] == ["/app", "/app/group", "/srv/start"]
    assert found.evidence[0].detail == "directory, mode 0755, owner 1000:0, written by UID 1000"
    other = checks_of(settings | {"User": "2000:2000"}, layer)["application-writable"]
    assert other.status is Status.PASS
    root = checks_of({"WorkingDir": "/app"}, layer)["application-writable"]
    assert root.message == "it runs as root, who may write everything"
    assert checks_of({"User": "1"}, layer)["application-writable"].status is Status.UNKNOWN


def test_package_managers_and_shells_of_images_of_production():
    layer = [
        file("usr/bin/apt-get", mode=0o755),
        file("usr/share/bash-completion/completions/apt"),
        file("usr/local/bin/pip3.12", mode=0o755),
        link("bin/sh", "/bin/busybox"),
        link("bin/ash", "dash"),
        file("bin/busybox", mode=0o755),
        file("bin/bash", mode=0o644),
    ]
    assert checks_of({}, layer)["shell"].status == "not-applicable"
    found = checks_of({}, layer, is_production=True)
    managers, shells = found["package-manager"], found["shell"]
    assert [item.detail for item in managers.evidence] == ["apt-get", "pip3.12"]
    assert (managers.severity, shells.severity) == ("MEDIUM", "LOW")
    assert [place for place, _ in places(shells)] == ["/bin/busybox", "/bin/sh"]
    gone = checks_of({}, layer, [file("bin/.wh.busybox", "")], is_production=True)["shell"]
    assert gone.status is Status.PASS


@pytest.mark.parametrize(
    ("health", "status"),
    [
        (None, "fail"),
        ({"Test": ["NONE"]}, "fail"),
        ({"Test": []}, "fail"),
        ({"Test": ["CMD", "/probe"]}, "pass"),
    ],
)
def test_health_checks(health: Any, status: str):
    assert checks_of({"Healthcheck": health})["healthcheck"].status == status


def test_labels_that_are_missing():
    labels = {"org.opencontainers.image.source": "https://a.example", "team": " "}
    found = checks_of({"Labels": labels})["labels"]
    assert found.message == "2 of 3 labels are missing"
    assert [item.place.rpartition(".")[2] for item in found.evidence] == ["revision", "version"]
    assert checks_of({"Labels": labels}, labels=("team",))["labels"].status is Status.FAIL


@pytest.mark.parametrize(
    ("reference", "status", "says"),
    [
        ("app", "fail", "it has no tag, which means latest"),
        ("localhost:5000/app", "fail", "it has no tag, which means latest"),
        ("app:latest", "fail", "its tag is latest"),
        ("app:1.2", "pass", "its tag is 1.2"),
        (f"app:latest@sha256:{'a' * 64}", "pass", "named by digest"),
        ("", "unknown", "it was not asked for by a name"),
        ("No Name", "unknown", "it was not asked for by a name"),
    ],
)
def test_tags(reference: str, status: str, says: str):
    found = checks_of({}, reference=reference)["tag"]
    assert (found.status, found.message) == (status, says)


def test_bases_are_known_from_provenance_alone():
    def base(*uris: str) -> tuple[str, str]:
        materials = tuple(Material(uri, f"sha256:{'a' * 64}") for uri in uris)
        found = checks_of({}, materials=materials)["base-pinned"]
        return found.status, found.message

    pinned = f"pkg:docker/alpine@3?digest=sha256:{'a' * 64}&platform=linux%2Famd64"
    loose = "pkg:docker/localhost:5000/library/busybox@1?platform=linux%2Famd64"
    frontend = "pkg:docker/docker/dockerfile-upstream@master"
    assert base(pinned, frontend) == ("pass", "all of 1 bases are pinned")
    assert base(pinned, loose) == ("fail", "1 of 2 bases are named by tag alone")
    assert base("https://a.example/x.tar") == ("pass", "its provenance names no base")
    assert checks_of({})["base-pinned"].status is Status.UNKNOWN


@pytest.mark.parametrize(
    ("user", "ports", "status"),
    [
        ("1000", ["80/tcp", "8080/tcp"], "fail"),
        ("1000", ["1023"], "fail"),
        ("1000", ["1024/tcp"], "pass"),
        ("", ["80/tcp"], "pass"),
        ("app", ["80/tcp"], "fail"),
        ("1000", ["http"], "pass"),
    ],
)
def test_ports(user: str, ports: list[str], status: str):
    settings = {"User": user, "ExposedPorts": {port: {} for port in ports}}
    assert checks_of(settings, ACCOUNTS)["ports"].status == status


def test_ports_of_a_user_who_cannot_be_told():
    found = checks_of({"User": "x", "ExposedPorts": {"80": {}}})["ports"]
    assert found.status is Status.UNKNOWN


def test_evidence_is_bounded_and_counted():
    many = [file(f"bin/{number:04}", mode=0o4755) for number in range(300)]
    found = checks_of({}, many)["setuid"]
    assert (found.count, len(found.evidence)) == (300, MOST_EVIDENCE)


def test_what_is_kept_is_bounded(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("supplychain.imagechecks.filesystem.MOST_NODES", 100)
    assert checks_of({}, [file(f"a/{number}") for number in range(300)])["setuid"]
    with pytest.raises(TooLargeError, match="more than 100 files that matter"):
        checks_of({}, [file(f"a/{number}", mode=0o4755) for number in range(300)])


def test_removals_are_bounded(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("supplychain.imagechecks.filesystem.MOST_VISITS", 50)
    below = [file(f"a/{number}", mode=0o4755) for number in range(30)]
    with pytest.raises(TooLargeError, match="removals look at more than 50"):
        checks_of({}, below, [file("a/.wh..wh..opq", "")] * 3)


KEYS = st.sampled_from(
    [
        "User",
        "Env",
        "Labels",
        "ExposedPorts",
        "Healthcheck",
        "Test",
        "WorkingDir",
        "Entrypoint",
        "Cmd",
        "config",
        "history",
        "created_by",
        "empty_layer",
        "annotations",
    ]
)
WORDS = st.one_of(
    st.text(max_size=20),
    st.sampled_from(["0", "app:", "/", "TOKEN=a b", "|1 A=b", "RUN |2 TOKEN=x", "80/tcp", "-1"]),
)
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), WORDS),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(KEYS, inner, max_size=5)),
    max_leaves=25,
)
DOCUMENTS = st.dictionaries(KEYS, VALUES, max_size=6)


@given(config=DOCUMENTS, settings=DOCUMENTS, manifest=DOCUMENTS, reference=WORDS)
def test_no_configuration_makes_it_fail(
    config: dict[str, Any], settings: dict[str, Any], manifest: dict[str, Any], reference: str
):
    for document in (config, config | {"config": settings}):
        subject = Subject(document, manifest, reference, is_production=True)
        checks = ImageChecker(subject).checked().checks
        assert len({check.id for check in checks}) == len(checks) == 16
        json.dumps([asdict(check) for check in checks], allow_nan=False)


@given(
    names=st.lists(st.sampled_from(["a", "a/b", "a/.wh.b", ".wh.a", "a/.wh..wh..opq"]), max_size=6),
    modes=st.lists(st.sampled_from([0o644, 0o4755, 0o777]), min_size=6, max_size=6),
)
def test_the_end_is_what_an_independent_count_says(names: list[str], modes: list[int]):
    """Layers of one name each; a plain dictionary is kept beside."""
    known: dict[str, int] = {}
    layers = []
    for name, mode in zip(names, modes, strict=False):
        layers.append([file(name, "", mode)])
        gone = {
            "a/.wh.b": ("a/b",),
            ".wh.a": ("a", "a/b"),
            "a/.wh..wh..opq": ("a/b",),
            "a": ("a/b",),
            "a/b": ("a",),
        }
        for path in gone[name]:
            known.pop(path, None)
        if ".wh." not in name:
            known[name] = mode
    found = checks_of({}, *layers)["setuid"]
    expected = sorted(f"/{path}" for path, mode in known.items() if mode == 0o4755)
    assert sorted(item.place for item in found.evidence) == expected
