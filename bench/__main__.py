"""``python -m bench``: all benchmarks, one JSON line each."""

import argparse

from bench import changes, decode, first_chart, orchestration
from bench.database import scratch_database


def main() -> None:
    """Run the benchmarks; the largest sizes take long."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--size", choices=["small", "medium", "full"], default="small")
    size = parser.parse_args().size
    decode.run()
    changes.run()
    if orchestration.engine_answers():
        orchestration.run()
    if first_chart.chromium():
        first_chart.run()
    scratch_database()
    from accounts.models import User
    from accounts.roles import Scope
    from accounts.services import create_project, create_token
    from bench import (
        acceptance,
        alerts,
        digest,
        explain,
        farm,
        findings,
        packages,
        pages,
        scans,
        trail,
    )

    user = User.objects.create_superuser("bench")
    project = create_project(name="Bench", owner=user)
    scopes = [Scope.INGEST_WRITE]
    _, token = create_token(project=project, name="bench", scopes=scopes, actor=user)
    farm.run(create_project(name="Farm", owner=user), user)
    explain.run(project)
    digest.run(project, user)
    scans.run(create_project(name="Scans", owner=user), user)
    findings.run(create_project(name="Findings", owner=user), user, size)
    acceptance.run(token)
    alerts.run(create_project(name="Alerts", owner=user))
    trail.run(create_project(name="Trail", owner=user), user, size)
    shipped = create_project(name="Packages", owner=user)
    _, reader = create_token(project=shipped, name="bench", scopes=[Scope.BUILDS_READ], actor=user)
    packages.run(shipped, reader, size)
    pages.run(create_project(name="Pages", owner=user), user, size)


if __name__ == "__main__":
    main()
