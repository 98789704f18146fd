"""``python -m cli`` is ``buildinsights``."""

from cli.main import main

main()
