"""Content types that the ingest endpoints take beside multipart forms."""

from collections.abc import Mapping
from typing import IO, Any

from rest_framework.parsers import BaseParser


class NdjsonParser(BaseParser):
    """``application/x-ndjson``: the bytes as they are; lines are read one by one later."""

    media_type = "application/x-ndjson"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        """Return the whole body as bytes."""
        return stream.read()
