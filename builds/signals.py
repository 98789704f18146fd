"""What this app tells others."""

from django.dispatch import Signal

build_recorded = Signal()
"""A build was written, or written again, from its records; within the transaction.

``build``, and ``listed_before``: where lists had it until then, if they did.
"""

build_deleted = Signal()
"""A build, ``build``, is about to be deleted; within the transaction."""

build_ended = Signal()
"""A build, ``build``, has ended, and not by its records: canceled, lost, or before it began.

Within the transaction; those that end in one are told in the order of their services.
"""
