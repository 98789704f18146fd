"""The command that builds: its start, what is shown of it meanwhile, and its end.

It is ``buildinsights build``, the same that developers and CI run, in a process group of its own
and with nothing of this process's environment but what Docker needs.
"""

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import structlog
from django.conf import settings
from django.db import Error, connection
from django.db.models.functions import Now

from farm.bounds import keep_bounds
from farm.commands import command_of
from farm.git import CheckoutError
from farm.heartbeat import Heartbeat, Stop
from farm.hiding import Hidden
from farm.live import LiveView
from farm.models import BuildRequest, LiveBuild, Source
from farm.outcomes import Outcome
from farm.processes import HOME_VARIABLE, end_all

log = structlog.get_logger(__name__)

LOOK_SECONDS = 0.1
WRITE_SECONDS = 0.3
"""With a second in each web process (``live_page``) and 0.6 s between two looks of a page, what
happens is seen within two seconds."""
QUIET_SECONDS = 1.0
"""Between two writes while nothing happens: only running times grow."""
GRACE_SECONDS = 20.0
"""Between asking the command to end and killing what is left of it."""

CONFINED = "confined"
CHECKOUT = f"{CONFINED}/checkout"
HOME = "home"
TEMPORARY = "tmp"
"""Places in a build's folder. Definitions reach the first one: beside the checkout it has nothing
but the Bake file that is made for a Dockerfile alone."""

_KEPT = ("PATH", "LANG", "LC_ALL", "TZ", "TMPDIR", "HOME", "SSL_CERT_FILE", "SSL_CERT_DIR")
_DOCKER = (
    "DOCKER_HOST",
    "DOCKER_CONTEXT",
    "DOCKER_CONFIG",
    "DOCKER_CERT_PATH",
    "DOCKER_TLS_VERIFY",
)
_BUILDER = "BUILDX_BUILDER"
_GIT = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_TERMINAL_PROMPT": "0",
    # A folder of a repository may itself look like one, with settings that execute programs:
    # neither the Git that the command asks nor the one that buildx does may take it for one.
    "GIT_CONFIG_COUNT": "1",
    "GIT_CONFIG_KEY_0": "safe.bareRepository",
    "GIT_CONFIG_VALUE_0": "explicit",
    "BUILDX_GIT_INFO": "false",
}


def environment_of(request: BuildRequest, folder: Path) -> dict[str, str]:
    """Return what the command and Bake see: a Bake file can read every variable of it."""
    named = [*_KEPT, *_DOCKER, *settings.BUILD_VARIABLES, *settings.BUILD_SECRETS]
    kept = {name: os.environ[name] for name in named if name in os.environ}
    if request.builder.name:
        kept[_BUILDER] = request.builder.name
    if request.base_to:
        # Images are saved there to be compared: of a command that is killed they go with the rest.
        kept["TMPDIR"] = str(folder / TEMPORARY)
    return kept | {
        **_GIT,
        HOME_VARIABLE: str(folder / HOME),
        "BUILDINSIGHTS_CONFINED_TO": str(folder / CONFINED),
        "PYTHONPATH": str(settings.BASE_DIR),
        "DOCKER_CLI_HINTS": "false",
    }


def directory_of(source: Source, checkout: Path) -> Path:
    """Return where in the checkout the build runs, after all symbolic links.

    Raises:
        CheckoutError: it is not there, or not in the checkout.
    """
    directory = (checkout / source.context).resolve()
    if not directory.is_relative_to(checkout.resolve()):
        raise CheckoutError(f"The directory {source.context} leads out of the repository.")
    if not directory.is_dir():
        raise CheckoutError(f"The repository has no directory {source.context}.")
    return directory


@dataclass(slots=True)
class Follower:
    """Watches the command, writes the live view, and ends the command when it is to stop."""

    request: BuildRequest
    folder: Path
    heartbeat: Heartbeat
    stop: Stop | None = None
    _asked_at: float = 0.0
    _seen: dict[Path, int] = field(default_factory=dict)

    def follow(self) -> Outcome:
        """Return how the command ended; nothing that it started is left then."""
        process = self._start()
        try:
            self._watch(process)
        finally:
            process.kill()
            process.wait()
            end_all(self.folder / HOME)
        return Outcome(process.returncode, self.stop)

    def _start(self) -> subprocess.Popen[bytes]:
        directory = directory_of(self.request.source, self.folder / CHECKOUT)
        words = command_of(self.request, self.folder / CONFINED, self.folder / HOME)
        with (self.folder / "said.log").open("wb") as said:
            return subprocess.Popen(
                [sys.executable, "-P", "-m", "cli", *words],
                cwd=directory,
                env=environment_of(self.request, self.folder),
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                start_new_session=True,
                preexec_fn=keep_bounds,
            )

    def _watch(self, process: subprocess.Popen[bytes]) -> None:
        """Follow the command until it ends, or until there is nothing more to wait for."""
        view = LiveView(Hidden.of_this_worker())
        written = time.monotonic()
        changed = False
        while process.poll() is None and self._goes_on(process):
            time.sleep(LOOK_SECONDS)
            changed = self._read(view) or changed
            if time.monotonic() - written >= (WRITE_SECONDS if changed else QUIET_SECONDS):
                self._write(view)
                written, changed = time.monotonic(), False

    def _goes_on(self, process: subprocess.Popen[bytes]) -> bool:
        """Ask the command once to end if it is to stop; tell whether to wait for it.

        It lets BuildKit cancel then, and writes its record.
        """
        if not self.heartbeat.is_ours:
            log.warning("build_taken_away")
            return False
        if self.stop is None and (stop := self.heartbeat.stop):
            self.stop, self._asked_at = stop, time.monotonic()
            process.send_signal(signal.SIGINT)
        return self.stop is None or time.monotonic() < self._asked_at + GRACE_SECONDS

    def _read(self, view: LiveView) -> bool:
        """Feed the view what was appended; a command of several runs of Bake has several files."""
        changed = False
        for progress in sorted((self.folder / HOME).glob("records/*/progress.rawjson")):
            begin = self._seen.get(progress, 0)
            with progress.open("rb") as file:
                file.seek(begin)
                data = file.read()
            self._seen[progress] = begin + len(data)
            changed = (bool(data) and view.take(data)) or changed
        return changed

    def _write(self, view: LiveView) -> None:
        try:
            LiveBuild.objects.update_or_create(
                request=self.request, defaults={"shown": view.shown(), "written_at": Now()}
            )
        except Error:
            # The next one connects anew: a short absence of the database ends no build.
            log.warning("live_view_not_written", exc_info=True)
            connection.close()
