"""Packages for the builds, fetched before they run.

Builds do not ask a package registry: they get their packages from an image that holds an npm
cache or wheels, as a named build context. So a recording is repeatable and names no host.
"""

import subprocess
import tempfile
from pathlib import Path

from recorder.repositories import Repository

WHEEL_PLATFORMS = ("manylinux2014_x86_64", "manylinux_2_17_x86_64", "manylinux_2_28_x86_64")


def fetch(repository: Repository, folder: Path) -> None:
    """Fetch into ``folder`` every package that a commit of the repository needs.

    Commits whose builds are all planned to fail are left out: they may ask for what does not exist.
    """
    seen: set[str] = set()
    fetch_file, name = FETCHERS[repository.history.packages]
    for commit, revision in zip(repository.history.commits, repository.revisions, strict=True):
        repository.checkout(revision)
        file = repository.path / name
        text = file.read_text()
        if text not in seen and any(plan.expect != "failed" for plan in commit.builds):
            fetch_file(file, folder)
            seen.add(text)


def _fetch_npm(lock: Path, folder: Path) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        for name in ("package.json", "package-lock.json"):
            (Path(scratch) / name).write_bytes(lock.with_name(name).read_bytes())
        command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        command += ["--cache", str(folder)]
        quiet = subprocess.DEVNULL
        subprocess.run(command, cwd=scratch, check=True, stdout=quiet, stderr=quiet)


def _fetch_wheels(requirements: Path, folder: Path) -> None:
    platforms = [item for name in WHEEL_PLATFORMS for item in ("--platform", name)]
    command = ["python3", "-m", "pip", "download", "--quiet", "--only-binary=:all:"]
    command += ["--python-version=3.11", *platforms, "--dest", str(folder), "-r", str(requirements)]
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)


FETCHERS = {
    "npm-cache": (_fetch_npm, "package-lock.json"),
    "wheels": (_fetch_wheels, "requirements.txt"),
}
"""By build context: how its packages are fetched, and the file that lists them."""
