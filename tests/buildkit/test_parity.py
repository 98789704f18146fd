"""What two variants of an image may differ in, and what not."""

import io
import json
import tarfile
from dataclasses import replace

from buildkit.parity import (
    Behaviour,
    Image,
    counts,
    drift,
    only_in,
    read_behaviour,
    read_packages,
)

BEHAVIOUR = Behaviour("10001", frozenset({"80/tcp"}), frozenset(), True, "SIGTERM")
PACKAGES = {("npm", "express"): frozenset({"5.1.0"}), ("deb", "libc6"): frozenset({"2.36"})}
DEV = Image("dev", 2, BEHAVIOUR, PACKAGES)
PROD = Image("prod", 1, BEHAVIOUR, PACKAGES)


def archive(**files: str | None) -> io.BytesIO:
    """A tar stream; a name without text is a folder."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            data = (text or "").encode()
            member.type = tarfile.DIRTYPE if text is None else tarfile.REGTYPE
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    stream.seek(0)
    return stream


def test_packages_of_three_kinds_are_found():
    lock = {
        "packages": {
            "": {"name": "app"},
            "node_modules/a": {"version": "1.0.0"},
            "node_modules/b/node_modules/a": {"version": "2.0.0"},
            "node_modules/@scope/c": {"version": "3.0.0"},
        }
    }
    files = {
        "app/node_modules/.package-lock.json": json.dumps(lock),
        "venv/lib/python3.13/site-packages/Typing_Extensions-4.1.dist-info": None,
        "var/lib/dpkg/status": "Package: libc6\nStatus: ok\nVersion: 2.36-9\n\nPackage: x\n"
        "Version: 1\n",
        "srv/.package-lock.json": "broken",
    }
    assert read_packages(archive(**files)) == {
        ("npm", "a"): {"1.0.0", "2.0.0"},
        ("npm", "@scope/c"): {"3.0.0"},
        ("pypi", "typing-extensions"): {"4.1"},
        ("deb", "libc6"): {"2.36-9"},
        ("deb", "x"): {"1"},
    }


def test_equal_variants_have_no_drift():
    assert drift(DEV, PROD) == []


def test_tools_that_only_dev_has_are_no_drift():
    dev = replace(DEV, packages=PACKAGES | {("npm", "nodemon"): frozenset({"3"})})
    assert drift(dev, PROD) == []
    assert only_in(dev, PROD) == {"npm": ["nodemon"]}
    assert counts(dev.packages) == {"npm": 2, "deb": 1}


def test_another_version_of_what_a_lock_file_decides_is_drift():
    old = {("npm", "express"): frozenset({"4.0.0"}), ("deb", "libc6"): frozenset({"2.31"})}
    assert drift(replace(DEV, packages=old), PROD) == ["npm express 5.1.0 in prod, dev has 4.0.0"]
    assert drift(replace(DEV, packages={}), PROD) == ["npm express 5.1.0 in prod, dev has none"]


def test_declared_behaviour_that_is_lost_is_drift():
    lost = Behaviour("", frozenset({"81/tcp"}), frozenset({"/data"}), False, "")
    assert drift(replace(DEV, behaviour=lost), PROD) == [
        "dev exposes no port of prod: 80/tcp",
        "only one of them has a volume at /data",
        "dev starts as root",
        "dev has no health check",
    ]


def test_behaviour_is_read_from_the_configuration():
    config: dict[str, object] = {
        "User": "root:root",
        "ExposedPorts": {"80/tcp": {}},
        "Volumes": None,
        "Healthcheck": {"Test": ["NONE"]},
    }
    read = read_behaviour(config)
    assert read == Behaviour("root:root", frozenset({"80/tcp"}), frozenset(), False, "")
    assert read.is_root
