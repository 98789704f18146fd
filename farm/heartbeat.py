"""The sign of life of a run, and what is heard with it: whether the run is to stop."""

import threading
import time
from dataclasses import dataclass
from enum import Enum, auto
from types import TracebackType
from typing import Self

import structlog
from django.db import Error, connection

from farm.claims import beat
from farm.models import BuildRequest

log = structlog.get_logger(__name__)

BEAT_SECONDS = 2.0
JOIN_SECONDS = 10.0


class Why(Enum):
    """Why a run is to stop before it is done."""

    TAKEN_AWAY = auto()
    CANCELED = auto()
    TIMED_OUT = auto()


@dataclass(frozen=True, slots=True)
class Stop:
    """A run is to stop; ``reason`` is what people are told."""

    why: Why
    reason: str = ""


class StoppedError(Exception):
    """A run was interrupted, as it was to stop."""

    def __init__(self, stop: Stop) -> None:
        self.stop = stop
        super().__init__(stop.reason)


class Heartbeat:
    """Beats in a thread of its own while the block runs, whatever the block is waiting for.

    The time limit counts from the beginning of the block, which is when the request was claimed.
    """

    def __init__(self, request: BuildRequest) -> None:
        self._request = request
        self._limit = request.source.time_limit_seconds
        self._began = time.monotonic()
        self._heard: Stop | None = None
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._beat_on, name="heartbeat", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._is_over.set()
        self._thread.join(JOIN_SECONDS)

    @property
    def stop(self) -> Stop | None:
        """Whether, and why, the run is to stop now."""
        if self._heard is None and time.monotonic() - self._began > self._limit:
            return Stop(Why.TIMED_OUT, f"The time limit of {self._limit} s was reached.")
        return self._heard

    @property
    def is_ours(self) -> bool:
        """Whether the request is, as far as was heard, still this worker's."""
        return self._heard is None or self._heard.why is not Why.TAKEN_AWAY

    def check(self) -> None:
        """Interrupt a run that is to stop.

        Raises:
            StoppedError: it is.
        """
        if (stop := self.stop) is not None:
            raise StoppedError(stop)

    def _beat_on(self) -> None:
        try:
            self._beat()
            while not self._is_over.wait(BEAT_SECONDS):
                self._beat()
        finally:
            connection.close()

    def _beat(self) -> None:
        try:
            is_ours, cancel_requested_at = beat(self._request)
            if not is_ours:
                self._heard = Stop(Why.TAKEN_AWAY)
            elif cancel_requested_at is not None and self._heard is None:
                self._heard = Stop(Why.CANCELED, self._cancel_reason())
        except Error:
            # The next beat connects anew: a short absence of the database ends no build.
            log.warning("heartbeat_failed", request_id=self._request.pk, exc_info=True)
            connection.close()

    def _cancel_reason(self) -> str:
        requests = BuildRequest.objects.filter(pk=self._request.pk)
        return requests.values_list("cancel_reason", flat=True).first() or ""
