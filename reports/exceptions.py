"""What can be refused about saved views and scheduled reports."""

from buildinsights.exceptions import DomainError


class NotAPageError(DomainError):
    """Only pages of the project can be saved."""

    code = "not_a_page"
    message = "This is not the address of a page of this project."
    status_code = 400


class NameTakenError(DomainError):
    """A name leads to one page."""

    code = "name_taken"
    message = "You have a view of this name in this project."


class TooManyViewsError(DomainError):
    """A person keeps a bounded number."""

    code = "too_many_views"
    message = "You have saved as many views as a person can: delete one first."


class NotAgainError(DomainError):
    """Only what was given up is made again."""

    code = "not_given_up"
    message = "Only a report that was given up can be made again, while its schedule exists."


class ScheduleNameTakenError(DomainError):
    """A name means one report of a project."""

    code = "schedule_name_taken"
    message = "There is a report with this name."


class ScheduleGoneError(DomainError):
    """What somebody deleted does not come back by being saved."""

    code = "schedule_gone"
    message = "Somebody has deleted this report meanwhile."
