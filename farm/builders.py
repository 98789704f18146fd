"""What a look at a builder finds: whether it answers, its platforms, its cache and disk."""

import re
import shutil
import subprocess

from django.db.models.functions import Now

from buildkit.caching.usage import read_size
from buildkit.errors import ParseError
from farm.models import Builder

LOOK_SECONDS = 30
SAID_LENGTH = 500
_TOTAL = re.compile(r"^Total:\s*(\S+)", re.MULTILINE)
_LEVEL = re.compile(r"/v[2-4]$")
"""Levels of amd64, which buildx lists beside it and nobody asks for."""


class UnreachableError(Exception):
    """The builder did not answer; the message is buildx's."""


def look_at(builder: Builder) -> None:
    """Note what the builder says of itself."""
    values: dict[str, object] = {"looked_at": Now(), "error": ""}
    try:
        values |= _described(builder.name)
        values |= {"cache_bytes": _cache_bytes(builder.name)}
        values |= {"health": Builder.Health.HEALTHY}
    except UnreachableError as error:
        values |= {"health": Builder.Health.UNREACHABLE, "error": str(error)}
    Builder.objects.filter(pk=builder.pk).update(**values)


def _described(name: str) -> dict[str, object]:
    text = buildx("inspect", *([name] if name else []))
    fields = dict(re.findall(r"^(Driver|Platforms|Status):\s*(.+?)\s*$", text, re.MULTILINE))
    if not fields.get("Status", "running").startswith("running"):
        raise UnreachableError(f"The builder is {fields['Status']}.")
    named = (platform.strip(" *") for platform in fields.get("Platforms", "").split(","))
    platforms = [platform for platform in named if not _LEVEL.search(platform)]
    is_local = fields.get("Driver") in {"docker", "docker-container"}
    return {
        "driver": fields.get("Driver", ""),
        "platforms": [platform for platform in platforms if platform][:20],
        "disk_free_bytes": shutil.disk_usage("/").free if is_local else None,
    }


def _cache_bytes(name: str) -> int | None:
    """Return the size of the builder's cache as ``buildx du`` adds it up."""
    options = ["--builder", name] if name else []
    found = _TOTAL.search(buildx("du", *options))
    try:
        return read_size(found[1]) if found else None
    except ParseError:
        return None


def buildx(*arguments: str, seconds: float = LOOK_SECONDS) -> str:
    """Run ``docker buildx`` and return its output.

    Raises:
        UnreachableError: it failed, or did not end in time.
    """
    try:
        done = subprocess.run(
            ["docker", "buildx", *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UnreachableError(f"{type(error).__name__}: docker buildx {arguments[0]}") from error
    if done.returncode:
        raise UnreachableError(done.stderr.strip()[-SAID_LENGTH:])
    return done.stdout
