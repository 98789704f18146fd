"""Development tools in images that are made for production, each with its evidence."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from buildkit.devtools import installed_by
from buildkit.instructions import normalised
from builds.layerview import LayerRow
from builds.models import Build
from sizes.models import ImageContents

_NODE = "NODE_ENV=production"
PRODUCTION = frozenset({"prod", "production"})


@dataclass(frozen=True, slots=True)
class Finding:
    """A tool; ``bytes`` are known if it was seen in the layers, not if an instruction tells."""

    name: str
    evidence: str
    advice: str
    instruction: str
    bytes: int | None = None


def is_for_production(build: Build) -> bool:
    """Tell whether a build's variant, or what it is built for, is production."""
    return bool({build.variant.lower(), build.environment.lower()} & PRODUCTION)


def findings_of(rows: Sequence[LayerRow], contents: ImageContents | None) -> list[Finding]:
    """Return the development tools of an image: what was seen in it first, most bytes first.

    ``rows`` are what each instruction of its last stage added. What the base brought is seen, but
    no instruction of this image's is to blame for it. An instruction of which a tool was seen is
    not told again.
    """
    seen = [_seen(tool) for tool in (contents.tools if contents else [])]
    proven = {normalised(finding.instruction) for finding in seen}
    return [*seen, *(finding for finding in _told(rows) if finding.instruction not in proven)]


def _seen(tool: dict[str, Any]) -> Finding:
    files = f"{tool['files']} file{'' if tool['files'] == 1 else 's'}"
    evidence = f"/{tool['path']}" + (f" and others, {files}" if tool["files"] > 1 else "")
    return Finding(tool["name"], evidence, tool["why"], tool["instruction"], tool["bytes"])


def _told(rows: Sequence[LayerRow]) -> list[Finding]:
    """Return what instructions say that they install and do not remove."""
    own = [(row, normalised(row.instruction)) for row in rows if not row.base]
    found: list[Finding] = []
    is_production = False
    for row, text in own:
        is_production |= text.startswith("ENV") and _NODE in text
        is_here = is_production or _NODE in row.instruction
        found += [
            Finding(item.name, item.evidence, item.instead, text)
            for item in installed_by(text, production_env=is_here)
        ]
    return found
