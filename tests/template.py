"""A migrated database that those of the workers are copies of: migrating takes long, copying not.

It is kept until a migration changes. Each copy is migrated once more, which finds nothing to do.
"""

import fcntl
import hashlib
import sys
from pathlib import Path

from django.conf import settings
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from psycopg import sql

NAME = "test_buildinsights_template"


def ensure_template() -> str:
    """Return the name of the database, made by the first worker that comes."""
    wanted = fingerprint()
    with (Path(settings.DATA_DIR) / "template.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if _comment() != wanted:
            _make()
            _set_comment(wanted)
    return NAME


def fingerprint() -> str:
    """What all migrations say, those of other packages too."""
    digest = hashlib.sha256()
    for key, migration in sorted(MigrationLoader(None).disk_migrations.items()):
        digest.update(repr(key).encode())
        digest.update(Path(str(sys.modules[migration.__module__].__file__)).read_bytes())
    return digest.hexdigest()


def _make() -> None:
    """Migrate it as Django migrates a database for tests, and let go of it."""
    own = connection.settings_dict["NAME"]
    test = connection.settings_dict["TEST"]
    kept, test["NAME"] = test["NAME"], NAME
    try:
        connection.creation.create_test_db(verbosity=0, autoclobber=True)
    finally:
        connection.close()
        test["NAME"] = kept
        settings.DATABASES["default"]["NAME"] = connection.settings_dict["NAME"] = own


def _comment() -> str | None:
    query = "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s"
    with connection._nodb_cursor() as cursor:
        row = cursor.execute(query, [NAME]).fetchone()
    return row[0] if row else None


def _set_comment(text: str) -> None:
    statement = sql.SQL("COMMENT ON DATABASE {} IS {}")
    with connection._nodb_cursor() as cursor:
        cursor.execute(statement.format(sql.Identifier(NAME), sql.Literal(text)))
