"""Building without the cache from one stage on.

Bake reads ``no-cache-filter`` from a definition, and ignores what ``--set`` says of it (seen in
buildx 0.29): a second definition says it of the targets.
"""

import json
from collections.abc import Sequence

from cli.definitions import keep_definition, read_by_bake
from cli.planning import plan_of


def files_without_cache(
    files: Sequence[str], targets: Sequence[str], stage: str
) -> tuple[str, ...]:
    """Return the definitions with one more, which lets ``stage`` of the targets be built anew."""
    asked = plan_of(files, targets).expand(targets or ["default"])
    definition = {"target": {name: {"no-cache-filter": [stage]} for name in sorted(asked)}}
    return (*read_by_bake(files), keep_definition(json.dumps(definition)))
