"""What a machine needs to build, looked at one by one."""

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

from buildkit.errors import ParseError
from cli import trivy
from cli.engine import buildx
from cli.errors import EngineMissingError, TrivyFailedError, TrivyMissingError, UsageError
from cli.planning import plan_of
from cli.settings import server, state_dir

BUILDX_FROM = (0, 24)
"""The first version with ``history export`` for records of several builds."""

FREE_BYTES = 5_000_000_000


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at; ``needed`` if nothing can be built without it."""

    name: str
    ok: bool
    says: str
    fix: str = ""
    needed: bool = False


def check_all() -> Iterator[Finding]:
    """Look at everything; what needs what is not there is left out."""
    client = _client()
    yield client
    if client.ok:
        plugin = _buildx()
        yield plugin
        if plugin.ok:
            yield from _builder()
            yield from _registries()
    yield _trivy()
    yield _cosign()
    yield _disk()
    yield _server()


def _client() -> Finding:
    path = shutil.which("docker")
    fix = "Install Docker Engine: https://docs.docker.com/engine/install/"
    return Finding("docker", path is not None, path or "not on PATH", fix, needed=True)


def _buildx() -> Finding:
    fix = "Install the plugin: https://github.com/docker/buildx#installing"
    try:
        text = buildx("version", timeout=20).strip()
    except (EngineMissingError, UsageError) as error:
        return Finding("buildx", False, error.message, fix, needed=True)
    found = re.search(r"v?(\d+)\.(\d+)", text)
    new_enough = found is not None and (int(found[1]), int(found[2])) >= BUILDX_FROM
    wanted = ".".join(map(str, BUILDX_FROM))
    return Finding("buildx", new_enough, text, f"Version {wanted} or later is needed. {fix}", True)


def _builder() -> Iterator[Finding]:
    try:
        text = buildx("inspect", "--bootstrap", timeout=60)
    except (EngineMissingError, UsageError) as error:
        yield Finding("builder", False, error.message, "Start it: systemctl start docker", True)
        return
    driver = re.search(r"^Driver:\s*(\S+)", text, re.MULTILINE)
    yield Finding("builder", True, f"driver {driver[1] if driver else 'unknown'}")
    for platform in ("linux/amd64", "linux/arm64"):
        fix = "docker run --privileged --rm tonistiigi/binfmt --install all"
        has = platform in text
        yield Finding(platform, has, "can be built" if has else "cannot be built here", fix)


def _registries() -> Iterator[Finding]:
    """Look at the registries that the Bake file of this directory tags images for."""
    try:
        targets = plan_of((), ()).targets.values()
    except (ParseError, UsageError, EngineMissingError):
        return  # there is none here, or it is for `build` to say what is wrong with it
    hosts = {host for target in targets for tag in target.tags if (host := registry_of(tag))}
    for host in sorted(hosts):
        yield _registry(host)


def registry_of(tag: str) -> str:
    """Return the host that a tag names; empty for Docker Hub, which needs none."""
    first, slash, _ = tag.partition("/")
    return first if slash and (first == "localhost" or "." in first or ":" in first) else ""


def _registry(host: str) -> Finding:
    import requests

    local = host.partition(":")[0] in {"localhost", "127.0.0.1"}
    url = f"{'http' if local else 'https'}://{host}/v2/"
    try:
        code = requests.get(url, timeout=10).status_code
    except requests.RequestException as error:
        fix = "Start it, or name another: REGISTRY=… if the Bake file has that variable"
        return Finding(f"registry {host}", False, type(error).__name__, fix)
    says = (
        "asks for a login: docker login" if code == HTTPStatus.UNAUTHORIZED else f"answers {code}"
    )
    return Finding(f"registry {host}", code < HTTPStatus.INTERNAL_SERVER_ERROR, says)


def _trivy() -> Finding:
    fix = "Only for `scan` and `build --scan`. Install it: https://trivy.dev/"
    try:
        return Finding("trivy", True, trivy.version())
    except TrivyMissingError:
        return Finding("trivy", False, "not on PATH", fix)
    except TrivyFailedError as error:
        return Finding("trivy", False, error.message, fix)


def _cosign() -> Finding:
    from supplychain.signing.cosign import Cosign
    from supplychain.signing.errors import CosignMissingError, SigningError

    fix = "Only for `sign`, `verify` and `build --sign`. Install it: https://docs.sigstore.dev/"
    try:
        return Finding("cosign", True, Cosign().version())
    except CosignMissingError:
        return Finding("cosign", False, "not on PATH", fix)
    except SigningError as error:
        return Finding("cosign", False, error.message, fix)


def _disk() -> Finding:
    free = shutil.disk_usage(_existing(state_dir())).free
    says = f"{free / 1e9:.0f} GB free where records are kept"
    return Finding("disk", free >= FREE_BYTES, says, "docker buildx prune")


def _existing(path: Path) -> Path:
    while not path.exists():
        path = path.parent
    return path


def _server() -> Finding:
    to = server()
    if to is None:
        return Finding("server", True, "none set: records stay here")
    import requests

    try:
        answer = requests.get(f"{to.url}/livez", timeout=10)
    except requests.RequestException as error:
        return Finding(
            "server", False, f"{to.url}: {type(error).__name__}", "Check BUILDINSIGHTS_URL"
        )
    return Finding("server", answer.ok, f"{to.url} answers {answer.status_code}")
