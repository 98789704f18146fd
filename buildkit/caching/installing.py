"""Which steps installed a package below a version, by what pip and dpkg print.

npm prints only how many packages it installs.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from buildkit.caching.versions import Ecosystem, is_below
from buildkit.model import Step

_DPKG = re.compile(r"Setting up (?P<name>[^\s:]+)(?::\S+)? \((?P<version>[^)\s]+)\)")
_PIP = re.compile(r"Successfully installed (.+)")


@dataclass(frozen=True, slots=True)
class Bound:
    """A package below a version; without ``ecosystem`` it is of any."""

    package: str
    below: str
    ecosystem: Ecosystem | None = None

    def holds(self, ecosystem: Ecosystem, name: str, version: str) -> bool:
        """Tell whether an installed package is one that is meant; a version nobody reads is not."""
        if self.ecosystem not in {None, ecosystem}:
            return False
        if _plain(ecosystem, name) != _plain(ecosystem, self.package):
            return False
        try:
            return is_below(ecosystem, version, self.below)
        except ValueError:
            return False


def installs_below(step: Step, bound: Bound) -> bool:
    """Tell whether what a step printed says that it installed such a package."""
    text = b"".join(chunk.data for chunk in step.log).decode(errors="replace")
    return any(bound.holds(*item) for item in _installed(text))


def _installed(text: str) -> Iterator[tuple[Ecosystem, str, str]]:
    for found in _DPKG.finditer(text):
        yield Ecosystem.DEB, found["name"], found["version"]
    for found in _PIP.finditer(text):
        for word in found[1].split():
            name, _, version = word.rpartition("-")
            yield Ecosystem.PYPI, name, version


def _plain(ecosystem: Ecosystem, name: str) -> str:
    """Return a name as its ecosystem compares it (PEP 503 for PyPI)."""
    return re.sub(r"[-_.]+", "-", name).lower() if ecosystem is Ecosystem.PYPI else name
