"""Ends of the command that are not success, each with an exit code of its own."""

import click

from cli.terminal import BREAKS, inert

BUILD_FAILED = 1
USAGE_ERROR = 2
ENGINE_MISSING = 3
FINDINGS = 4
TRIVY_MISSING = 5
TRIVY_FAILED = 6
NOT_TRUSTED = 7
COSIGN_MISSING = 8
COSIGN_FAILED = 9
POLICY_FAILED = 10
POLICY_UNKNOWN = 11
LOST = 12
CANCELED = 130


class CommandError(click.ClickException):
    """An end of the command that is told: its words may be those of a registry or an image."""

    def format_message(self) -> str:
        """Return the message as a terminal may have it."""
        return inert(self.message, keep=BREAKS)


class UsageError(CommandError):
    """What was asked for cannot be done as it was asked."""

    exit_code = USAGE_ERROR


class EngineMissingError(CommandError):
    """There is no Docker, no buildx or no builder that answers."""

    exit_code = ENGINE_MISSING


class TrivyMissingError(CommandError):
    """There is no trivy on PATH."""

    exit_code = TRIVY_MISSING


class TrivyFailedError(CommandError):
    """trivy ended without a report; the message has its own words."""

    exit_code = TRIVY_FAILED


class NoVerdictError(CommandError):
    """cosign or the registry failed: nothing was signed, or nothing is known of an image."""

    exit_code = COSIGN_FAILED


class NoCosignError(NoVerdictError):
    """There is no cosign on PATH."""

    exit_code = COSIGN_MISSING


class CanceledError(CommandError):
    """Ctrl-C ended what ran."""

    exit_code = CANCELED
