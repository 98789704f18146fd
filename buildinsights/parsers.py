"""Reading the bodies of the API."""

from collections.abc import Mapping
from io import BytesIO
from typing import IO, Any

from rest_framework import status
from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import JSONParser


class BodyTooLargeError(APIException):
    """413."""

    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_code = "body_too_large"


class BoundedJSONParser(JSONParser):
    """JSON of at most ``most_bytes``, of which no more is read.

    What is nested too deep is the sender's fault, like what is no JSON.
    """

    most_bytes = 4 * 1024**2

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        """Return the document."""
        data = stream.read(self.most_bytes + 1)
        if len(data) > self.most_bytes:
            raise BodyTooLargeError(f"A document has at most {self.most_bytes} bytes.")
        try:
            return super().parse(BytesIO(data), media_type, parser_context)
        except RecursionError as error:
            raise ParseError("JSON parse error - it is nested too deep.") from error
