"""Content types that the ingest endpoints take beside multipart forms."""

from collections.abc import Mapping
from typing import IO, Any

from rest_framework.parsers import BaseParser


class BytesParser(BaseParser):
    """A body as the bytes that it is: a worker reads it later."""

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        """Return the whole body as bytes."""
        return stream.read()


class NdjsonParser(BytesParser):
    """``application/x-ndjson``: lines are read one by one later."""

    media_type = "application/x-ndjson"


class ReportParser(BytesParser):
    """``application/json``."""

    media_type = "application/json"


class SarifParser(BytesParser):
    """``application/sarif+json``."""

    media_type = "application/sarif+json"


class OpenVexParser(BytesParser):
    """``application/vnd.openvex+json``."""

    media_type = "application/vnd.openvex+json"


class CycloneDXParser(BytesParser):
    """``application/vnd.cyclonedx+json``."""

    media_type = "application/vnd.cyclonedx+json"


class SpdxParser(BytesParser):
    """``application/spdx+json``."""

    media_type = "application/spdx+json"


class InTotoParser(BytesParser):
    """``application/vnd.in-toto+json``."""

    media_type = "application/vnd.in-toto+json"
