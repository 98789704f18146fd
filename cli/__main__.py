"""``python -m cli`` is ``buildinsights``."""

from cli.main import run

run()
