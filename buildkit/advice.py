"""Likely fixes of failures that have a well-known cause."""

import re

KNOWN: tuple[tuple[re.Pattern[str], str], ...] = (
    (
        re.compile(r"no space left on device", re.I),
        "The builder's disk is full: `docker buildx prune` empties its cache.",
    ),
    (
        re.compile(
            r"npm (?:error|ERR!).{0,80}(?:EUSAGE|package-lock\.json.{0,40}sync)", re.I | re.S
        ),
        "package.json and package-lock.json differ: run `npm install` and commit the lock file.",
    ),
    (
        re.compile(
            r"ENOTCACHED|network.{0,40}(?:unreachable|timed out)|Temporary failure in name", re.I
        ),
        "A package could not be fetched: check the network of the builder, proxies and mirrors.",
    ),
    (
        re.compile(r"No matching distribution found for (\S+)"),
        "pip found no such version for this Python and platform: check the pin and the base image.",
    ),
    (
        re.compile(r"THESE PACKAGES DO NOT MATCH THE HASHES", re.I),
        "The lock file's hashes are not those of what was fetched: compile the lock file again.",
    ),
    (
        re.compile(r"exec format error", re.I),
        "A program of another architecture was run: install emulation "
        "(`docker run --privileged --rm tonistiigi/binfmt --install all`) or build natively.",
    ),
    (
        re.compile(r"unknown instruction|dockerfile parse error", re.I),
        "The Dockerfile cannot be read at this line: `docker buildx build --check` names more.",
    ),
    (
        re.compile(r"failed to compute cache key|(?<!\S)\"?/\S+: not found", re.I),
        "A file to be copied is not in the build context: check its path and .dockerignore.",
    ),
    (
        re.compile(
            r"pull access denied|authorization failed|401 Unauthorized|insufficient_scope", re.I
        ),
        "The registry refused: `docker login`, or check the name of the image.",
    ),
    (
        re.compile(r"manifest unknown|: not found$|no match for platform", re.I | re.M),
        "There is no such image or tag, or not for this platform.",
    ),
    (
        re.compile(r"connection refused|dial tcp", re.I),
        "A server did not answer: is the registry of base images, cache or push up?",
    ),
    (
        re.compile(r"exit code: 137|\bKilled\b"),
        "The step was killed, mostly for lack of memory: give the builder more of it.",
    ),
    (
        re.compile(r"exit code: 127|: not found|command not found"),
        "A program that the step calls is not in the image: install it in an earlier step.",
    ),
    (
        re.compile(r"[Pp]ermission denied"),
        "The user of this stage may not do that: check USER, --chown and file modes.",
    ),
)


def likely_fixes(text: str, most: int = 2) -> list[str]:
    """Return advice for what a message or log says, the most specific first."""
    return [advice for pattern, advice in KNOWN if pattern.search(text)][:most]
