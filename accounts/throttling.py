"""How much one token or person may ask."""

from typing import Any

from rest_framework.request import Request
from rest_framework.throttling import SimpleRateThrottle


class TokenRateThrottle(SimpleRateThrottle):
    """``API_RATE`` requests for each token or user (per web process), else 429 with Retry-After."""

    scope = "token"

    def get_cache_key(self, request: Request, view: Any) -> str | None:
        """Count authenticated actors each for itself and strangers by address."""
        user = request.user
        if user and user.is_authenticated:
            return f"throttle-{user.actor_type}-{user.actor_id}"
        return f"throttle-address-{self.get_ident(request)}"
