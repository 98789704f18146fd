"""What can be refused about policies and verifications."""

from buildinsights.exceptions import DomainError


class EnvironmentTakenError(DomainError):
    """Two policies of a project must not name the same environment."""

    code = "environment_taken"
    message = "Another policy of the project names this environment."


class IdTakenError(DomainError):
    """A sender chooses ids that nobody else has."""

    code = "id_taken"
    message = "Choose another id: this one is taken."


class RegistryNotAllowedError(DomainError):
    """The server asks only registries that its administrator named."""

    code = "registry_not_allowed"
    message = "TRUST_REGISTRIES does not name this registry: send the result of a verification."


class NoPolicyError(DomainError):
    """Nothing says what holds for an environment."""

    code = "no_trust_policy"
    message = "The project has no trust policy for this environment."
