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


class NotAllowedError(DomainError):
    """A registry that may not be asked."""

    code = "registry_not_allowed"
    message = "CACHE_REGISTRIES does not name this registry: it may not be asked."
