"""What can be refused of operations on caches."""

from buildinsights.exceptions import DomainError


class NotPlannedError(DomainError):
    """Only what is planned, and has something to do, can be confirmed."""

    code = "not_planned"
    message = "Only a plan that has something to do can be confirmed, and only once."


class OldPlanError(DomainError):
    """A plan is of how things were."""

    code = "old_plan"
    message = "This plan is older than a day: let another one be made."


class TooManyError(DomainError):
    """Operations wait for each other."""

    code = "too_many"
    message = "Too many operations of this project are open: wait for them, or cancel some."


class MayNotBuildError(DomainError):
    """What builds needs the right to build."""

    code = "may_not_build"
    message = "This starts builds, which needs the right to trigger them, too."
    status_code = 403


class OtherBuilderError(DomainError):
    """None of the planned entries is there."""

    code = "other_builder"
    message = "None of the planned entries is in this builder: it was emptied, or is another one."


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
