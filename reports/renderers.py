"""Forms of reports for the API, which are made before DRF asks for them."""

from collections.abc import Mapping
from typing import Any

from rest_framework.renderers import BaseRenderer, JSONRenderer


class MadeRenderer(BaseRenderer):
    """What was made already; an error as JSON, as programs expect it."""

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> Any:
        """Return the text or the bytes."""
        if isinstance(data, (str, bytes)):
            return data
        (renderer_context or {})["response"]["Content-Type"] = JSONRenderer.media_type
        return JSONRenderer().render(data)


class AsPDF(MadeRenderer):
    """A document."""

    media_type = "application/pdf"
    format = "pdf"
    charset = None
    render_style = "binary"
