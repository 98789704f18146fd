"""Ends of the command that are not success, each with an exit code of its own."""

import click

BUILD_FAILED = 1
USAGE_ERROR = 2
ENGINE_MISSING = 3
CANCELED = 130


class UsageError(click.ClickException):
    """What was asked for cannot be done as it was asked."""

    exit_code = USAGE_ERROR


class EngineMissingError(click.ClickException):
    """There is no Docker, no buildx or no builder that answers."""

    exit_code = ENGINE_MISSING
