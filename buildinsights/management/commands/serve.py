"""``manage.py serve``: web, worker and scheduler in one terminal."""

import os
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from buildinsights.bootstrap import Credentials, credentials_path, ensure_credentials
from buildinsights.celery import prepare_broker
from buildinsights.supervisor import Supervisor, check_port, server_processes


class Command(BaseCommand):
    """Prepare everything that is missing, then run until Ctrl-C."""

    help = "Run web, worker and scheduler together, restarting what dies."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add ``--port``, ``--host``, ``--demo`` and ``--workers``."""
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--workers", type=int, default=2, help="processes of the task worker")
        parser.add_argument("--demo", action="store_true", help="load the recorded sample builds")

    def handle(self, **options: Any) -> None:
        """Prepare, announce, supervise."""
        host, port = options["host"], options["port"]
        try:
            check_port(host, port)
        except OSError as error:
            raise CommandError(
                f"Port {port} cannot be used ({error.strerror}). "
                f"Stop what uses it or choose another: PORT={port + 1} make demo"
            ) from error
        self.stdout.write("Preparing the database and static files …")
        call_command("migrate", verbosity=0, interactive=False)
        call_command("collectstatic", verbosity=0, interactive=False)
        prepare_broker()
        url = f"http://{host}:{port}"
        os.environ.setdefault("PUBLIC_URL", url)
        credentials = ensure_credentials(url, demo=options["demo"])
        if options["demo"]:
            call_command("load_demo", stdout=self.stdout)
            call_command("judge_demo", stdout=self.stdout)
            call_command("deploy_demo", stdout=self.stdout)
        supervisor = Supervisor(server_processes(host, port, options["workers"]), self.stdout.write)
        supervisor.start()
        self._announce(url, credentials)
        supervisor.run_until_interrupted()

    def _announce(self, url: str, credentials: Credentials | None) -> None:
        login = "your account"
        if credentials:
            login = (
                f"{credentials.username}  {credentials.password}\n"
                f"  token           {credentials.token}\n"
                f"  kept in         {credentials_path()}"
            )
        self.stdout.write(
            f"\n  buildinsights   {url}\n  login           {login}\n  stop            Ctrl-C\n"
        )
