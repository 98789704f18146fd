"""Loaded by pytest before Django's settings: a PostgreSQL for the tests.

With ``DATABASE_URL`` the tests use that server; else an embedded one of their own.
"""

import os

os.environ["DJANGO_SETTINGS_MODULE"] = "buildinsights.settings_test"

from buildinsights import embedded  # its package names other settings


def start() -> None:
    """Name a data directory and a database server for this test process."""
    os.environ["BUILDINSIGHTS_DATA"] = str(embedded.DEFAULT_DATA_DIR / "test")
    if not os.environ.get("DATABASE_URL"):
        directory = embedded.prepare_data_dir()
        os.environ["DATABASE_URL"] = embedded.start_postgres(directory / "postgres")


start()
