"""``buildinsights deployed``: the server learns which image was put where."""

import os
from datetime import UTC, datetime

import click

from cli import outbox
from cli.errors import LOST, USAGE_ERROR, UsageError
from cli.gating import digest_of
from cli.pipeline import only_name, run_fields
from cli.posting import is_refused
from cli.settings import server


@click.command
@click.argument("image")
@click.option("--environment", required=True, help="Where it was put.")
@click.option("--status", type=click.Choice(["succeeded", "failed"]), default="succeeded")
@click.option("--url", help="Of the job that deployed it (default: the run of GitHub or GitLab).")
@click.option("--by", "person", help="Who deployed it (default: who started that run).")
@click.option("--service", default="", help="What it is of, if no build of it is known.")
@click.option("--target", default="", help="Likewise.")
def deployed(
    image: str,
    environment: str,
    status: str,
    url: str | None,
    person: str | None,
    service: str,
    target: str,
) -> None:
    """Tell the server that IMAGE was deployed just now.

    IMAGE is a digest, or a name in the local engine or in a registry, which have its digest. While
    the server is away it is kept, and sent the next time. Exit code 2 if the server refuses it, 12
    if it was neither sent nor kept.
    """
    if server() is None:
        raise UsageError("Set BUILDINSIGHTS_URL and BUILDINSIGHTS_TOKEN to say where to send.")
    run = run_fields(os.environ)
    document = {
        "digest": digest_of(image),
        "environment": environment,
        "deployed_at": datetime.now(UTC).isoformat(),
        "status": status,
        "url": run.get("pipeline_run_url", "") if url is None else url,
        "deployed_by": only_name(run.get("author", "")) if person is None else person,
        "service": service,
        "target": target,
    }
    fate = outbox.deliver("deployments/", document, "The deployment")
    if is_refused(fate.error):
        raise SystemExit(USAGE_ERROR)
    raise SystemExit(LOST if fate.error and not fate.is_kept else 0)
