"""``buildinsights explain``: why each step of a local build ran, against an earlier one."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import click

from buildkit import explaining
from buildkit.explaining import Explanation
from buildkit.explaining.chains import Chain, chains, missing_evidence
from buildkit.model import BuildStatus
from cli.errors import UsageError
from cli.evidence import Named, of_file, of_record
from cli.records import BUNDLE_SUFFIX, Record, all_records
from cli.removals import removals

SHOWN = 3
"""Steps of a cascade that are named; the others are counted."""


@click.command
@click.argument("build", required=False)
@click.option("--against", help="The build to compare with: a record's id or a .dockerbuild file.")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def explain(build: str | None, against: str | None, *, as_json: bool) -> None:
    """Tell why each step of BUILD ran: a record's id (`history` lists them) or a .dockerbuild file.

    Without one it is the last build here; without --against, each of its targets is compared with
    the last build of it before that succeeded.
    """
    found = _named(build) if build else _last()
    others = _named(against) if against else None
    told = [_told(item, _against(item, others)) for item in found]
    if as_json:
        click.echo(json.dumps([_as_json(*item) for item in told], indent=2))
    else:
        click.echo("\n".join(line for item in told for line in _lines(*item)))


def _told(item: Named, other: Named | None) -> tuple[Named, Named | None, Explanation]:
    if other is None:
        return item, None, explaining.explain(item.evidence, None)
    moments = (named.evidence.build.started_ns or 0 for named in (other, item))
    gone = tuple(removals(*moments))
    return item, other, explaining.explain(item.evidence, other.evidence, gone)


def _named(text: str) -> list[Named]:
    """Return the builds of a file, or of a record.

    Raises:
        UsageError: it is neither.
    """
    path = Path(text)
    if path.suffix == BUNDLE_SUFFIX:
        return of_file(path)
    record = next((item for item in all_records() if item.path.name == text), None)
    if record is None:
        raise UsageError(f"{text} is neither a .dockerbuild file nor the id of a record here.")
    return list(of_record(record))


def _last() -> list[Named]:
    for record in all_records():
        if record.run().directory == str(Path.cwd()) and (found := list(of_record(record))):
            return found
    raise UsageError("There is no record of a build in this directory yet.")


def _against(item: Named, others: list[Named] | None) -> Named | None:
    """Return what a build is compared with: the same target before, on the same platforms."""
    if others is None:
        return next(_earlier(item), None)
    same = [other for other in others if other.target == item.target]
    return (same or others)[0]


def _earlier(item: Named) -> Iterator[Named]:
    build = item.evidence.build
    for record in all_records():
        for other in of_record(record) if record.run().outcome == "succeeded" else ():
            known = other.evidence.build
            is_earlier = (known.started_ns or 0) < (build.started_ns or 0)
            if is_earlier and _group(other) == _group(item):
                yield other


def _group(item: Named) -> tuple[str, tuple[str, ...], str]:
    """What two builds have in common that can be compared; a record lies in its run's directory."""
    directory = str(Record(Path(item.place).parent).run().directory) if item.place else ""
    return item.target, item.evidence.build.platforms, directory


def _lines(item: Named, other: Named | None, explanation: Explanation) -> Iterator[str]:
    build = item.evidence.build
    found = chains(build, explanation)
    against = f"against {other.place}" if other else "no earlier build to compare with"
    yield f"{item.target}: {_summary(found, build.status)}; {against}"
    for chain in found:
        yield from _chain_lines(chain)
    for text in missing_evidence(explanation):
        yield f"  not recorded: {text}"


def _summary(found: tuple[Chain, ...], status: BuildStatus) -> str:
    if not found:
        return (
            "every step came from the cache" if status is BuildStatus.SUCCEEDED else "nothing ran"
        )
    steps = sum(1 + len(chain.cascade) for chain in found)
    return f"{steps} steps ran, for {len(found)} {'reason' if len(found) == 1 else 'reasons'}"


def _chain_lines(chain: Chain) -> Iterator[str]:
    step, reason = chain.step, chain.reason
    line = f"  {step.dockerfile_name}:{step.dockerfile_line}" if step.dockerfile_line else ""
    yield f"  {chain.seconds:6.1f} s  {chain.meaning.title} ({reason.confidence} confidence)"
    yield f"            {step.name}{line}"
    for text in reason.evidence:
        yield f"              {text}"
    if chain.cascade:
        names = ", ".join(other.name for other in chain.cascade[:SHOWN])
        more = len(chain.cascade) - SHOWN
        yield f"              then ran {names}{f' and {more} more' if more > 0 else ''}"
    if chain.meaning.advice:
        yield f"              {chain.meaning.advice}"


def _as_json(item: Named, other: Named | None, explanation: Explanation) -> dict[str, object]:
    steps = item.evidence.build.steps
    return {
        "target": item.target,
        "against": other.evidence.build.buildkit_ref if other else None,
        "missing": list(missing_evidence(explanation)),
        "steps": [
            {
                "name": steps[reason.position].name,
                "vertex_digest": steps[reason.position].vertex_digest,
            }
            | asdict(reason)
            | {"first": steps[reason.first].vertex_digest}
            for reason in explanation.reasons.values()
        ],
    }
