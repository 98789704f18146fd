"""What this app asks others."""

from django.dispatch import Signal

measures_asked = Signal()
"""A day is made again: receivers return what they know of its ``builds``, metrics by build.

Within the transaction that makes the day. What a receiver learns later is its to tell, by
``cache.staleness.mark``.
"""
