"""Which repositories, revisions and paths may be asked for; what a worker does not run is refused.

Git takes transports that execute programs and arguments that look like flags: an address is one of
three known forms, and nothing that begins with a dash gets near a command line.
"""

import re
from contextlib import suppress
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError

_HTTPS = re.compile(r"https://(?P<host>[A-Za-z0-9][A-Za-z0-9.-]*)(?::\d{1,5})?/[\w./~+-]+")
_SSH = re.compile(
    r"ssh://(?:[A-Za-z0-9][\w.-]*@)?[A-Za-z0-9][A-Za-z0-9.-]*(?::\d{1,5})?/[\w./~+-]+"
)
_SCP = re.compile(r"[A-Za-z0-9][\w.-]*@[A-Za-z0-9][A-Za-z0-9.-]*:(?!/?-)[\w./~+-]+")
_REF = re.compile(r"[A-Za-z0-9_][\w./+@#-]*")
_REVISION = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_NAME = re.compile(r"[A-Za-z0-9_][\w.-]*")
_KEY = re.compile(r"[A-Za-z0-9][\w.-]*")


def validate_address(address: str) -> None:
    """Accept https, ssh, and absolute paths; whether a path is allowed, its worker decides."""
    if address.startswith("/"):
        if ".." in PurePosixPath(address).parts or "\0" in address:
            raise ValidationError("A path must be absolute and without “..”.", code="path")
        return
    if not any(form.fullmatch(address) for form in (_HTTPS, _SSH, _SCP)):
        raise ValidationError(
            "Give https://host/path, ssh://user@host/path, user@host:path or an absolute path; "
            "credentials do not belong in the address.",
            code="address",
        )


def validate_ref(name: str) -> None:
    """Accept a branch or tag as ``git check-ref-format`` does, and no flag."""
    wrong = (
        not _REF.fullmatch(name)
        or any(mark in name for mark in ("..", "//", "@{", "/."))
        or name.endswith((".", "/", ".lock"))
    )
    if wrong:
        raise ValidationError("This is no name of a branch or tag.", code="ref")


def validate_revision(revision: str) -> None:
    """Accept a full commit id: a short one cannot be fetched."""
    if not _REVISION.fullmatch(revision):
        raise ValidationError("Give the whole commit id: 40 or 64 hex digits.", code="revision")


def validate_patterns(text: str) -> None:
    """Accept names of branches and tags with ``*`` in them, with spaces between."""
    for pattern in text.split():
        validate_ref(pattern.replace("*", "x"))


def validate_inner_path(path: str) -> None:
    """Accept a path that stays inside the repository."""
    parts = PurePosixPath(path).parts
    if path.startswith(("/", "-", "~")) or ".." in parts or "\0" in path or "://" in path:
        raise ValidationError("Give a path inside the repository.", code="path")


def validate_name(name: str) -> None:
    """Accept a Bake target, stage or builder; none of them can be taken for an option."""
    if not _NAME.fullmatch(name):
        raise ValidationError("Letters, digits, “.”, “_” and “-”.", code="name")


def validate_key_name(name: str) -> None:
    """Accept the name of a file in the project's directory of keys."""
    if not _KEY.fullmatch(name) or ".." in name or name == "known_hosts":
        raise ValidationError("The name of a key file, without a path.", code="key")


def place_of(address: str) -> str:
    """Return ``host/path`` in lower case, the same for each address of one repository.

    ``git@github.com:Shop/api.git`` and ``https://github.com/shop/api`` are one place. What is no
    address is a place of its own.
    """
    place = address
    if "://" in address:
        with suppress(ValueError):
            parts = urlsplit(address)
            place = f"{parts.hostname}{parts.path}"
    elif _SCP.fullmatch(address):
        host, _, path = address.rpartition("@")[2].partition(":")
        place = f"{host}/{path.lstrip('/')}"
    return place.lower().rstrip("/").removesuffix(".git")


def is_allowed_path(address: str, roots: list[Path]) -> bool:
    """Tell whether a path lies in one of the roots, after all symbolic links."""
    real = Path(address).resolve()
    return any(real.is_relative_to(root.resolve()) for root in roots)
