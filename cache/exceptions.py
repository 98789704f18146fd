"""What can be refused of operations on caches."""

from buildinsights.exceptions import DomainError


class NotPlannedError(DomainError):
    """Only what is planned, and has something to do, can be confirmed."""

    code = "not_planned"
    message = "Only a plan that has something to do can be confirmed, and only once."


class NotCancelableError(DomainError):
    """What runs, or has ended, can no longer be canceled."""

    code = "not_cancelable"
    message = "An operation that runs or has ended can no longer be canceled."


class SharedBuilderError(DomainError):
    """Others build on the builder, too."""

    code = "shared_builder"
    message = (
        "Other projects build on this builder: whoever changes its cache manages the caches of "
        "all of them."
    )
    status_code = 403


class NothingToAskError(DomainError):
    """No registry may be asked."""

    code = "no_registry"
    message = "CACHE_REGISTRIES names no registry: none may be asked."
