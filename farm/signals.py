"""What this app tells others."""

from django.dispatch import Signal

command_starting = Signal()
"""The command of a request, ``request``, is about to run, and to keep its records in ``home``.

Receivers may put there what the command is to know.
"""

command_ended = Signal()
"""It has ended; what it has left is still in ``home``."""

retried = Signal()
"""In the place of the request ``old``, which has ended, there is ``new``; in one transaction."""
