"""Who acts: a person who signed in, or an API token."""

from typing import Protocol

from accounts.roles import Scope


class Actor(Protocol):
    """What permission checks and the audit trail need to know of whoever acts."""

    @property
    def actor_name(self) -> str:
        """The name shown in the audit trail."""
        ...

    @property
    def actor_type(self) -> str:
        """``user`` or ``token``."""
        ...

    @property
    def actor_id(self) -> int | None:
        """Primary key within its type."""
        ...

    def project_ids_with(self, scope: Scope) -> list[int]:
        """Return the primary keys of the projects in which the actor holds ``scope``."""
        ...
