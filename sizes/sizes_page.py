"""What made the images of a service grow."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from django.http import QueryDict
from django.urls import reverse

from buildinsights.charts import Chart, Spot, draw
from buildinsights.templatetags.formats import filesize
from builds.crumbs import service_crumbs
from builds.layerview import image_layers
from builds.models import Service, Step
from sizes.growth import PERIODS, Growth, SizesForm
from sizes.images_page import contents_of
from sizes.production import findings_of, is_for_production
from sizes.querysets import GROUP
from sizes.sisters import told_sisters


def sizes_page(service: Service, query: QueryDict) -> dict[str, Any]:
    """Return the context; what is not a choice is not applied."""
    form = SizesForm(service, query.dict())
    if form.newest and not form.is_valid():
        form = SizesForm(service, {})
        form.is_valid()
    context: dict[str, Any] = {
        "service": service,
        "crumbs": service_crumbs(service),
        "form": form if form.newest else None,
        "query": urlencode({"project": service.project.slug, **query.dict()}),
    }
    growth = form.chosen
    if growth is None:
        return context
    days = form.cleaned_data["days"]
    return context | {
        "newest": growth.newest,
        "days": days,
        "totals": _totals(growth),
        "instructions": growth.instructions(),
        "changes": _changes(growth, days),
        **_drawn(growth, days, _links(service, form)),
        **_tools(growth),
        **told_sisters(growth),
    }


def _links(service: Service, form: SizesForm) -> dict[str, str]:
    """Return where the numbers of the chart are."""
    asked = {name: form.cleaned_data[name] for name in ("group", "days")}
    query = urlencode({"project": service.project.slug, **asked})
    api = f"{reverse('api:service-sizes', args=[service.slug])}?{query}"
    return {"As JSON": api, "As CSV": f"{api}&table=days&format=csv"}


def _tools(growth: Growth) -> dict[str, Any]:
    """Return the development tools of the newest image."""
    build, image = growth.newest.build, growth.newest.image
    rows = dict(image_layers(build, list(Step.objects.of(build)))).get(image, [])
    contents = contents_of(image)
    return {
        "contents": contents,
        "findings": findings_of(rows, contents),
        "is_production": is_for_production(build),
    }


def _changes(growth: Growth, days: int) -> list[dict[str, Any]]:
    return [
        {"stair": stair, "build": stair.build, "held": growth.held(stair)}
        for stair in growth.changes(days)
    ]


def _totals(growth: Growth) -> list[dict[str, Any]]:
    """Return how much larger the newest image is than before, for each period."""
    size = growth.newest.size_bytes
    return [
        {
            "days": days,
            "since": since,
            "delta_bytes": size - since.size_bytes if since else None,
            "ratio": size / since.size_bytes - 1 if since and since.size_bytes else None,
        }
        for days, since in zip(PERIODS, growth.sinces, strict=True)
    ]


def _drawn(growth: Growth, days: int, links: Mapping[str, str]) -> dict[str, Any]:
    """Return the chart of days with an image."""
    known = growth.days(days)
    if not known:
        return {"chart": None, "summary": "No image in this period."}
    sizes = [size for _, size in known]
    low, high = filesize(min(sizes)), filesize(max(sizes))
    summary = (
        f"{low} to {high}, the last image of each day with one; now "
        f"{filesize(growth.newest.size_bytes)}"
    )
    spots = [Spot(day, size, [str(filesize(size))]) for day, size in known]
    chart = Chart(
        spots=spots, unit="bytes", shown=filesize, summary=summary, name="Size", links=links
    )
    return {"chart": draw(chart), "summary": summary}


_NOTHING: Mapping[str, Any] = {
    "growths": [],
    "days": [],
    "instructions": [],
    "changes": [],
    "is_production": False,
    "findings": [],
    "base": None,
    "sisters": [],
    "bases": [],
}


def told_sizes(form: SizesForm) -> dict[str, Any]:
    """Return the same for machines, of a form that is valid or has no image."""
    groups = [
        {"number": number, **{name: getattr(row, name) for name in GROUP}}
        for number, row in enumerate(form.newest)
    ]
    growth = form.chosen
    told: dict[str, Any] = {"groups": groups, "group": None, "newest": None, **_NOTHING}
    if growth is None:
        return told
    days = form.cleaned_data["days"]
    return told | {
        "group": form.cleaned_data["group"],
        "newest": growth.newest,
        "growths": [
            {**total, "since": total["since"].at if total["since"] else None}
            for total in _totals(growth)
        ],
        "days": [{"day": day, "size_bytes": size} for day, size in growth.days(days)],
        "instructions": growth.instructions(),
        "changes": _changes(growth, days),
        **_tools(growth),
        **told_sisters(growth),
    }
