"""Of which service a document about an image is."""

from buildkit.errors import ParseError
from builds.models import Service
from builds.services import get_or_create_service
from security.matching import Match


def service_of(
    project_id: int, stated: str, found: Match | None, *, what: str, is_image: bool
) -> Service | None:
    """Return the service of an image's build, or the one that is stated; ``None`` if it may wait.

    Raises:
        ParseError: nothing tells, and no build of an image will.
    """
    if found:
        return found.build.service
    if stated:
        return get_or_create_service(project_id=project_id, name=stated)
    if is_image:
        return None
    raise ParseError("service", f"The {what} names no image by its digest: send the service.")
