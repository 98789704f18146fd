"""One image: what each instruction added, which builds made it, what lies in it."""

from typing import Any

from django.urls import reverse

from builds.layerview import image_layers, layers_context
from builds.models import Build, Image, Step
from sizes.images_page import contents_of
from sizes.production import findings_of, is_for_production

LISTED_BUILDS = 20


def image_page(image: Image) -> dict[str, Any]:
    """Return the context."""
    builds = Build.objects.filter(image_links__image=image).select_related("project", "service")
    made = list(builds.newest_first()[:LISTED_BUILDS])
    steps = list(Step.objects.of(made[0])) if made else []
    views = layers_context(made[0], steps)["images"] if made else []
    rows = dict(image_layers(made[0], steps)).get(image, []) if made else []
    contents = contents_of(image)
    return {
        "image": image,
        "crumbs": [{"label": "Images", "href": reverse("sizes:images", args=[image.project.slug])}],
        "view": next((view for view in views if view["image"]["digest"] == image.digest), None),
        "builds": made,
        "listed": LISTED_BUILDS,
        "contents": contents,
        "findings": findings_of(rows, contents),
        "is_production": any(is_for_production(build) for build in made),
    }
