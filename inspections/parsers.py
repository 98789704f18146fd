"""Bodies of documents, which are small."""

import json
from collections.abc import Mapping
from typing import IO, Any

from rest_framework import status
from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import BaseParser

MOST_BYTES = 2 * 1024**2


class DocumentTooLargeError(APIException):
    """413."""

    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_detail = f"A document has at most {MOST_BYTES} bytes."
    default_code = "body_too_large"


class DocumentParser(BaseParser):
    """JSON of at most ``MOST_BYTES``."""

    media_type = "application/json"

    def parse(
        self,
        stream: IO[bytes],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        """Return the document."""
        data = stream.read(MOST_BYTES + 1)
        if len(data) > MOST_BYTES:
            raise DocumentTooLargeError
        try:
            return json.loads(data)
        except (ValueError, RecursionError) as error:
            raise ParseError("body: This is not JSON.") from error
