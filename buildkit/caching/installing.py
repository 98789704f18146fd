"""Which steps installed a package below a version, by what pip and dpkg print.

npm prints only how many packages it installs.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from buildkit.caching.packages import same_name
from buildkit.caching.versions import Ecosystem, NoVersionError, is_below, is_version
from buildkit.model import Step

_DPKG = re.compile(r"Setting up (?P<name>[^\s:]+)(?::\S+)? \((?P<version>[^)\s]+)\)")
_PIP = re.compile(r"Successfully installed (.+)")


@dataclass(frozen=True, slots=True)
class Bound:
    """A package below a version; without ``ecosystem`` it is of any."""

    package: str
    below: str
    ecosystem: Ecosystem | None = None

    def concerns(self, ecosystem: Ecosystem, name: str) -> bool:
        """Tell whether a package is the one that is meant, whatever its version."""
        return ecosystem in self.ecosystems() and same_name(ecosystem, name, self.package)

    def holds(self, ecosystem: Ecosystem, name: str, version: str) -> bool:
        """Tell whether an installed package is one that is meant; a version nobody reads is not."""
        if not self.concerns(ecosystem, name) or not is_version(ecosystem, version):
            return False
        return is_below(ecosystem, version, self.below)

    def ecosystems(self) -> tuple[Ecosystem, ...]:
        """Return the ecosystems that are meant, of which ``below`` can be a version.

        Raises:
            NoVersionError: it is no version of the one that is named, or of any.
        """
        meant = [self.ecosystem] if self.ecosystem else list(Ecosystem)
        fitting = tuple(item for item in meant if is_version(item, self.below))
        if not fitting:
            raise NoVersionError(meant[0], self.below)
        return fitting


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
