"""The page of one look at an image."""

from typing import Any

from django.urls import reverse

from builds.crumbs import service_crumbs
from builds.diffs import diff_lines
from builds.models import BuildSource
from inspections.checks_page import FAIL, OUTCOMES, failure_of
from inspections.models import CheckResult, Inspection
from supplychain.imagechecks.fixes import bases_of, fix_of


def inspection_page(inspection: Inspection) -> dict[str, Any]:
    """Return the context of the page."""
    results = list(inspection.results.select_related("since__build__project"))
    source = _source(inspection)
    failed = sorted(
        (item for item in results if item.outcome == FAIL), key=lambda item: -item.severity
    )
    return {
        "inspection": inspection,
        "crumbs": _crumbs(inspection),
        "failures": [
            failure_of(inspection, item) | {"diff": _diff(inspection, item, source)}
            for item in failed
        ],
        "others": [
            {"result": item, "badge": OUTCOMES[CheckResult.Outcome(item.outcome)]}
            for item in results
            if item.outcome != FAIL
        ],
        "counts": {
            outcome.name.lower(): sum(item.outcome == outcome for item in results)
            for outcome in CheckResult.Outcome
        },
        "titles": {item.check_id: item.title for item in results},
        "facts": facts_of(inspection),
    }


def _crumbs(inspection: Inspection) -> list[dict[str, str]]:
    address = reverse("inspections:checks", args=[inspection.project.slug])
    crumbs = [{"label": "Image checks", "href": address}]
    if inspection.service is None:
        return crumbs
    # The service's project is that of the inspection, which is read already.
    inspection.service.project = inspection.project
    return [*crumbs, *service_crumbs(inspection.service)[1:]]


def _source(inspection: Inspection) -> BuildSource | None:
    """Return the Dockerfile of the build that made the image, if it is kept."""
    if inspection.build is None:
        return None
    sources = inspection.build.sources.select_related("source_text")
    return next((item for item in sources if item.language in ("", "Dockerfile")), None)


def _diff(
    inspection: Inspection, result: CheckResult, source: BuildSource | None
) -> list[dict[str, str]]:
    if source is None or inspection.build is None:
        return []
    text = fix_of(
        result.check_id,
        source.source_text.text,
        path=source.filename or "Dockerfile",
        target=inspection.build.target,
        bases=bases_of(inspection.config),
    )
    return diff_lines(text)


def facts_of(inspection: Inspection) -> list[tuple[str, str]]:
    """Return what the configuration says, in words; what is not text is left out."""
    config = inspection.config
    uid = config.get("uid")
    user = str(config.get("user") or "not set")
    return [
        ("User", f"{user} (UID {uid})" if uid is not None else user),
        ("Entry point", _words(config.get("entrypoint"))),
        ("Command", _words(config.get("cmd"))),
        ("Health check", _words(config.get("healthcheck"))),
        ("Exposed ports", _words(config.get("exposed_ports"))),
    ]


def _words(value: object) -> str:
    return " ".join(str(item) for item in value) if isinstance(value, list) else ""
