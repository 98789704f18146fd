"""Calls of trivy; never through a shell."""

import json
import os
import pty
import re
import shutil
import signal
import subprocess
import sys
import termios
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Self

import click

from buildkit.values import as_dict
from cli.errors import CanceledError, TrivyFailedError, TrivyMissingError, UsageError
from cli.running import Child
from supplychain.reports.model import Severity
from supplychain.reports.values import moment_of

SCANNERS = "vuln,secret,misconfig,license"
CONFIG_SCANNERS = "misconfig,secret"
"""Of the image's configuration: its history is the Dockerfile, its environment may hold secrets."""

SEVERITIES = tuple(level.value for level in Severity if level != Severity.NEGLIGIBLE)
"""Those that trivy knows, from the least."""

TIMEOUT_SECONDS = 900
"""trivy's own five minutes are short for secrets and licences of a large image."""

GRACE_SECONDS = 30
"""How long after its time trivy may take to end by itself."""

_SET_HERE = {
    "--severity": "--severity before the --",
    "-s": "--severity before the --",
    "--ignore-unfixed": "--ignore-unfixed before the --",
    "--timeout": "--timeout before the --",
    "--output": "--output before the --",
    "-o": "--output before the --",
    "--format": "trivy convert on the report that is kept",
    "-f": "trivy convert on the report that is kept",
    "--exit-code": "--fail-on before the --",
}
"""trivy's options that are not to be given twice, and what to use."""

_CHUNK_BYTES = 65536
_KEPT_BYTES = 65536
_WORDS_LENGTH = 2000
_LAST_LINES = 5
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@dataclass(frozen=True, slots=True)
class Options:
    """How to scan. No ``severities`` are all; ``extra`` goes to trivy as it is."""

    severities: tuple[str, ...] = ()
    ignore_unfixed: bool = False
    seconds: int = TIMEOUT_SECONDS
    extra: tuple[str, ...] = ()
    platform: str = ""

    @property
    def scanners(self) -> str:
        """Return what is looked for: ours, unless ``extra`` names others."""
        return _last_of(self.extra, "--scanners") or SCANNERS

    @property
    def package_types(self) -> str:
        """Return in which packages alone is looked, if ``extra`` names them."""
        return _last_of(self.extra, "--pkg-types") or _last_of(self.extra, "--vuln-type")


def check_extra(extra: Sequence[str]) -> None:
    """Raise ``UsageError`` for an option of trivy that is set by one of ours."""
    if extra and not extra[0].startswith("-"):
        raise UsageError(f"One image at a time: {extra[0]} is one too many.")
    for item in extra:
        name = item.partition("=")[0] if item.startswith("--") else item[:2]
        if use := _SET_HERE.get(name):
            raise UsageError(f"{name} is set by this command: use {use}.")


def program() -> str:
    """Return the path of trivy.

    Raises:
        TrivyMissingError: there is none.
    """
    found = shutil.which("trivy")
    if found is None:
        raise TrivyMissingError(
            "trivy is not on PATH. It looks for vulnerabilities, secrets, misconfigurations and"
            " licences in images; https://trivy.dev/ tells how to get it. Reports that were made"
            " elsewhere are taken by `buildinsights upload`."
        )
    return found


def version() -> str:
    """Return trivy's version.

    Raises:
        TrivyMissingError: there is none.
        TrivyFailedError: it does not tell.
    """
    try:
        done = subprocess.run(
            [program(), "--version"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise TrivyFailedError(f"trivy does not tell its version: {error}") from error
    found = re.search(r"^Version: *(\S+)", done.stdout, re.MULTILINE)
    if done.returncode or found is None:
        raise TrivyFailedError(f"trivy does not tell its version: {words_of(done.stderr)}")
    return found[1]


def database() -> dict[str, str]:
    """Return trivy's version, and the version and time of its database, which no report has.

    They are parameters of the ingest API. What trivy does not tell is not there.
    """
    call = [program(), "version", "--format=json"]
    with suppress(OSError, subprocess.TimeoutExpired, ValueError):
        done = subprocess.run(
            call, stdin=subprocess.DEVNULL, capture_output=True, timeout=20, check=False
        )
        said = as_dict(json.loads(done.stdout))
        of_database = as_dict(said.get("VulnerabilityDB"))
        told = {
            "scanner_version": said.get("Version"),
            "database_version": of_database.get("Version"),
            "database_updated_at": of_database.get("UpdatedAt"),
        }
        known = {name: str(value) for name, value in told.items() if value}
        if moment_of(known.get("database_updated_at", "")) is None:
            known.pop("database_updated_at", None)
        return known
    return {}


def command(reference: str, report: Path, options: Options) -> list[str]:
    """Return the words that scan an image.

    What decides what a report can hold is always said, so that neither trivy.yaml nor TRIVY_*
    variables make it another than the server is told.
    """
    call = [program(), "image", f"--severity={','.join(options.severities or SEVERITIES)}"]
    call.append(f"--ignore-unfixed={'true' if options.ignore_unfixed else 'false'}")
    # trivy adds up lists that are given twice.
    if not _last_of(options.extra, "--scanners"):
        call.append(f"--scanners={SCANNERS}")
    if not _last_of(options.extra, "--image-config-scanners"):
        call.append(f"--image-config-scanners={CONFIG_SCANNERS}")
    if options.platform:
        call.append(f"--platform={options.platform}")
    if not _is_terminal():
        call.append("--no-progress")
    call += ["--list-all-pkgs", f"--timeout={options.seconds}s", *options.extra]
    return [*call, "--exit-code=0", "--format=json", f"--output={report}", reference]


def run(call: list[str], seconds: float) -> str:
    """Run trivy, show what it says while it does, and return it.

    Raises:
        TrivyFailedError: it failed, or had not ended after ``seconds`` and a little.
        CanceledError: Ctrl-C ended it.
    """
    try:
        with _Trivy(call) as trivy:
            text = trivy.follow(seconds + GRACE_SECONDS)
            code = trivy.process.wait()
    except OSError as error:
        raise TrivyFailedError(f"trivy cannot be started: {error}") from error
    if trivy.signals:
        raise CanceledError("Canceled; nothing was scanned to the end.")
    if trivy.expired:
        raise TrivyFailedError(
            f"trivy had not ended after {seconds:.0f} s, and was ended; --timeout gives it more."
            f" {says(text)}"
        )
    if code:
        how = f"exit code {code}" if code > 0 else f"ended by {signal.Signals(-code).name}"
        raise TrivyFailedError(f"trivy failed ({how}). {says(text)}")
    return text


class _Trivy(Child):
    """A run of trivy, of which all that it says comes through one channel."""

    def __init__(self, call: list[str]) -> None:
        self.expired = False
        self._reader, self._writer = _channel()
        super().__init__(call, Path.cwd(), stdout=self._writer, stderr=self._writer)

    def __enter__(self) -> Self:
        try:
            return super().__enter__()
        except OSError:
            os.close(self._reader)
            raise
        finally:
            os.close(self._writer)

    def __exit__(self, *error: object) -> None:
        super().__exit__(*error)
        os.close(self._reader)

    def follow(self, seconds: float) -> str:
        """Show what it says until it ends, or is ended; return the last of it."""
        kept = bytearray()
        timer = threading.Timer(seconds, self._expire)
        timer.start()
        try:
            while chunk := _read(self._reader):
                click.echo(chunk, err=True, nl=False)
                kept = (kept + chunk)[-_KEPT_BYTES:]
            # It may have closed its output and go on.
            self.process.wait()
        finally:
            timer.cancel()
        return kept.decode(errors="replace")

    def _expire(self) -> None:
        self.expired = True
        self.kill()


def says(text: str) -> str:
    """Return trivy's words as a sentence that attributes them."""
    words = words_of(text)
    lines = "".join(f"\n  {line}" for line in words.splitlines())
    return f"trivy says:{lines}" if words else "trivy says nothing."


def words_of(text: str) -> str:
    """Return why trivy failed: what follows its last FATAL, or else the last lines."""
    plain = _ESCAPES.sub("", text).replace("\r\n", "\n")
    lines = [line.rpartition("\r")[2].rstrip() for line in plain.splitlines() if line.strip()]
    fatal = [number for number, line in enumerate(lines) if "FATAL" in line]
    last = lines[fatal[-1] :] if fatal else lines[-_LAST_LINES:]
    return "\n".join(last).replace("\t", "  ")[:_WORDS_LENGTH]


def _last_of(arguments: Sequence[str], name: str) -> str:
    """Return the value of an option, given as one word or as two; empty without it."""
    found = ""
    for item, following in pairwise([*arguments, ""]):
        if item == name:
            found = following
        elif item.startswith(f"{name}="):
            found = item.partition("=")[2]
    return found


def _is_terminal() -> bool:
    return sys.stderr.isatty()


def _channel() -> tuple[int, int]:
    """Return a reading and a writing end; a terminal if ours is one, for trivy's progress bars."""
    if not _is_terminal():
        return os.pipe()
    reader, writer = pty.openpty()
    with suppress(termios.error, OSError):
        termios.tcsetwinsize(writer, termios.tcgetwinsize(sys.stderr.fileno()))
    return reader, writer


def _read(reader: int) -> bytes:
    try:
        return os.read(reader, _CHUNK_BYTES)
    except OSError:
        return b""  # how a terminal ends that nobody writes to any more
