"""By what found secrets are told apart in a project."""

import secrets

from django.db import models

from accounts.models import Project

KEY_BYTES = 32


def new_key() -> bytes:
    """Return a random key."""
    return secrets.token_bytes(KEY_BYTES)


class PrintKey(models.Model):
    """The key of the prints of a project's found secrets.

    A print is part of what a finding is, so its key stays whatever becomes of ``SECRET_KEY``. It is
    stored as it is: what it keeps apart, with the matches as scanners wrote them, lies in the
    uploads beside it.
    """

    project = models.OneToOneField(
        Project, models.DB_CASCADE, primary_key=True, related_name="print_key"
    )
    key = models.BinaryField(max_length=KEY_BYTES, default=new_key, editable=False)

    def __str__(self) -> str:
        return f"key of prints in {self.project_id}"
