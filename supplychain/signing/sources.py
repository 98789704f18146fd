"""Addresses of sources in provenance: repository, revision and ref, however they are written."""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_SCP = re.compile(r"(?:[\w.-]+@)?(?P<host>[\w.-]+\.[\w-]+):(?P<path>[^/].*)")


@dataclass(frozen=True, slots=True)
class Source:
    """Where code came from; ``ref`` is full (``refs/heads/main``) if the provenance says so."""

    repository: str = ""
    revision: str = ""
    ref: str = ""

    def or_else(self, other: "Source") -> "Source":
        """Return this, completed by another that is not of another repository or revision."""
        if self.repository and other.repository and self.repository != other.repository:
            return self
        if self.revision and other.revision and self.revision != other.revision:
            return self
        return Source(
            self.repository or other.repository,
            self.revision or other.revision,
            self.ref or other.ref,
        )


def read_source(uri: str, revision: str = "") -> Source:
    """Return what an address such as ``git+https://host/team/app@refs/heads/main`` names."""
    address, _, fragment = uri.removeprefix("git+").partition("#")
    head, at, tail = address.rpartition("@")
    if at and "/" in _path(head) and "://" not in tail:
        address, fragment = head, fragment or tail
    ref = fragment.partition(":")[0]
    if _COMMIT.fullmatch(ref):
        revision, ref = revision or ref, ""
    return Source(canonical_repository(address), revision, ref)


def canonical_repository(address: str) -> str:
    """Return the one form of a repository's address, without credentials and ``.git``."""
    text = address.strip().removeprefix("git+")
    if "://" not in text and (found := _SCP.fullmatch(text)):
        text = f"https://{found['host']}/{found['path']}"
    try:
        parts = urlsplit(text)
    except ValueError:
        return text
    if not parts.netloc:
        return text
    host = parts.netloc.rpartition("@")[2].lower()
    scheme = "https" if parts.scheme in {"ssh", "git+ssh"} else parts.scheme.lower()
    path = parts.path.rstrip("/").removesuffix(".git")
    return f"{scheme}://{host}{path}"


def _path(address: str) -> str:
    try:
        return urlsplit(address).path
    except ValueError:
        return ""


def matches(pattern: str, text: str) -> bool:
    """Tell whether a text is of a pattern: ``*`` is anything but a slash, ``**`` is anything."""
    ends = {0}
    for part in filter(None, re.split(r"(\*\*|\*)", pattern)):
        # Not by a regular expression, which would try the ways to share a text among many stars.
        if part == "**":
            ends = set(range(min(ends), len(text) + 1))
        elif part == "*":
            ends = _within_parts(text, ends)
        else:
            ends = {end + len(part) for end in ends if text.startswith(part, end)}
        if not ends:
            return False
    return len(text) in ends


def _within_parts(text: str, starts: set[int]) -> set[int]:
    """Return all places that can be reached from others without passing a slash."""
    reached: set[int] = set()
    for start in sorted(starts):
        end = start
        while end not in reached:
            reached.add(end)
            if end < len(text) and text[end] != "/":
                end += 1
    return reached


def ref_matches(pattern: str, ref: str) -> bool:
    """Tell whether a ref is of a pattern, which names branches unless it begins with ``refs/``.

    A ref of which the provenance does not say whether it is a branch is taken for one; a pattern
    that begins with ``refs/`` never does so.
    """
    if pattern.startswith("refs/"):
        return matches(pattern, ref)
    name = ref.removeprefix("refs/heads/")
    return not name.startswith("refs/") and matches(pattern, name)
