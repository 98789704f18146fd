"""What this app tells others."""

from django.dispatch import Signal

build_recorded = Signal()
"""A build was written, or written again, from its records: ``build``; within the transaction."""
