"""A scratch database: an embedded server in a temporary directory, migrated."""

import atexit
import os
import shutil
import tempfile
from pathlib import Path


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
