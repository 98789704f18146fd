"""One request from its claim to its record: checkout, the command, what it left, the end."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog
from django.conf import settings

from buildkit.failure_classes import FailureClass
from builds.models import Build
from farm.checkout import NO_ROOM, Places, Wanted, checked_out
from farm.credentials import Keys
from farm.endings import finish
from farm.following import CHECKOUT, HOME, TEMPORARY, Follower
from farm.git import CheckoutError
from farm.heartbeat import Heartbeat, StoppedError
from farm.models import BuildRequest
from farm.outcomes import end_early, settle
from farm.signals import command_ended, command_starting

log = structlog.get_logger(__name__)


def run(request: BuildRequest) -> None:
    """Run a claimed request to its end, whatever happens."""
    with structlog.contextvars.bound_contextvars(build_id=str(request.build.public_id)):
        try:
            with Heartbeat(request) as heartbeat, _workspace(request) as folder:
                _run_in(request, folder, heartbeat)
        except StoppedError as error:
            end_early(request, error.stop)
        except CheckoutError as error:
            finish(request, Build.Status.FAILED, message=str(error))
        except OSError as error:
            log.exception("build_run_failed")
            finish(request, Build.Status.FAILED, _class_of(error), f"On the worker: {error}")
        except Exception:
            log.exception("build_run_crashed")
            finish(request, Build.Status.FAILED, message="An error of ours; it is in the log.")


def _class_of(error: OSError) -> FailureClass | None:
    return FailureClass.DISK_FULL if error.errno in NO_ROOM else None


@contextmanager
def _workspace(request: BuildRequest) -> Iterator[Path]:
    """Have a folder while the block runs; the sweep finds by its name what a dead worker left."""
    work = Path(settings.BUILD_WORK_DIR)
    work.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f"{request.build.public_id}-", dir=work))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _run_in(request: BuildRequest, folder: Path, heartbeat: Heartbeat) -> None:
    build, source = request.build, request.source
    address, branch = source.repository_url, request.branch
    wanted = Wanted(address, branch, build.revision, source.deploy_key)
    into = folder / CHECKOUT
    with checked_out(wanted, into, _places(request), heartbeat.check) as revision:
        heartbeat.check()
        Build.objects.filter(pk=build.pk).update(revision=revision)
        build.revision = revision
        home = folder / HOME
        home.mkdir()
        (folder / TEMPORARY).mkdir()
        # A receiver that fails is logged, and ends no build.
        command_starting.send_robust(BuildRequest, request=request, home=home)
        outcome = Follower(request, folder, heartbeat).follow()
    if heartbeat.is_ours:
        command_ended.send_robust(BuildRequest, request=request, home=home)
        settle(request, home, outcome)


def _places(request: BuildRequest) -> Places:
    slug = request.source.service.project.slug
    return Places(
        mirrors=Path(settings.BUILD_WORK_DIR) / "mirrors",
        keys=Keys.of_project(Path(settings.BUILD_KEYS_DIR), slug),
        roots=[Path(root) for root in settings.BUILD_SOURCE_ROOTS],
    )
