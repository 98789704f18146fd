"""Changes of a base, each with a diff against the newest Dockerfile of each service on it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bases.alternatives import Compared
from bases.drift import drifts_of, sightings_of
from bases.following import bases_of_build, source_of
from bases.models import BaseImage, BaseUse
from buildkit.dockerfile import read_dockerfile
from builds.models import Service
from supplychain.bases.drifting import newest_of
from supplychain.bases.editing import Edit, with_base
from supplychain.bases.proposing import Known, Proposal, proposals
from supplychain.bases.stages import Base

MOST_SERVICES = 50


@dataclass(frozen=True, slots=True)
class Change:
    """A proposal as it is for one Dockerfile of a service.

    ``diff`` is empty where it is not sure what to change: ``note`` says why, or what else is to be
    done.
    """

    service: Service
    targets: tuple[str, ...]
    filename: str
    proposal: Proposal
    diff: str
    note: str
    argument: str


def changes_of(image: BaseImage, found: Compared) -> list[Change]:
    """Return what is proposed to each service that stands on a base, once a Dockerfile."""
    uses = BaseUse.objects.filter(image=image).standing().told()
    uses = uses.prefetch_related("build__sources__source_text").order_by(
        "service__name", "target", "platform", "role"
    )
    known = _known(image, found)
    merged: dict[tuple[object, ...], Change] = {}
    for use in uses[:MOST_SERVICES]:
        for change in _changes(image, use, found, known):
            proposal = change.proposal
            key = (change.service.pk, change.filename, proposal.old, proposal.new, change.diff)
            merged[key] = _joined(merged.get(key), change)
    return list(merged.values())


def _joined(one: Change | None, other: Change) -> Change:
    if one is None:
        return other
    targets = tuple(dict.fromkeys((*one.targets, *other.targets)))
    return Change(
        one.service, targets, one.filename, one.proposal, one.diff, one.note, one.argument
    )


def _known(image: BaseImage, found: Compared) -> Known:
    sightings = sightings_of([image])
    tags = dict.fromkeys(image.repository.tags, "")
    tags |= {tag: newest_of(seen) for (_, tag), seen in sightings.items()}
    return Known(drifts_of([image])[image.pk], tags, found.others)


def _changes(image: BaseImage, use: BaseUse, found: Compared, known: Known) -> Iterator[Change]:
    source = source_of(use.build)
    bases = bases_of_build(use.build, source, use.platform)
    base = _base(bases, image, use)
    written = base.reference if base and base.reference else image.reference.tagged(image.tag)
    for proposal in proposals(written, image.digest, found.own, known):
        edit = Edit(problem="The Dockerfile of its newest build is not known here.")
        diff = ""
        if base and source:
            text = source.source_text.text
            edit = with_base(read_dockerfile(text), base, proposal.new)
            diff = edit.diff(source.filename, text)
        yield Change(
            use.service,
            (use.target or "the last stage",),
            source.filename if source else "",
            proposal,
            diff,
            edit.problem or edit.remark,
            edit.argument,
        )


def _base(bases: Sequence[Base], image: BaseImage, use: BaseUse) -> Base | None:
    """Return the base of a Dockerfile that a use is of."""
    same = (
        base
        for base in bases
        if base.reference
        and (base.reference.name, base.reference.tag) == (str(image.repository), image.tag)
        and base.role.value == use.role
    )
    return next(same, None)
