"""A scratch database: an embedded server in a temporary directory, migrated; its copies."""

import atexit
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any


def scratch_database() -> None:
    """Set Django up on an empty database that goes away with the process."""
    directory = Path(tempfile.mkdtemp(prefix="buildinsights-bench-"))
    # Registered before the server is started, and so run after it was stopped.
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    directory.chmod(0o755)
    os.environ |= {"BUILDINSIGHTS_DATA": str(directory), "LOG_LEVEL": "ERROR"}
    os.environ["DJANGO_SETTINGS_MODULE"] = "buildinsights.settings"
    for name in ("DATABASE_URL", "CELERY_BROKER_URL"):
        os.environ.pop(name, None)
    from buildinsights import embedded

    embedded.configure_environment()
    import django

    django.setup()
    from django.core.management import call_command

    from buildinsights.celery import prepare_broker

    call_command("migrate", verbosity=0, interactive=False)
    call_command("collectstatic", verbosity=0, interactive=False)
    prepare_broker()


def use_database(name: str) -> None:
    """Let Django talk to another database of the same server."""
    from django.db import connection

    connection.close()
    connection.settings_dict["NAME"] = name


def copy_database(name: str) -> str:
    """Copy the current database as ``name``; return the name of the original."""
    from django.db import connection

    original = str(connection.settings_dict["NAME"])
    use_database("template1")
    with connection.cursor() as cursor:
        cursor.execute(f'CREATE DATABASE "{name}" TEMPLATE "{original}"')
    use_database(original)
    return original


def count_queries(work: Callable[[], Any]) -> int:
    """Do the work once and return the number of queries; an answer must be 200."""
    from django.db import connection

    queries = 0

    def count(execute: Any, *arguments: Any) -> Any:
        nonlocal queries
        queries += 1
        return execute(*arguments)

    with connection.execute_wrapper(count):
        answer = work()
    if getattr(answer, "status_code", 200) != 200:
        raise RuntimeError(f"it answered {answer.status_code}")
    return queries
