"""Where recommendations come from: each is told from what one app has measured."""

from collections.abc import Callable, Iterator
from datetime import datetime

from accounts.models import Project
from recommendations.drafts import Draft
from recommendations.sources.builders import from_builders, from_emulation
from recommendations.sources.changes import from_changes
from recommendations.sources.images import from_images
from recommendations.sources.layers import from_layers
from recommendations.sources.references import from_references

type Source = Callable[[Project, datetime], Iterator[Draft]]

SOURCES: tuple[Source, ...] = (
    from_layers,
    from_changes,
    from_references,
    from_images,
    from_builders,
    from_emulation,
)
