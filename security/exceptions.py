"""What can be refused about findings."""

from buildinsights.exceptions import DomainError


class NotAPersonError(DomainError):
    """Waivers are the word of people."""

    code = "not_a_person"
    message = "A token can neither ask for a waiver nor decide on one: sign in."
    status_code = 403


class OwnWaiverError(DomainError):
    """Two people are needed."""

    code = "own_waiver"
    message = "Another person than the one who asked has to approve."
    status_code = 403


class NotYoursError(DomainError):
    """A waiver that is active ends by those who may approve one."""

    code = "not_yours"
    message = "Only who asked, or who may approve waivers, can take one back."
    status_code = 403


class WaiverSettledError(DomainError):
    """It does not stand where it can be decided on."""

    code = "waiver_settled"
    message = "This waiver has been decided on, or its time is over."


class NotAMemberError(DomainError):
    """Owners are members of the project."""

    code = "not_a_member"
    message = "Only a member of the project can own its findings."
