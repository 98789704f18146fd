"""Updates of bases that are tried: a commit is built as it is, and with another base.

The build that is asked for is that of the commit as it is; that of the changed tree becomes one of
its own. Neither is one of the branch: they are built for one platform, and pushed nowhere.
"""

from collections.abc import Mapping
from typing import Any

from buildkit.values import as_dict, as_text
from builds.models import Build, Service
from cli.bases.told import CHANGED
from cli.errors import FINDINGS
from farm.models import Source
from farm.queueing import Wish

TRIGGER = "base-update"
AFTER = "-after"
"""After the pipeline run of the build that is asked for: that of the changed tree."""

PATCH, VERDICT = "base.patch", "verdict.json"
"""What the command leaves beside its records."""

ENDS_WELL = frozenset({0, FINDINGS})
"""Exit codes with a verdict: a base that is worse was tried as well."""


def update_wish(source: Source, old: str, new: str) -> Wish:
    """Return what to ask for, to try ``new`` in the place of ``old``."""
    return Wish(
        ref_name=ref_of(source.service, "before"),
        platforms=tuple(source.platforms[:1]),
        base_from=old,
        base_to=new,
        trigger=TRIGGER,
    )


def ref_of(service: Service, word: str) -> str:
    """Return what stands in the place of a branch: ``before`` the change, or ``after`` it."""
    return f"{CHANGED}/{service.slug}/{word}"


def run_of_changed(build: Build) -> str:
    """Return the pipeline run of the build of the changed tree."""
    return build.pipeline_run_id + AFTER


def is_of_changed(run: Mapping[str, Any]) -> bool:
    """Tell whether the record of a run is that of the changed tree."""
    return as_text(as_dict(run.get("fields")).get("ref_name")).startswith(f"{CHANGED}/")
