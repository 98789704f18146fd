"""Writes of the labels of services."""

from collections.abc import Callable, Mapping

from django.db import transaction

from audit.services import ActorLike, record
from builds.labels import checked
from builds.models import Service

type Labels = Mapping[str, str]


@transaction.atomic
def set_labels(*, service: Service, labels: Labels, actor: ActorLike) -> Service:
    """Let a service have these labels, and no others.

    Raises:
        BadLabelError: these are none, or too many.
    """
    return _keep(service, lambda _before: labels, actor)


@transaction.atomic
def change_labels(
    *, service: Service, changes: Mapping[str, str | None], actor: ActorLike
) -> Service:
    """Give a service labels, and take those of ``None`` away; the others stay.

    Raises:
        BadLabelError: as ``set_labels``.
    """

    def after(before: Labels) -> Labels:
        both = {**before, **changes}
        return {key: value for key, value in both.items() if value is not None}

    return _keep(service, after, actor)


def _keep(service: Service, after: Callable[[Labels], Labels], actor: ActorLike) -> Service:
    locked = Service.objects.select_for_update(of=("self",)).select_related("project")
    row = locked.get(pk=service.pk)
    before, row.labels = row.labels, checked(after(row.labels))
    if row.labels != before:
        row.save(update_fields=["labels"])
        record(
            actor=actor,
            action="service.labelled",
            target=row,
            project=row.project,
            changes={"labels": [before, row.labels]},
        )
    return row
