"""Documents of statements become statements, and what they are about is settled anew."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from django.db import transaction
from django.db.models import Q

from builds.models import Service
from security.models import Finding, VexDocument, VexStatement
from security.policy import lock_services
from security.states import changing
from supplychain.vex.model import Document, Product, Statement

AT_ONCE = 1000
LARGEST_VERSION = 2**31 - 1


@transaction.atomic
def record_document(
    *, project_id: int, service: Service | None, document: Document, received_at: datetime
) -> VexDocument:
    """Keep a document with all of its statements, whether they match a finding or not.

    A newer version takes the place of the older ones; one that is older than what is known is
    kept and changes nothing.
    """
    lock_services(project_id, service)
    kept = VexDocument(
        project_id=project_id,
        service=service,
        format=document.format,
        identifier=document.identifier[:500],
        version=min(document.version, LARGEST_VERSION),
        author=document.author[:200],
        issued_at=min(document.issued_at or received_at, received_at),
        received_at=received_at,
        problems=list(document.problems),
    )
    names = _superseded(kept)
    kept.save()
    VexStatement.objects.bulk_create(_rows(kept, document.statements), batch_size=AT_ONCE)
    names |= {name for told in document.statements for name in (told.vulnerability, *told.aliases)}
    with changing(_named(kept, names), received_at):
        pass
    return kept


def _superseded(kept: VexDocument) -> set[str]:
    """Let the newer of two versions count; return what the older ones were about."""
    if not kept.identifier:
        return set()
    versions = VexDocument.objects.filter(
        project=kept.project_id,
        service=kept.service,
        identifier=kept.identifier,
        is_superseded=False,
    )
    newer = Q(version__gt=kept.version) | Q(version=kept.version, issued_at__gt=kept.issued_at)
    if versions.filter(newer).exists():
        kept.is_superseded = True
        return set()
    old = VexStatement.objects.filter(document__in=versions.values("pk")).order_by()
    names = {name for row in old.values_list("names", flat=True) for name in row}
    versions.update(is_superseded=True)
    return names


def _rows(kept: VexDocument, statements: Iterable[Statement]) -> Iterator[VexStatement]:
    for told in statements:
        # A clock that is ahead tells nothing.
        at = min(told.stated_at or kept.issued_at, kept.received_at)
        for product in told.products:
            yield _row(kept, told, product, at)


def _row(kept: VexDocument, told: Statement, product: Product, at: datetime) -> VexStatement:
    is_ours = kept.service is not None
    return VexStatement(
        document=kept,
        project_id=kept.project_id,
        service=kept.service,
        names=[name[:200] for name in (told.vulnerability, *told.aliases)],
        product=product.name,
        package=product.package[:400],
        version=product.version[:300],
        image=product.image,
        image_digest=product.image_digest,
        is_understood=product.is_part_known and (product.is_known or is_ours),
        status=told.status,
        justification=told.justification[:60],
        statement=told.said,
        stated_at=at,
    )


def _named(kept: VexDocument, names: set[str]) -> set[int]:
    """Return the findings that statements may be about by what they call them."""
    listed = sorted(names)
    named = Q(name__in=listed) | Q(aliases__overlap=listed)
    rows = Finding.objects.filter(named, project=kept.project_id)
    rows = rows.exclude(seen_state=Finding.State.FIXED).order_by()
    return set(rows.values_list("pk", flat=True))
