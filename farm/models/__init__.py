"""Rows of the build farm."""

from farm.models.builder import Builder
from farm.models.request import BuildRequest, LiveBuild, RequestNeed
from farm.models.source import Source, SourceNeed

__all__ = ["BuildRequest", "Builder", "LiveBuild", "RequestNeed", "Source", "SourceNeed"]
