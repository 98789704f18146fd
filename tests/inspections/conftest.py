"""Fixtures of the command line, which sends what is kept here."""

from tests.cli.conftest import own_home

__all__ = ["own_home"]
