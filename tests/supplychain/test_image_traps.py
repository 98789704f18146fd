"""Images that are easy to get wrong: Windows, capabilities, hard links, and half-read ones."""

import json
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from buildkit.imagefiles import ImageFiles, StoredLayer
from buildkit.layers import LayerLimits
from supplychain.imagechecks.checking import Checked, check_image
from supplychain.imagechecks.masking import MASK
from supplychain.imagechecks.model import Check, Subject
from tests.buildkit.archives import archive
from tests.supplychain.images import PASSWD, Member, checks_of, file, folder, link, places

CAPABLE = {"pax_headers": {"SCHILY.xattr.security.capability": "\1\0\0\2\0\4\0\0"}}
SECRET = "ghp_" + "c3D4" * 9


def checked(
    *layers: bytes, limits: LayerLimits | None = None, user: str = "1000", **fields: Any
) -> Checked:
    """Check an image of such stored layers."""

    def opened(data: bytes) -> Iterator[bytes]:
        yield data

    stored = tuple(
        StoredLayer(f"sha256:{number}", partial(opened, data)) for number, data in enumerate(layers)
    )
    history = [{"created_by": f"RUN step {number}"} for number in range(len(layers))]
    config = {"config": {"User": user}, "history": history}
    files = ImageFiles("linux/amd64", stored, ("",) * len(layers), config)
    return check_image(files, Subject(config, **fields), limits)


def by_id(found: Checked) -> dict[str, Check]:
    return {check.id: check for check in found.checks}


def tar(*members: Member) -> bytes:
    return archive(*members)


def test_a_file_with_capabilities():
    ping = file("bin/ping", mode=0o755, **CAPABLE)
    found = checks_of({}, [ping])["setuid"]
    assert (found.status, found.severity) == ("fail", "LOW")
    assert found.message == "1 files are setuid, setgid or have capabilities"
    assert found.evidence[0].detail == "capabilities, mode 0755, owner 0:0"
    assert checks_of({}, [ping], [file("bin/ping", mode=0o755)])["setuid"].status == "pass"


def test_a_hard_link_is_setuid_as_what_it_is_another_name_of():
    first = file("bin/su", mode=0o4755)
    other = file("bin/other", b"", 0o4755, type=b"1", linkname="bin/su")
    found = checks_of({}, [first, other], [file("bin/.wh.su")])["setuid"]
    assert places(found) == [("/bin/other", "sha256:0")]


@pytest.mark.parametrize(
    ("user", "status"),
    [
        ("", "unknown"),
        ("ContainerUser", "pass"),
        ("ContainerAdministrator", "fail"),
        ("NT AUTHORITY\\Administrator", "fail"),
        ("app", "unknown"),
    ],
)
def test_windows_has_no_modes_and_users_of_its_own(user: str, status: str):
    config = {"os": "windows", "config": {"User": user, "ExposedPorts": {"80/tcp": {}}}}
    files = ImageFiles("windows/amd64", (), (), config)
    found = by_id(check_image(files, Subject(config, is_production=True)))
    assert found["user"].status == status
    for name in ("setuid", "world-writable", "application-writable", "shell", "ports"):
        assert found[name].status == "not-applicable", name
    assert found["secret-in-layers"].status == "pass"


@pytest.mark.parametrize(
    ("limits", "problem"),
    [
        (LayerLimits(bytes=1_000), "unpacks to more than 1000 bytes"),
        (LayerLimits(entries=1), "more than 1 entries"),
        (LayerLimits(seconds=-1), "took longer than"),
    ],
)
def test_what_is_not_all_read_passes_nothing_that_takes_files(limits: LayerLimits, problem: str):
    found = checked(tar(file("a"), file("b"), file("bin/su", mode=0o4755)), limits=limits)
    assert problem in found.problem
    checks = by_id(found)
    for name in ("user", "setuid", "world-writable", "secret-in-layers"):
        assert checks[name].status == "unknown", name
        assert problem in checks[name].message
    assert checks["secret-in-env"].status == checks["ports"].status == "pass"
    assert checks["healthcheck"].status == "fail"
    assert found.facts.uid is None


def test_what_was_found_before_the_end_is_told_but_for_what_a_later_layer_may_undo():
    layers = tar(file("bin/su", mode=0o4755), file("x", SECRET)), b"no archive" * 100
    found = checked(*layers, user="")
    checks = by_id(found)
    assert (checks["user"].status, checks["secret-in-layers"].status) == ("fail", "fail")
    assert checks["secret-in-layers"].evidence[0].instruction == "RUN step …"
    assert (checks["setuid"].status, places(checks["setuid"])) == (
        "unknown",
        [("/bin/su", "sha256:0")],
    )
    assert [item.digest for item in found.facts.layers] == ["sha256:0", "sha256:1"]


def test_names_that_lead_out_of_the_image_end_the_reading():
    for name in ("../../etc/passwd", "a/" * 3_000):
        assert by_id(checked(tar(file("a"), file(name))))["setuid"].status == "unknown"


def test_an_id_of_the_engine_is_no_name():
    for name in ("4044ce5e5ae3", "sha256:" + "a" * 64):
        assert checks_of({}, reference=name)["tag"].status == "unknown"
    assert checks_of({}, reference="cafe")["tag"].status == "fail"


def test_pip_of_a_virtual_environment_is_less_than_one_of_the_system():
    layer = [file("app/.venv/bin/pip", mode=0o755)]
    found = checks_of({}, layer, is_production=True)["package-manager"]
    assert (found.status, found.severity) == ("fail", "LOW")
    both = checks_of({}, [*layer, file("usr/bin/pip", mode=0o755)], is_production=True)
    assert both["package-manager"].severity == "MEDIUM"


def test_public_certificates_and_accounts_without_passwords_are_no_secrets():
    layer = [
        file("etc/ssl/certs/ca.pem", "-----BEGIN CERTIFICATE-----\n" + "A" * 64),
        file("etc/passwd", PASSWD),
        file("usr/share/doc/x", "AKIAIOSFODNN7EXAMPLE"),
        folder("root/.ssh"),
        link("root/.npmrc", "/run/secrets/npmrc"),
    ]
    assert checks_of({}, layer)["secret-in-layers"].status == "pass"


def test_facts_hold_no_secret():
    config = {
        "User": "app",
        "Labels": {"api.token": SECRET, "note": f"see {SECRET}", "ok": "yes"},
        "Entrypoint": ["/app", "--password", "hunter-2-hunter", f"--token={SECRET}"],
        "Cmd": ["serve"],
        "Healthcheck": {"Test": ["CMD", "curl", "-u", f"a:{SECRET}"]},
        "ExposedPorts": {"8080/tcp": {}},
        "Env": ["DB_PASSWORD=correct-horse"],
    }
    files = ImageFiles("linux/amd64", (), (), {"config": config})
    facts = check_image(files, Subject({"config": config})).facts
    assert facts.labels == {"api.token": MASK, "note": f"see {MASK}", "ok": "yes"}
    assert facts.entrypoint == ("/app", "--password", MASK, f"--token={MASK}")
    assert (facts.cmd, facts.exposed_ports) == (("serve",), ("8080/tcp",))
    text = json.dumps([facts.labels, facts.entrypoint, facts.healthcheck])
    for secret in (SECRET, "hunter-2", "correct-horse"):
        assert secret not in text
