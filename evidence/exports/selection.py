"""What is exported: a chain up to its newest event, all of it or what filters choose."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db import transaction

from accounts.models import Project
from accounts.typing import Actor
from audit.chain import Link
from audit.checkpoints import BrokenChainError, cut_of, make_checkpoint, signer, use
from audit.models import AuditChain, AuditEvent, Checkpoint
from audit.services import chain_name, record
from audit.signing import Signer
from evidence.filters import TrailFilter


@dataclass(frozen=True, slots=True)
class Selection:
    """A chain between two links, and the events of it that are shown."""

    chain: str
    name: str
    after: Link
    until: Link
    filters: Mapping[str, str]
    shown: Any
    made_at: datetime
    made_by: str
    signer: Signer | None

    @property
    def is_partial(self) -> bool:
        """Whether events are left out."""
        return bool(self.filters)

    def documents(self) -> Iterator[dict[str, Any]]:
        """Yield the events that are shown, oldest first, in constant memory."""
        documents: Iterator[dict[str, Any]] = self.shown.documents(
            self.after.sequence, self.until.sequence
        )
        return documents


@transaction.atomic
def _record_export(actor: Actor, project: Project | None, changes: Mapping[str, Any]) -> None:
    target = project or AuditChain(name=AuditEvent.INSTANCE_CHAIN)
    record(actor=actor, action="audit.exported", target=target, project=project, changes=changes)


def begin_export(
    *, project: Project | None, filters: TrailFilter, actor: Actor, form: str
) -> Selection:
    """Note the export in the trail, sign a checkpoint, and return what is to be written.

    So each export holds the event of itself. Without a ``project`` it is the server's own chain.

    What does not hold is exported as well, for auditors to see: then with no new checkpoint.

    Raises:
        SigningKeyError: nothing can be signed, although it should be.
    """
    key = signer()
    if key:
        use(key)  # before anything is noted of an export that there will not be
    said = filters.said()
    _record_export(actor, project, {"format": form, "filters": said})
    chain = chain_name(project)
    try:
        checkpoint = make_checkpoint(chain)
    except BrokenChainError:
        checkpoint = None
    if key:
        use(key)  # what is exported is signed by no newer one
    return Selection(
        chain=chain,
        name=project.name if project else "This server",
        after=cut_of(chain),
        until=_end_of(chain, checkpoint),
        filters=said,
        shown=filters.qs,
        made_at=datetime.now(UTC),
        made_by=actor.actor_name,
        signer=key,
    )


def _end_of(chain: str, checkpoint: Checkpoint | None) -> Link:
    if checkpoint:
        return checkpoint.link
    head = AuditChain.objects.get(name=chain)
    return Link(head.sequence, head.hash)
