"""Git as a worker runs it: with nobody's configuration, and to its end only while it is wanted."""

import errno
import os
import re
import signal
import subprocess
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from builds.masking import mask_secrets
from farm.bounds import keep_bounds

LOOK_SECONDS = 0.25
SAID_LENGTH = 1000

type Check = Callable[[], None]
"""Called while something is waited for; it interrupts by what it raises."""

_KEPT = ("PATH", "GIT_SSL_CAINFO", "HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy")
_SETTINGS = {
    "core.hooksPath": os.devnull,
    # A folder of a repository may itself look like one, with settings that execute programs.
    "safe.bareRepository": "explicit",
    "gc.auto": "0",
    "maintenance.auto": "false",
    "fetch.unpackLimit": "1",
    "http.lowSpeedLimit": "1",
    "http.lowSpeedTime": "60",
}
_NO_ROOM = re.compile(r"No space left on device|Disk quota exceeded|unable to write (?:file|new)")


class CheckoutError(Exception):
    """The revision could not be had; the message is fit for people, without credentials."""


def keep_going() -> None:
    """Interrupt nothing."""


def git_environment(home: Path) -> dict[str, str]:
    """Return Git's surroundings: no configuration of anybody's, no prompts."""
    known = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return known | {
        "HOME": str(home),
        "LC_ALL": "C.UTF-8",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_LFS_SKIP_SMUDGE": "1",
    }


@dataclass(frozen=True, slots=True)
class Git:
    """Runs Git on a mirror, and never on a repository that it finds by itself.

    Every process of it inherits ``lock`` and thereby keeps it: whoever gets the lock is alone.
    """

    mirror: Path
    lock: int
    environment: Mapping[str, str]
    check: Check = keep_going

    def run(self, *arguments: str) -> str:
        """Return what Git prints; nothing of a repository's own is executed by it.

        Raises:
            CheckoutError: Git failed.
            OSError: ``ENOSPC``, there is no room for what it writes.
        """
        try:
            return self._run(arguments)
        except FileNotFoundError as error:
            raise CheckoutError("There is no Git on this worker.") from error

    def _run(self, arguments: tuple[str, ...]) -> str:
        settings = [word for item in _SETTINGS.items() for word in ("-c", "=".join(item))]
        with subprocess.Popen(
            ["git", *settings, f"--git-dir={self.mirror}", *arguments],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            pass_fds=[self.lock],
            start_new_session=True,
            preexec_fn=keep_bounds,
        ) as process:
            try:
                printed, said = self._wait(process)
            except BaseException:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                raise
        if process.returncode:
            raise _error(mask_secrets(said.strip()[-SAID_LENGTH:]) or "it failed without a word")
        return printed

    def _wait(self, process: subprocess.Popen[str]) -> tuple[str, str]:
        while True:
            try:
                return process.communicate(timeout=LOOK_SECONDS)
            except subprocess.TimeoutExpired:
                self.check()


def _error(words: str) -> Exception:
    if _NO_ROOM.search(words):
        return OSError(errno.ENOSPC, f"git: {words}")
    return CheckoutError(f"git: {words}")
