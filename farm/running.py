"""One request from its claim to its record: checkout, the command line, watching, the end.

The build itself is run by ``buildinsights build``, the same as developers and CI run, in a process
group of its own and with nothing of this process's environment but what Docker needs.
"""

import errno
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import structlog
from django.conf import settings
from django.db.models.functions import Now

from buildkit.failure_classes import FailureClass
from builds.models import Build
from farm.checkout import CheckoutError, Places, Wanted, checked_out
from farm.claims import beat
from farm.commands import build_command
from farm.endings import finish
from farm.hiding import Hidden
from farm.live import LiveView
from farm.models import BuildRequest, LiveBuild
from farm.outcomes import Outcome, settle
from farm.parent import die_with_parent

log = structlog.get_logger(__name__)

LOOK_SECONDS = 0.25
WRITE_SECONDS = 0.7
BEAT_SECONDS = 2.0
GRACE_SECONDS = 20.0
"""Between asking the command to end and killing what is left of it."""

_KEPT = ("PATH", "LANG", "LC_ALL", "TZ", "TMPDIR", "HOME", "SSL_CERT_FILE", "SSL_CERT_DIR")
_DOCKER = (
    "DOCKER_HOST",
    "DOCKER_CONTEXT",
    "DOCKER_CONFIG",
    "DOCKER_CERT_PATH",
    "DOCKER_TLS_VERIFY",
)
_BUILDER = "BUILDX_BUILDER"


def run(request: BuildRequest) -> None:
    """Run a claimed request to its end, whatever happens."""
    with structlog.contextvars.bound_contextvars(build_id=str(request.build.public_id)):
        try:
            with _workspace(request) as folder:
                _run_in(request, folder)
        except CheckoutError as error:
            finish(request, Build.Status.FAILED, message=f"git: {error}")
        except OSError as error:
            log.exception("build_run_failed")
            finish(request, Build.Status.FAILED, _class_of(error), f"On the worker: {error}")
        except Exception:
            log.exception("build_run_crashed")
            finish(request, Build.Status.FAILED, message="An error of ours; it is in the log.")


def _class_of(error: OSError) -> FailureClass | None:
    return FailureClass.DISK_FULL if error.errno in {errno.ENOSPC, errno.EDQUOT} else None


@contextmanager
def _workspace(request: BuildRequest) -> Iterator[Path]:
    work = Path(settings.BUILD_WORK_DIR)
    work.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f"{request.build.public_id}-", dir=work))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _run_in(request: BuildRequest, folder: Path) -> None:
    build, source = request.build, request.source
    wanted = Wanted(source.repository_url, build.ref_name, build.revision, source.deploy_key)
    with checked_out(wanted, folder / "checkout", _places()) as revision:
        Build.objects.filter(pk=build.pk).update(revision=revision)
        build.revision = revision
        follower = Follower(request, folder)
        outcome = follower.follow()
    if outcome is not None:
        settle(request, folder / "home", outcome)


def _places() -> Places:
    return Places(
        mirrors=Path(settings.BUILD_WORK_DIR) / "mirrors",
        keys=Path(settings.BUILD_KEYS_DIR),
        roots=[Path(root) for root in settings.BUILD_SOURCE_ROOTS],
    )


def environment_of(request: BuildRequest, folder: Path) -> dict[str, str]:
    """Return what the command and Bake see: a Bake file can read every variable of it."""
    named = [*_KEPT, *_DOCKER, *settings.BUILD_VARIABLES, *settings.BUILD_SECRETS]
    kept = {name: os.environ[name] for name in named if name in os.environ}
    if request.builder.name:
        kept[_BUILDER] = request.builder.name
    return kept | {
        "BUILDINSIGHTS_HOME": str(folder / "home"),
        "PYTHONPATH": str(settings.BASE_DIR),
        "DOCKER_CLI_HINTS": "false",
    }


@dataclass(slots=True)
class Follower:
    """Watches the command: writes the live view, beats, cancels, and keeps the time limit."""

    request: BuildRequest
    folder: Path
    reason: str = ""
    timed_out: bool = False
    _killed_at: float | None = None
    _seen: int = 0

    def follow(self) -> Outcome | None:
        """Return how it ended, or ``None`` if the request was taken from us meanwhile."""
        process = self._start()
        view = LiveView(Hidden.of_this_worker().text)
        started = written = beaten = time.monotonic()
        changed = False
        try:
            while process.poll() is None:
                time.sleep(LOOK_SECONDS)
                now = time.monotonic()
                changed = self._read(view) or changed
                if now - written >= WRITE_SECONDS:
                    self._write(view, changed=changed)
                    written, changed = now, False
                if now - beaten >= BEAT_SECONDS:
                    beaten = now
                    if not self._beat(process):
                        return None
                self._keep_limits(process, now - started, now)
        finally:
            _kill(process)
        return Outcome(process.returncode, self.reason, timed_out=self.timed_out)

    def _start(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-P", "-m", "cli", *build_command(self.request, self.folder)]
        directory = self.folder / "checkout" / self.request.source.context
        with (self.folder / "said.log").open("wb") as said:
            return subprocess.Popen(
                command,
                cwd=directory,
                env=environment_of(self.request, self.folder),
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                start_new_session=True,
                preexec_fn=die_with_parent,
            )

    def _read(self, view: LiveView) -> bool:
        """Feed the view what was appended; a build of several runs of Bake has several files."""
        for progress in (self.folder / "home").glob("records/*/progress.rawjson"):
            with progress.open("rb") as file:
                file.seek(self._seen)
                data = file.read()
            self._seen += len(data)
            return view.take(data) if data else False
        return False

    def _write(self, view: LiveView, *, changed: bool) -> None:
        """Write the view; running times grow even when nothing else changes."""
        if changed or view.steps:
            LiveBuild.objects.update_or_create(
                request=self.request, defaults={"shown": view.shown(), "written_at": Now()}
            )

    def _beat(self, process: subprocess.Popen[bytes]) -> bool:
        is_ours, cancel_requested_at = beat(self.request)
        if not is_ours:
            log.warning("build_taken_away")
            return False
        if cancel_requested_at is not None and not self.reason:
            self.reason = BuildRequest.objects.values_list("cancel_reason", flat=True).get(
                pk=self.request.pk
            )
            self._end(process)
        return True

    def _keep_limits(self, process: subprocess.Popen[bytes], elapsed: float, now: float) -> None:
        limit = self.request.source.time_limit_seconds
        if elapsed > limit and not self.reason:
            self.timed_out = True
            self.reason = f"The time limit of {limit} s was reached."
            self._end(process)
        if self._killed_at is not None and now > self._killed_at + GRACE_SECONDS:
            _kill(process)

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        """Ask once: the command lets BuildKit cancel, and writes its record."""
        self._killed_at = time.monotonic()
        process.send_signal(signal.SIGINT)


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End everything that descends from the command."""
    if process.poll() is not None:
        return
    with suppress(psutil.NoSuchProcess):
        tree = psutil.Process(process.pid)
        for descendant in [*tree.children(recursive=True), tree]:
            with suppress(psutil.NoSuchProcess):
                descendant.kill()
    process.wait()
