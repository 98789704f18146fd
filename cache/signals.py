"""What this app tells others."""

from django.dispatch import Signal

day_added_up = Signal()
"""The sums of a service, ``service_id``, on a ``day`` are made again; within the transaction.

Others that keep sums by day make theirs then, too.
"""
