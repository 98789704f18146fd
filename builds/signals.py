"""What this app tells others."""

from django.dispatch import Signal

build_recorded = Signal()
"""A build was written, or written again, from its records; within the transaction.

``build``, and ``listed_before``: where lists had it until then, if they did.
"""

build_deleted = Signal()
"""A build, ``build``, is about to be deleted; within the transaction."""
