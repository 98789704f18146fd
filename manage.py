#!/usr/bin/env python
"""Django's command line, with the embedded PostgreSQL started first where no server is named."""

import os
import sys

from buildinsights import embedded


def main() -> None:
    """Run a management command."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "buildinsights.settings")
    try:
        embedded.configure_environment()
    except embedded.EmbeddedError as error:
        sys.exit(f"buildinsights: {error}")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
