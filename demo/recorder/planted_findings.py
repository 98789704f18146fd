"""What is planted into reports about the images of planted services: no scanner has found it.

The packages are those of the recorded builds: all stand on busybox, take ``router`` and ``codec``
by ``packages.lock``, and copy the result of a compiler. What is said to be wrong with them is made
up, as the ids of the year 0000 and the titles tell.
"""

from dataclasses import dataclass, field

LAST = 10_000
"""The end of what is there to the newest build."""

EACH = 6
"""Every so many builds of a service are scanned; and those in which something comes or goes."""

BASE, GROWTH, PACKAGES, PROGRAM, TOOLCHAIN = "base", "growth", "packages", "program", "toolchain"
OURS = {PACKAGES: 0, PROGRAM: 1, TOOLCHAIN: 2}
"""Places of layers that no base brings: those of the Dockerfile's instructions, in their order."""

ALL = range(LAST)


@dataclass(frozen=True, slots=True)
class PlantedFinding:
    """A vulnerability, the layer that it lies in, and in which builds of which services it is.

    Builds are numbered from 0. Of several spans of builds the second is that of coming back.
    """

    name: str
    severity: str
    title: str
    package: str
    version: str
    fixed_version: str
    layer: str
    builds: dict[str, tuple[range, ...]] = field(default_factory=dict)


FINDINGS = (
    PlantedFinding(
        "CVE-0000-0001",
        "CRITICAL",
        "Planted: in the base image, fixed where it was published anew",
        "busybox",
        "1.36.0",
        "1.36.1",
        BASE,
        {
            "photos": (range(26),),
            "quiet": (range(28),),
            **dict.fromkeys(("codec", "ledger", "mailer", "maps"), (ALL,)),
        },
    ),
    PlantedFinding(
        "CVE-0000-0002",
        "MEDIUM",
        "Planted: comes with the base image that was published anew",
        "icon-data",
        "7.0",
        "7.1",
        GROWTH,
        {"photos": (range(26, LAST),)},
    ),
    PlantedFinding(
        "CVE-0000-0003",
        "HIGH",
        "Planted: comes with the compiler that a commit copies into the image",
        "toolchain",
        "12.2",
        "12.3",
        TOOLCHAIN,
        {"mailer": (range(26, LAST),)},
    ),
    PlantedFinding(
        "CVE-0000-0004",
        "MEDIUM",
        "Planted: in a package of our own choice, fixed by its update",
        "codec",
        "1.9",
        "2.0",
        PACKAGES,
        {"codec": (range(30),), **dict.fromkeys(("maps", "mailer", "photos", "quiet"), (ALL,))},
    ),
    PlantedFinding(
        "CVE-0000-0005",
        "LOW",
        "Planted: in a package that only one service has updated",
        "router",
        "3.1",
        "3.2",
        PACKAGES,
        {
            "quiet": (range(15),),
            **dict.fromkeys(("codec", "ledger", "mailer", "maps", "photos"), (ALL,)),
        },
    ),
    PlantedFinding(
        "CVE-0000-0006",
        "HIGH",
        "Planted: in our program, fixed, and back again",
        "ledger-core",
        "0.4",
        "0.5",
        PROGRAM,
        {"ledger": (range(5, 12), range(24, LAST))},
    ),
)


def present(service: str, number: int) -> list[PlantedFinding]:
    """Return what is in the image of a service's build."""
    return [
        item for item in FINDINGS if any(number in span for span in item.builds.get(service, ()))
    ]


def scanned(service: str, count: int) -> list[int]:
    """Return the builds of a service that are scanned, of so many."""
    turns = {
        turn
        for item in FINDINGS
        for span in item.builds.get(service, ())
        for turn in (span.start, span.stop)
    }
    chosen = {*range(0, count, EACH), *turns, count - 1}
    return sorted(number for number in chosen if 0 <= number < count)
