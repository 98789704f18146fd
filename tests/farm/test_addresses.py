"""What may be asked of a worker's Git and file system."""

from pathlib import Path

import pytest
from django.core.exceptions import ValidationError

from farm import addresses


@pytest.mark.parametrize(
    "address",
    [
        "https://github.com/moby/buildkit.git",
        "https://git.example.com:8443/a/b",
        "ssh://git@example.com/a/b.git",
        "git@github.com:moby/buildkit.git",
        "/srv/repositories/shop",
    ],
)
def test_addresses_of_repositories(address: str):
    addresses.validate_address(address)


@pytest.mark.parametrize(
    "address",
    [
        "ext::sh -c touch% /tmp/x",
        "--upload-pack=touch /tmp/x",
        "-u",
        "file:///etc",
        "http://example.com/a",
        "https://user:secret@example.com/a",
        "ssh://-oProxyCommand=touch/x",
        "-oProxyCommand=x@host:a",
        "git@host:-x",
        "/srv/../etc",
        "https://example.com/a b",
        "https://example.com/a\n",
        "",
    ],
)
def test_addresses_that_are_refused(address: str):
    with pytest.raises(ValidationError):
        addresses.validate_address(address)


@pytest.mark.parametrize("name", ["main", "feature/a-b", "v1.2.3", "release_1", "fix#12"])
def test_names_of_branches(name: str):
    addresses.validate_ref(name)


@pytest.mark.parametrize(
    "name", ["-x", "--upload-pack=x", "a..b", "a b", "a~1", "a.lock", "a/", "@{-1}", "a\n", "$(x)"]
)
def test_names_that_are_refused(name: str):
    with pytest.raises(ValidationError):
        addresses.validate_ref(name)


@pytest.mark.parametrize("revision", ["abc", "-" * 40, "A" * 40, "a" * 39, "a" * 40 + "\n"])
def test_revisions_that_are_refused(revision: str):
    with pytest.raises(ValidationError):
        addresses.validate_revision(revision)


@pytest.mark.parametrize("path", ["/etc/passwd", "../x", "a/../../x", "-f", "~/x", "https://x/y"])
def test_paths_that_are_refused(path: str):
    with pytest.raises(ValidationError):
        addresses.validate_inner_path(path)


@pytest.mark.parametrize("name", ["forge", "deploy_ed25519", "a.key"])
def test_names_of_keys(name: str):
    addresses.validate_key_name(name)


@pytest.mark.parametrize("name", ["known_hosts", "../other/forge", "a/b", ".", "..", "-i", ".ssh"])
def test_names_of_keys_that_are_refused(name: str):
    with pytest.raises(ValidationError):
        addresses.validate_key_name(name)


def test_a_link_out_of_the_roots_is_not_allowed(tmp_path: Path):
    root = tmp_path / "root"
    (root / "inside").mkdir(parents=True)
    (root / "link").symlink_to("/etc")
    assert addresses.is_allowed_path(str(root / "inside"), [root])
    assert not addresses.is_allowed_path(str(root / "link"), [root])
    assert not addresses.is_allowed_path("/etc", [])
