"""How the API tells of expected refusals."""

from django.core.exceptions import BadRequest, RequestDataTooBig, SuspiciousOperation
from django.http.multipartparser import MultiPartParserError
from drf_standardized_errors.handler import ExceptionHandler
from rest_framework import status
from rest_framework.exceptions import APIException, ParseError

from buildinsights.exceptions import DomainError


class ApiExceptionHandler(ExceptionHandler):
    """Give refusals the one shape of all errors of the API."""

    def convert_known_exceptions(self, exc: Exception) -> Exception:
        """Turn a ``DomainError`` into the response that its class names.

        What Django refuses while it reads a request is the sender's fault too.
        """
        if isinstance(exc, DomainError):
            refusal = APIException(str(exc), exc.code)
            refusal.status_code = exc.status_code
            return refusal
        if isinstance(exc, RequestDataTooBig):
            refusal = APIException(str(exc), "body_too_large")
            refusal.status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
            return refusal
        if isinstance(exc, BadRequest | MultiPartParserError | SuspiciousOperation):
            return ParseError(str(exc))
        return super().convert_known_exceptions(exc)
