"""References such as ``registry.example:5000/team/api:main``, read as Docker reads them."""

import re
from dataclasses import dataclass, replace

from buildkit.registry.errors import InvalidReferenceError

DOCKER_HUB = "docker.io"
_DOCKER_HUB_NAMES = {"docker.io", "index.docker.io", "registry-1.docker.io"}
_MAX_NAME = 255

_HOST = re.compile(
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:]+\])(?::[0-9]{1,5})?"
)
_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_REPOSITORY = re.compile(rf"{_PART}(?:/{_PART})*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Reference:
    """A manifest in a registry: ``host`` with its port, repository, and a tag, a digest or both."""

    host: str
    repository: str
    tag: str = ""
    digest: str = ""

    @classmethod
    def parse(cls, text: str) -> "Reference":
        """Return the reference that a text is; without tag and digest it is that of ``latest``.

        Raises:
            InvalidReferenceError: it is none.
        """
        name, at, digest = text.strip().partition("@")
        if at and not is_digest(digest):
            raise InvalidReferenceError(text, f"{digest!r} is no sha256 digest")
        name, tag = _split_tag(name)
        if tag and not _TAG.fullmatch(tag):
            raise InvalidReferenceError(text, f"{tag!r} is no tag")
        host, repository = _split_host(name)
        check_host(host)
        check_repository(repository, text)
        return cls(host, repository, tag or ("" if digest else "latest"), digest)

    @property
    def name(self) -> str:
        """The repository with its registry."""
        return f"{self.host}/{self.repository}"

    @property
    def locator(self) -> str:
        """What the registry is asked for: the digest, or else the tag."""
        return self.digest or self.tag

    def at(self, digest: str) -> "Reference":
        """Return the reference of a manifest of the same repository by its digest."""
        return replace(self, tag="", digest=digest)

    def tagged(self, tag: str) -> "Reference":
        """Return the reference of a tag of the same repository."""
        return replace(self, tag=tag, digest="")

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        return f"{self.name}{tag}{f'@{self.digest}' if self.digest else ''}"


def canonical(text: str) -> str:
    """Return a reference as all of this product names it; what is none stays as it is."""
    try:
        return str(Reference.parse(text))
    except InvalidReferenceError:
        return text


def is_digest(text: str) -> bool:
    """Tell whether a text is a digest as registries use them."""
    return _DIGEST.fullmatch(text) is not None


def check_host(host: str) -> None:
    """Raise ``InvalidReferenceError`` unless ``host`` is a host with or without a port."""
    if not _HOST.fullmatch(host):
        raise InvalidReferenceError(host or "registry", "is no host and port of a registry")


def check_repository(repository: str, text: str) -> None:
    """Raise ``InvalidReferenceError``, which names ``text``, unless it names a repository."""
    if len(repository) > _MAX_NAME or not _REPOSITORY.fullmatch(repository):
        raise InvalidReferenceError(text, f"{repository[:_MAX_NAME]!r} is no name of a repository")


def _split_tag(name: str) -> tuple[str, str]:
    head, colon, tail = name.rpartition(":")
    return (head, tail) if colon and "/" not in tail else (name, "")


def _split_host(name: str) -> tuple[str, str]:
    first, slash, rest = name.partition("/")
    if not slash or not (first == "localhost" or re.search(r"[.:\[]", first)):
        first, rest = DOCKER_HUB, name
    if first in _DOCKER_HUB_NAMES:
        return DOCKER_HUB, rest if "/" in rest else f"library/{rest}"
    return first, rest
