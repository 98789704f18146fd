"""What builds have left in a worker's directory: folders of dead ones, and mirrors that grow."""

import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import structlog
from django.conf import settings

from farm.following import HOME
from farm.git import CheckoutError, Git, git_environment
from farm.mirrors import BusyError, do_not_wait, locked, mirror_at, remove_mirror, tidy
from farm.models import BuildRequest
from farm.processes import processes_of

log = structlog.get_logger(__name__)

UNUSED_AFTER = timedelta(days=30)
_FOLDER = re.compile(r"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})-.+")


def sweep() -> None:
    """Remove what no build needs any more; of the processes of a host, one at a time does."""
    work = Path(settings.BUILD_WORK_DIR)
    with suppress(BusyError), locked(work / "sweep.lock", do_not_wait):
        for folder in _left_folders(work):
            log.info("build_folder_swept", folder=folder.name)
            shutil.rmtree(folder, onexc=_log_left)
        for path in sorted((work / "mirrors").glob("*.lock")):
            with suppress(BusyError), locked(path, do_not_wait) as lock:
                _sweep_mirror(path, lock)


def _left_folders(work: Path) -> Iterator[Path]:
    """Yield folders of builds that have ended, or that nobody knows, and that nobody works in."""
    builds = {path: found[1] for path in work.iterdir() if (found := _FOLDER.fullmatch(path.name))}
    requests = BuildRequest.objects.filter(build__public_id__in=builds.values())
    going_on = requests.exclude(state=BuildRequest.State.ENDED)
    kept = {str(number) for number in going_on.values_list("build__public_id", flat=True)}
    for folder, build in builds.items():
        if build not in kept and not any(processes_of(folder / HOME)):
            yield folder


def _sweep_mirror(path: Path, lock: int) -> None:
    mirror = mirror_at(path)
    if time.time() - path.stat().st_mtime > UNUSED_AFTER.total_seconds():
        remove_mirror(mirror)
        return
    try:
        tidy(Git(mirror, lock, git_environment(mirror.parent)))
    except (CheckoutError, OSError):
        log.warning("mirror_not_tidied", mirror=mirror.name, exc_info=True)


def _log_left(function: Callable[..., object], path: str, error: BaseException) -> None:
    log.warning("not_swept", path=path, error=str(error))
