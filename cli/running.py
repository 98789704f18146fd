"""Running Bake: its progress to a file and to whoever watches, its end told apart.

And what any program needs that runs while we wait: our signals, and an end with ours.
"""

import os
import re
import signal
import subprocess
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Self

from buildkit.processes import dying_with_parent
from cli.engine import error_of, is_wrong_usage
from cli.errors import BUILD_FAILED, CANCELED, ENGINE_MISSING, EngineMissingError
from cli.progress_file import ProgressFile
from cli.records import Record

KILL_AFTER_SIGNALS = 2
"""The first Ctrl-C lets BuildKit cancel and say so; the second ends the client."""

TEXT_LINES = 10_000
"""Of what Bake says besides its progress, the last are kept."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a run of Bake ended: ``outcome`` as in ``records.Run``, the exit code, what it said."""

    outcome: str
    exit_code: int
    text: str


@dataclass(frozen=True, slots=True)
class Done:
    """One run of Bake that has ended, its record, and bytes by digest of what the engine got."""

    record: Record
    ended: Ended
    sizes: dict[str, int]


class Child:
    """A process that gets the signals we get, and never outlives us."""

    def __init__(
        self, command: list[str], cwd: Path, *, stdout: int | None = None, stderr: int | None = None
    ) -> None:
        self.signals = 0
        self._command, self._cwd = command, cwd
        self._stdout, self._stderr = stdout, stderr

    def __enter__(self) -> Self:
        self.process = subprocess.Popen(
            self._command,
            cwd=self._cwd,
            stdin=subprocess.DEVNULL,
            stdout=self._stdout,
            stderr=self._stderr,
            # A group of its own: Ctrl-C reaches it once, through us, and not twice.
            start_new_session=True,
            preexec_fn=dying_with_parent(signal.SIGINT),
        )
        self._former = {
            name: signal.signal(name, self._pass_on) for name in (signal.SIGINT, signal.SIGTERM)
        }
        return self

    def __exit__(self, *_: object) -> None:
        for name, handler in self._former.items():
            signal.signal(name, handler)
        if self.process.poll() is None:
            self.kill()
            self.process.wait()
        if self.process.stderr:
            self.process.stderr.close()

    def kill(self) -> None:
        """End it at once, with what it has started."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)

    def _pass_on(self, number: int, frame: FrameType | None) -> None:
        self.signals += 1
        if self.signals >= KILL_AFTER_SIGNALS:
            self.kill()
        else:
            self.process.send_signal(signal.SIGINT)


class Bake(Child):
    """A run of Bake."""

    def __init__(self, command: list[str], cwd: Path) -> None:
        super().__init__(command, cwd, stderr=subprocess.PIPE)

    def follow(self, progress: Path, watch: Callable[[bytes], None]) -> Ended:
        """Hand each line of its rawjson to a file and a watcher until it ends."""
        text: deque[str] = deque(maxlen=TEXT_LINES)
        frames = 0
        assert self.process.stderr is not None  # noqa: S101  # opened as a pipe above
        with ProgressFile(progress) as lines:
            for line in self.process.stderr:
                lines.add(line)
                if line.startswith(b"{"):
                    frames += 1
                    watch(line)
                else:
                    text.append(line.decode(errors="replace"))
        code = self.process.wait()
        return _ended(code, "".join(text), canceled=self.signals > 0, started=frames > 0)


def _ended(code: int, text: str, *, canceled: bool, started: bool) -> Ended:
    if code == 0:
        return Ended("succeeded", 0, text)
    if canceled or re.search(r"context canceled|signal: interrupt", text):
        return Ended("canceled", CANCELED, text)
    error = error_of(text)
    if isinstance(error, EngineMissingError):
        return Ended("engine_missing", ENGINE_MISSING, text)
    if not started or is_wrong_usage(error.message):
        return Ended("usage_error", error.exit_code, text)
    return Ended("failed", BUILD_FAILED, text)
