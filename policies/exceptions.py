"""What can be refused about policies."""

from buildinsights.exceptions import DomainError


class PolicyTakenError(DomainError):
    """A name leads to one policy."""

    code = "policy_taken"
    message = "There is a policy of this name in this project."


class EnvironmentTakenError(DomainError):
    """In an environment one policy holds."""

    code = "environment_taken"
    message = "Another policy holds in this environment."


class RetiredPolicyError(DomainError):
    """A retired policy is not changed."""

    code = "policy_retired"
    message = "This policy is retired: its versions stay as they are."
