"""The page of one build: a summary above, and one tab that loads only what it shows."""

from collections.abc import Callable, Mapping, Set
from typing import Any

from django.urls import reverse

from accounts.roles import Scope
from builds.crumbs import build_crumbs
from builds.layerview import layers_context
from builds.logview import log_context, log_tail
from builds.models import Build, BuildSource, ResourceSeries, Step
from builds.sourceview import annotated_lines, excerpt, source_context
from builds.usual import usual_of
from builds.waterfall import longest, waterfall

LOOKS = 10
"""Checks of a build's images that its page leads to: one a platform, as a rule."""

TABS = {
    "timeline": "Timeline",
    "steps": "Steps",
    "why": "Why it ran",
    "log": "Log",
    "source": "Dockerfile",
    "layers": "Layers",
    "evidence": "Inputs",
}


def build_page(
    build: Build, query: Mapping[str, str], scopes: Set[str] = frozenset()
) -> dict[str, Any]:
    """Return the context of the page; ``query`` is the address's query, ``scopes`` the reader's."""
    tab = query.get("tab", "")
    tab = tab if tab in TABS else "timeline"
    request = getattr(build, "request", None)  # of a build that this server was asked for
    return {
        "build": build,
        "usual": usual_of(build),
        "failure_excerpt": failure_excerpt(build) if build.failure_class else [],
        "failure_log": log_tail(build, build.failure_step) if build.failure_step else [],
        "crumbs": build_crumbs(build),
        "can": _actions(build, scopes, is_ours=request is not None),
        "tried_before": _tried_before(request),
        "live_href": _live_href(build) if request is not None else "",
        "again_href": _again_href(build),
        "tab": tab,
        "tabs": [
            {"label": label, "href": _tab_href(build, name), "current": name == tab}
            for name, label in TABS.items()
        ],
        **TAB_CONTEXTS[tab](build, query),
    }


def _actions(build: Build, scopes: Set[str], *, is_ours: bool) -> dict[str, str]:
    """Return the addresses of what the reader may do; only the server's own builds can be ended."""
    args = [build.project.slug, build.public_id]
    actions = {"compare_href": reverse("builds:compare", args=args)}
    if Scope.BUILDS_TRIGGER in scopes and is_ours:
        name = "retry" if build.is_final else "cancel"
        actions[name] = reverse(f"farm:{name}", args=args)
    return actions


def _tried_before(request: Any) -> dict[str, Any] | None:
    """Return the attempt before this one, of a build that was tried again."""
    if request is None or request.retry_of_id is None:
        return None
    before = Build.objects.select_related("project").get(pk=request.retry_of_id)
    return {"attempt": request.attempt, "before_href": before.get_absolute_url()}


def _tab_href(build: Build, tab: str) -> str:
    """Return a tab's address; why steps ran is another app's to tell."""
    if tab == "why":
        return reverse("cache:why", args=[build.project.slug, build.public_id])
    return f"{build.get_absolute_url()}?tab={tab}"


def _live_href(build: Build) -> str:
    if build.is_final:
        return ""
    address = reverse("farm:live", args=[build.project.slug, build.public_id])
    return f"{address}?seen={build.status}"


def _again_href(build: Build) -> str:
    args = [build.project.slug, build.public_id]
    return reverse("farm:again", args=args) if build.is_final else ""


def failure_excerpt(build: Build) -> list[dict[str, Any]]:
    """Return the failing lines inside their Dockerfile, or nothing if they are not known."""
    source = _failing_source(build)
    if source is None:
        return []
    steps: list[Step] = []
    if build.failure_step is not None:
        steps = list(Step.objects.of(build).filter(position=build.failure_step))
    return excerpt(annotated_lines(build, source, steps))


def _sources(build: Build) -> list[BuildSource]:
    return list(build.sources.select_related("source_text"))


def _failing_source(build: Build) -> BuildSource | None:
    sources = _sources(build)
    named = [source for source in sources if source.filename == build.failure_filename]
    return next(iter(named or sources), None)


def _timeline(build: Build, query: Mapping[str, str]) -> dict[str, Any]:
    steps = list(Step.objects.of(build))
    resources = ResourceSeries.objects.filter(build=build).first()
    return {"waterfall": waterfall(build, steps, resources) | {"beside": _beside(build)}}


def _beside(build: Build) -> dict[str, Any] | None:
    """Return how many builds were on its builder beside it, once that is counted."""
    stay = getattr(build, "stay", None)  # of a build that says its builder
    if stay is None or stay.neighbours is None:
        return None
    return {
        "others": stay.neighbours,
        "mean": stay.beside,
        "builder": stay.builder,
        "href": reverse("resources:builder", args=[build.project.slug, stay.builder]),
    }


def _steps(build: Build, query: Mapping[str, str]) -> dict[str, Any]:
    steps = list(Step.objects.of(build))
    return {"steps": longest(steps), "steps_count": len(steps)}


def _log(build: Build, query: Mapping[str, str]) -> dict[str, Any]:
    position = query.get("step", "")
    step = int(position) if position.isdecimal() and len(position) < 10 else None
    text = query.get("q", "").replace("\0", "").strip()[:200]
    if not position and not text:
        step = build.failure_step  # what somebody with a failed build came for
    return {"log": log_context(build, step, text)}


def _source(build: Build, query: Mapping[str, str]) -> dict[str, Any]:
    steps = list(Step.objects.of(build))
    warnings = list(build.warnings.all())
    return {
        "sources": [source_context(build, source, steps, warnings) for source in _sources(build)],
        "warnings": warnings,
    }


def _layers(build: Build, query: Mapping[str, str]) -> dict[str, Any]:
    looks = build.inspections.order_by("-inspected_at", "-pk").select_related("project")
    return layers_context(build, list(Step.objects.of(build))) | {"looks": list(looks[:LOOKS])}


def _evidence(build: Build, query: Mapping[str, str]) -> dict[str, Any]:
    attributes = {
        name: value
        for name, value in build.frontend_attrs.items()
        if name.removeprefix("build-arg:") not in build.build_args
    }
    return {"materials": list(build.materials.all()), "attributes": attributes}


TAB_CONTEXTS: dict[str, Callable[[Build, Mapping[str, str]], dict[str, Any]]] = {
    "timeline": _timeline,
    "steps": _steps,
    "log": _log,
    "source": _source,
    "layers": _layers,
    "evidence": _evidence,
    "why": lambda build, query: {},
}
