"""Rows of the build farm."""

from farm.models.builder import Builder
from farm.models.notice import FailureNotice
from farm.models.request import BuildRequest, LiveBuild, RequestNeed
from farm.models.schedule import PushHook, Schedule, ScheduledSource
from farm.models.source import Source, SourceNeed

__all__ = [
    "BuildRequest",
    "Builder",
    "FailureNotice",
    "LiveBuild",
    "PushHook",
    "RequestNeed",
    "Schedule",
    "ScheduledSource",
    "Source",
    "SourceNeed",
]
