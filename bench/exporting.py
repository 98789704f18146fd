"""Exports a trail in a process of its own, and tells how large that became.

``python -m bench.exporting PROJECT USER TENTH WHOLE``, on the database of the environment.
"""

import json
import sys
from dataclasses import replace
from pathlib import Path
from time import perf_counter

import django


def main() -> None:
    """Write a tenth of a trail, then all of it."""
    project_id, user_id, tenth, whole = sys.argv[1:]
    django.setup()
    from accounts.models import Project, User
    from audit.chain import Link
    from audit.models import AuditEvent
    from evidence.exports.selection import begin_export
    from evidence.filters import TrailFilter

    project = Project.objects.get(pk=project_id)
    events = AuditEvent.objects.in_chain(str(project.public_id))
    selection = begin_export(
        project=project,
        filters=TrailFilter({}, queryset=events),
        actor=User.objects.get(pk=user_id),
        form="jsonl",
    )
    end = events.get(sequence=selection.until.sequence // 10)
    tenth_mb = _write(replace(selection, until=Link(end.sequence, end.hash)), Path(tenth))
    begun = perf_counter()
    whole_mb = _write(selection, Path(whole))
    found = {
        "events": selection.until.sequence,
        "seconds": perf_counter() - begun,
        "tenth_mb": tenth_mb,
        "whole_mb": whole_mb,
    }
    sys.stdout.write(json.dumps(found))


def _write(selection: object, path: Path) -> float:
    """Write an export; return how many MB the process has taken at most until then."""
    from evidence.exports.proof import proof_of

    with path.open("wb") as file:
        file.writelines(proof_of(selection))  # type: ignore[arg-type]  # the type needs Django
    return _peak_mb()


def _peak_mb() -> float:
    """Read what the kernel knows; ``getrusage`` would have the peak of the parent in it."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    status = dict(line.split(":", 1) for line in lines)
    return int(status["VmHWM"].split()[0]) / 1024


if __name__ == "__main__":
    main()
