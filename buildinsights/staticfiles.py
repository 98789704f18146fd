"""Static files: one that a package brings, and compression that does not hold up a start."""

from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import brotli
from django.contrib.staticfiles.finders import BaseFinder
from django.core.files.storage import FileSystemStorage
from whitenoise.compress import Compressor
from whitenoise.storage import CompressedManifestStaticFilesStorage

PLOTLY = "plotly/plotly.min.js"
"""Plotly's own build, from the wheel that pip verified by hash; no copy of it is kept here."""

BROTLI_QUALITY = 9
"""Of 11. Plotly's 4.8 MB take 0.4 s and become 1.23 MB; at 11 they take 20 s and become 1.11 MB."""


class PlotlyFinder(BaseFinder):
    """Finds one file of the plotly package, which is not imported for it."""

    def __init__(self) -> None:
        spec = find_spec("plotly")
        places = spec.submodule_search_locations if spec else None
        if not places:
            raise ModuleNotFoundError("plotly is not installed: charts need its plotly.min.js")
        self.storage = FileSystemStorage(location=Path(places[0]) / "package_data")
        # Where collectstatic puts what it finds in this storage.
        self.storage.prefix = "plotly"  # type: ignore[attr-defined]

    def find(self, path: str, find_all: bool = False, **_: Any) -> Any:
        """Return the file's place on disk; nothing of other paths."""
        if path != PLOTLY:
            return []
        found = self.storage.path(Path(PLOTLY).name)
        return [found] if find_all else found

    def list(self, ignore_patterns: Iterable[str] | None) -> Iterator[tuple[str, Any]]:
        """Yield the one file."""
        yield Path(PLOTLY).name, self.storage


class QuickCompressor(Compressor):  # type: ignore[misc]  # not annotated
    """Compresses well enough in little time."""

    @staticmethod
    def compress_brotli(data: bytes) -> bytes:
        """Return the bytes in Brotli."""
        packed: bytes = brotli.compress(data, quality=BROTLI_QUALITY)
        return packed


class HashedStaticFiles(CompressedManifestStaticFilesStorage):  # type: ignore[misc]  # the same
    """Files named by their content's hash, compressed beside them."""

    def create_compressor(self, **options: Any) -> Compressor:
        """Return what compresses."""
        return QuickCompressor(**options)
