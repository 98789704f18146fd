"""A project whose trail is exported, and the verifier as an auditor runs it."""

import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction

from accounts.models import Project, User
from accounts.roles import Role
from accounts.services import set_member_role
from audit.checkpoints import signer
from audit.models import AuditEvent
from audit.services import chain_name, record
from evidence.exports.archive import archive_of
from evidence.exports.proof import proof_of
from evidence.exports.selection import begin_export
from evidence.filters import TrailFilter


@pytest.fixture
def auditor(project: Project, alice: User) -> User:
    """Somebody who may see everything and change nothing."""
    user = User.objects.create_user("erin", "erin@example.com", "erin-password")
    set_member_role(project=project, user=user, role=Role.AUDITOR, actor=alice)
    return user


@pytest.fixture
def trail(project: Project, alice: User) -> Project:
    """The project with ten more acts in its trail."""
    for number in range(10):
        with transaction.atomic():
            changes = {"name": f"„é{number}“ \u2028", "ratio": 0.1 * number}
            record(actor=alice, action="x.done", target=project, project=project, changes=changes)
    return project


def exported(project: Project, actor: User, form: str = "jsonl", **filters: str) -> bytes:
    """Return an export, as the API answers."""
    events = AuditEvent.objects.in_chain(chain_name(project))
    selection = begin_export(
        project=project, filters=TrailFilter(filters, queryset=events), actor=actor, form=form
    )
    return b"".join(archive_of(selection) if form == "zip" else proof_of(selection))


@pytest.fixture
def unpacked(trail: Project, alice: User, tmp_path: Path) -> Path:
    """A directory with what is in the ZIP of the trail, and nothing else."""
    archive = tmp_path / "audit.zip"
    archive.write_bytes(exported(trail, alice, "zip"))
    folder = tmp_path / "unpacked"
    with zipfile.ZipFile(archive) as file:
        file.extractall(folder)
    return folder


def verify(folder: Path, *arguments: str) -> tuple[int, str]:
    """Run the verifier of the ZIP, alone in its directory; return its exit code and words."""
    done = subprocess.run(
        [sys.executable, "-I", "verify_trail.py", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        env={},
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def changed(unpacked: Path) -> Callable[[Callable[[list[Any]], None]], tuple[int, str]]:
    """Change the lines of the trail in a way, and have it verified."""

    def after(change: Callable[[list[Any]], None]) -> tuple[int, str]:
        path = unpacked / "trail.jsonl"
        lines = [json.loads(line) for line in path.read_bytes().splitlines()]
        change(lines)
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))
        key = signer()
        assert key
        return verify(unpacked, "trail.jsonl", "--fingerprint", key.key_id)

    return after
