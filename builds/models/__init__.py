"""Services, builds, and everything that is known about a build."""

from builds.models.build import Build
from builds.models.evidence import (
    BuildImage,
    BuildSource,
    BuildWarning,
    Image,
    Layer,
    Material,
    ResourceSeries,
    SourceText,
)
from builds.models.service import Service
from builds.models.step import Step, StepBaseline, StepLog

__all__ = [
    "Build",
    "BuildImage",
    "BuildSource",
    "BuildWarning",
    "Image",
    "Layer",
    "Material",
    "ResourceSeries",
    "Service",
    "SourceText",
    "Step",
    "StepBaseline",
    "StepLog",
]
