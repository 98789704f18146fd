"""What can be refused about alerts."""

from buildinsights.exceptions import DomainError


class MovedError(DomainError):
    """An alert stands elsewhere by now."""

    code = "alert_moved"
    message = "This alert is not where it can be changed so: somebody, or its rule, was first."


class ChangedError(DomainError):
    """Somebody else changed a rule meanwhile."""

    code = "rule_changed"
    message = "Somebody has changed this rule meanwhile: look at it again."


class NotAMemberError(DomainError):
    """Owners are members of the project."""

    code = "not_a_member"
    message = "Only a member of the project can own its alerts."


class OverError(DomainError):
    """A silence has ended."""

    code = "silence_over"
    message = "This silence is over."


class NameTakenError(DomainError):
    """Two rules of one project have two names."""

    code = "name_taken"
    message = "The project has a rule of this name."


class RuleGoneError(DomainError):
    """What somebody deleted can neither be changed nor deleted again."""

    code = "alert_rule_gone"
    message = "Somebody has deleted this rule meanwhile."


class PreviewBusyError(DomainError):
    """Previews read much: one at a time for each project, so that many do not stop the server."""

    code = "preview_busy"
    message = "Another preview of this project is under way. Try again in some seconds."
    status_code = 429
