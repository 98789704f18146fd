"""The first account of a new installation."""

import json
import os
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path

from django.conf import settings
from django.db import transaction

from accounts.models import User
from accounts.roles import Scope
from accounts.services import create_project, create_token

TOKEN_SCOPES = frozenset(Scope) - {Scope.MEMBERS_WRITE, Scope.TOKENS_WRITE}


@dataclass(frozen=True, slots=True)
class Credentials:
    """What ``.data/credentials.json`` holds."""

    url: str
    username: str
    password: str
    token: str

    @property
    def path(self) -> Path:
        """The file, readable by its owner only."""
        return credentials_path()


def credentials_path() -> Path:
    """Return where the credentials of the first start are kept."""
    return Path(settings.DATA_DIR) / "credentials.json"


@transaction.atomic
def ensure_credentials(url: str, *, demo: bool) -> Credentials | None:
    """Return the credentials of the first start, making them if this is the first start.

    ``None`` where there are users but no file: then people sign in with what they know. The file
    is rewritten when the address changes.
    """
    path = credentials_path()
    if path.exists():
        credentials = Credentials(**{**json.loads(path.read_text()), "url": url})
    elif User.objects.exists():
        return None
    else:
        credentials = _create(url, name="Demo" if demo else "Main")
    _write_private(path, json.dumps(asdict(credentials), indent=2) + "\n")
    return credentials


def _create(url: str, *, name: str) -> Credentials:
    password = secrets.token_urlsafe(12)
    user = User.objects.create_superuser("admin", password=password)
    project = create_project(name=name, owner=user)
    _, token = create_token(project=project, name="first start", scopes=TOKEN_SCOPES, actor=user)
    return Credentials(url, user.username, password, token)


def _write_private(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".new")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    temporary.replace(path)
