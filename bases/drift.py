"""How far bases are behind what their tags mean now."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from bases.models import BaseImage, TagLook
from supplychain.bases.drifting import Drift, Sighting, drift_of

type Tagged = tuple[int, str]


def sightings_of(images: Iterable[BaseImage]) -> dict[Tagged, list[Sighting]]:
    """Return what the tags of images were seen to mean, by repository and tag."""
    repositories = {image.repository_id for image in images}
    found: defaultdict[Tagged, list[Sighting]] = defaultdict(list)
    rows = TagLook.objects.filter(image__repository__in=repositories).exclude(image__tag="")
    for repository, tag, digest, first, last, source in rows.values_list(
        "image__repository", "image__tag", "image__digest", "first_at", "last_at", "source"
    ):
        is_look = source == TagLook.Source.REGISTRY
        found[repository, tag].append(Sighting(digest, first, last, is_look))
    return found


def drifts_of(images: Sequence[BaseImage]) -> dict[int, Drift]:
    """Return how far each image is behind its tag, by its key."""
    seen = sightings_of(images)
    return {
        image.pk: drift_of(image.digest, seen.get((image.repository_id, image.tag), ()))
        for image in images
    }
