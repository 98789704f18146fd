"""How the API tells of expected refusals."""

from drf_standardized_errors.handler import ExceptionHandler
from rest_framework.exceptions import APIException

from buildinsights.exceptions import DomainError


class ApiExceptionHandler(ExceptionHandler):
    """Give refusals the one shape of all errors of the API."""

    def convert_known_exceptions(self, exc: Exception) -> Exception:
        """Turn a ``DomainError`` into the response that its class names."""
        if isinstance(exc, DomainError):
            refusal = APIException(str(exc), exc.code)
            refusal.status_code = exc.status_code
            return refusal
        return super().convert_known_exceptions(exc)
