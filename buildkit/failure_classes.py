"""The classes of failures: what each means, what causes it, what helps, and how it is told.

A rule reads what BuildKit itself said (``said``), what a step printed (``printed``), or both. What
a step prints is anybody's text, so that rules for it are the words of package managers and
kernels, and no words like "timeout" that a test may print as well.
"""

import re
from dataclasses import dataclass
from enum import StrEnum


class FailureClass(StrEnum):
    """What kind of failure a build ended with."""

    CANCELED = "canceled"
    BUILDER_LOST = "builder_lost"
    TIMEOUT = "timeout"
    DISK_FULL = "disk_full"
    OUT_OF_MEMORY = "out_of_memory"
    RATE_LIMIT = "rate_limit"
    AUTHENTICATION = "authentication"
    REGISTRY_ERROR = "registry_error"
    CACHE = "cache"
    NETWORK = "network"
    DOCKERFILE = "dockerfile"
    DEPENDENCY = "dependency"
    NOT_FOUND = "not_found"
    COMMAND = "command"
    OTHER = "other"


TRANSIENT = frozenset(
    {
        FailureClass.NETWORK,
        FailureClass.REGISTRY_ERROR,
        FailureClass.RATE_LIMIT,
        FailureClass.CACHE,
        FailureClass.BUILDER_LOST,
    }
)
"""Classes of which another attempt, with nothing changed, may go well."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a class means to whoever reads it: a title, likely causes, and what helps."""

    title: str
    causes: tuple[str, ...]
    fixes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rule:
    """A pattern that tells a class from BuildKit's message, a step's output, or both."""

    failure_class: FailureClass
    pattern: re.Pattern[str]
    said: bool = True
    printed: bool = False


def _rule(failure_class: FailureClass, pattern: str, where: str = "said") -> Rule:
    return Rule(
        failure_class,
        re.compile(pattern, re.IGNORECASE | re.MULTILINE),
        said="said" in where,
        printed="printed" in where,
    )


RULES: tuple[Rule, ...] = (
    _rule(
        FailureClass.BUILDER_LOST,
        r"cannot connect to the docker daemon|is the docker daemon running"
        r"|error reading from server: EOF"
        r"|transport is closing|client connection is closing|lost connection to (?:the )?builder"
        r"|no builder .{1,80} found|failed to find driver|graceful_stop|the worker (?:was|is) gone",
    ),
    _rule(FailureClass.TIMEOUT, r"deadline exceeded|time limit of \S+ .{0,20}was reached"),
    _rule(
        FailureClass.DISK_FULL,
        r"no space left on device|\bENOSPC\b|disk quota exceeded",
        "said printed",
    ),
    _rule(
        FailureClass.OUT_OF_MEMORY,
        r"exit code: 137\b|signal: killed|cannot allocate memory|JavaScript heap out of memory"
        r"|java\.lang\.OutOfMemoryError|^MemoryError\b|c\+\+: fatal error: Killed signal"
        r"|(?:fatal error|runtime): .{0,40}out of memory",
        "said printed",
    ),
    _rule(
        FailureClass.RATE_LIMIT,
        r"toomanyrequests|429 Too Many Requests|pull rate limit|rate limit exceeded"
        r"|HTTP error 429|npm (?:error|ERR!) code E429",
        "said printed",
    ),
    _rule(
        FailureClass.AUTHENTICATION,
        r"\b401 Unauthorized|\b403 Forbidden|insufficient_scope|pull access denied"
        r"|authorization failed"
        r"|authentication required|no basic auth credentials|denied: requested access"
        r"|npm (?:error|ERR!) code E40[13]|could not read Username|Permission denied \(publickey"
        r"|Authentication failed for",
        "said printed",
    ),
    _rule(
        FailureClass.REGISTRY_ERROR,
        r"(?:unexpected status|received unexpected HTTP status|status code|status from \S+ request)"
        r".{0,160}?"
        r"\b5\d\d\b",
    ),
    _rule(
        FailureClass.REGISTRY_ERROR,
        r"npm (?:error|ERR!) code E5\d\d|HTTP error 5\d\d|Failed to fetch .{1,300}?\b5\d\d \b",
        "printed",
    ),
    _rule(
        FailureClass.NETWORK,
        r"connection (?:refused|reset by peer|timed out)|i/o timeout|no such host"
        r"|TLS handshake timeout"
        r"|network is unreachable|temporary failure in name resolution|unexpected EOF"
        r"|server misbehaving"
        r"|Could not resolve host|Failed to connect to \S+ port|dial tcp|Operation too slow"
        r"|Timeout, server \S+ not responding",
    ),
    _rule(
        FailureClass.NETWORK,
        r"npm (?:error|ERR!) (?:code|network).{0,40}"
        r"(?:ECONN|ETIMEDOUT|EAI_AGAIN|ENOTFOUND|ERR_SOCKET)"
        r"|Temporary failure (?:in name resolution|resolving)|ReadTimeoutError|NewConnectionError"
        r"|ConnectTimeoutError|curl: \((?:6|7|28|35|52|56)\)"
        r"|wget: (?:bad address|unable to resolve)"
        r"|fatal: unable to access .{1,300}?Could not resolve"
        r"|E: Failed to fetch .{1,300}?Could not connect",
        "printed",
    ),
    _rule(
        FailureClass.DOCKERFILE,
        r"dockerfile parse error|unknown instruction|failed to read dockerfile"
        r"|base name .{0,80}should not be"
        r"|failed to parse stage name|invalid reference format|target stage \S+ could not be found"
        r"|failed to parse \S+\.(?:hcl|json|ya?ml)|\.hcl:\d+",
    ),
    _rule(
        FailureClass.DEPENDENCY,
        r"npm (?:error|ERR!) code (?:ERESOLVE|EUSAGE|ETARGET|E404|EINTEGRITY)"
        r"|No matching distribution found|ResolutionImpossible|DO NOT MATCH THE HASHES"
        r"|Unable to locate package|has no installation candidate|unmet dependencies"
        r"|ERR_PNPM_OUTDATED_LOCKFILE|Your lockfile needs to be updated"
        r"|No solution found when resolving"
        r"|no required module provides package|failed to select a version",
        "printed",
    ),
    _rule(
        FailureClass.NOT_FOUND,
        r"failed to compute cache key|failed to calculate checksum|not found|manifest unknown"
        r"|no match for platform|repository does not exist|couldn't find remote ref"
        r"|failed to find target|no such file or directory",
    ),
)
"""In the order in which they are tried: what a step tells of its machine before its own command."""

MEANINGS: dict[FailureClass, Meaning] = {
    FailureClass.CANCELED: Meaning("Canceled", ("Somebody, or a newer build, ended it.",), ()),
    FailureClass.BUILDER_LOST: Meaning(
        "Builder lost",
        ("The engine, the builder or the worker ended or was restarted during the build.",),
        (
            "Look at the builder's health and log.",
            "Retry: steps that had ended are still cached if the builder kept its disk.",
        ),
    ),
    FailureClass.TIMEOUT: Meaning(
        "Time limit",
        ("A step hangs, or the build has grown beyond its limit.",),
        ("Find the step that did not end in the timeline.", "Raise the limit of the service."),
    ),
    FailureClass.DISK_FULL: Meaning(
        "Disk full",
        ("The builder's cache has filled its disk.", "A step writes more than it should."),
        ("Free space: `docker buildx prune`.", "Set the builder's limit for its cache (GC)."),
    ),
    FailureClass.OUT_OF_MEMORY: Meaning(
        "Out of memory",
        ("The step needs more memory than the builder has.", "Too many builds run beside it."),
        (
            "Give the builder more memory, or fewer builds at once.",
            "Bound the step: compiler jobs, `--max-old-space-size`.",
        ),
    ),
    FailureClass.RATE_LIMIT: Meaning(
        "Rate limit",
        ("The registry lets no more requests in for now.",),
        ("Log the builder in.", "Put a mirror before the registry.", "Pin bases by digest."),
    ),
    FailureClass.AUTHENTICATION: Meaning(
        "Authentication",
        ("Missing or outdated credentials.", "A wrong name of a private image or repository."),
        ("`docker login` on the builder's worker, or renew the token.", "Check the name."),
    ),
    FailureClass.REGISTRY_ERROR: Meaning(
        "Registry error (5xx)",
        ("The registry or what stands before it is in trouble.",),
        ("Retry.", "If it stays: the registry's own status and log."),
    ),
    FailureClass.CACHE: Meaning(
        "Cache import or export",
        ("The cache's registry refused, or the reference is damaged.",),
        (
            "Retry.",
            "Let the export be optional: `ignore-error=true` in `cache-to`.",
            "Write the cache anew under another reference.",
        ),
    ),
    FailureClass.NETWORK: Meaning(
        "Network (transient)",
        ("A server did not answer, or a name did not resolve, for the builder.",),
        ("Retry.", "If it stays: the builder's DNS, proxy and firewall."),
    ),
    FailureClass.DOCKERFILE: Meaning(
        "Dockerfile or Bake file",
        ("The definition cannot be read or does not fit together.",),
        ("`docker buildx build --check` and `docker buildx bake --print` name the place.",),
    ),
    FailureClass.DEPENDENCY: Meaning(
        "Dependency resolution",
        (
            "A version that is not there, for this platform or any more.",
            "The lock file does not belong to the manifest.",
        ),
        ("Make the lock file anew and commit it.", "Check the pin and the package index."),
    ),
    FailureClass.NOT_FOUND: Meaning(
        "Not found",
        (
            "A file that is not in the context, or kept out by .dockerignore.",
            "An image, tag or branch that is not there, or not for this platform.",
        ),
        ("Check the path against the context and .dockerignore.", "Check name, tag and platform."),
    ),
    FailureClass.COMMAND: Meaning(
        "Compile or test failure",
        ("The command of a step ended with an error of its own: code, tests, or their tools.",),
        ("Read the last lines that it printed.", "Run the step by hand: `buildinsights debug`."),
    ),
    FailureClass.OTHER: Meaning("Other", ("No rule knows this message.",), ()),
}
