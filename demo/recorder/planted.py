"""Histories of small services with one cause planted into each, and one without any.

All services begin as ``planted/service``. The commits before the cause, and after it, change the
sources only, as ordinary ones do; what is planted is in the commit that ``PLANTED`` names.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from random import Random

from recorder.plan import ANA, JONAS, PRIYA, BuildPlan, Commit, Edit, History, Replace, Write

BASE = "busybox:1"
BASES = {"BASE": BASE}
PUSH = BuildPlan()
AUTHORS = (ANA, JONAS, PRIYA)
DAY_MINUTES = 24 * 60
HOURS_BETWEEN = (4, 9)
SUBJECTS = (
    "Answer with the page that was asked for",
    "Say why a request was refused",
    "Keep the order of the items",
    "Log the time that a query takes",
    "Close the file when it was read",
    "Accept longer names",
    "Sort by date by default",
    "Use the same words everywhere",
    "Round prices at the end only",
    "Retry once when the connection was lost",
)


@dataclass(frozen=True, slots=True)
class Planted:
    """A service, how many builds it has before and after, and what comes between.

    ``plan`` is how its builds are made, ``then`` those from the cause on. ``edits`` by the number
    of their commit, and ``refreshed`` bases by that of their build, are what happens and matters to
    nobody.
    """

    service: str
    before: int
    after: int
    subject: str = ""
    begin: tuple[Edit, ...] = ()
    cause: tuple[Edit, ...] = ()
    plan: BuildPlan = PUSH
    then: BuildPlan = PUSH
    edits: tuple[tuple[int, str, Edit], ...] = ()
    refreshed: tuple[int, ...] = ()
    growth_mib: int = 0


INSTALL = "RUN --mount=type=bind,source=vendor,target=/vendor sh install.sh packages.lock\n"
SOURCES = "COPY compile.sh ./\nCOPY src src\n"
MANIFESTS = "COPY packages.lock install.sh ./\n"
RUNTIME = "COPY --from=build /app/out /app/out\n"
COLD = BuildPlan(lost_cache=True)
NEW_CODEC = Replace("packages.lock", "codec 1.9", "codec 2.0")

PLANTED = (
    Planted(
        "codec",
        before=30,
        after=14,
        subject="Update codec to 2.0",
        cause=(NEW_CODEC,),
        plan=COLD,
        then=COLD,
    ),
    Planted("photos", before=26, after=12, growth_mib=16),
    Planted(
        "ledger",
        before=30,
        after=14,
        subject="Copy everything in one go",
        begin=(NEW_CODEC,),
        cause=(Replace("Dockerfile", MANIFESTS, "COPY . .\n"),),
    ),
    Planted(
        "maps",
        before=30,
        after=14,
        begin=(Write("src/size", "300\n"),),
        then=BuildPlan(neighbours=2),
    ),
    Planted(
        "mailer",
        before=26,
        after=12,
        subject="Find out why production crashes",
        cause=(
            Replace(
                "Dockerfile",
                RUNTIME,
                f"{RUNTIME}COPY --from=build /opt/toolchain /opt/toolchain\n",
            ),
        ),
    ),
    Planted(
        "quiet",
        before=60,
        after=0,
        edits=(
            (15, "Update router to 3.2", Replace("packages.lock", "router 3.1", "router 3.2")),
            (40, "Label the image", Replace("Dockerfile", RUNTIME, f"{RUNTIME}LABEL team=shop\n")),
        ),
        refreshed=(28,),
    ),
)
"""``photos`` has its cause in the base image, ``maps`` in what else its builder does."""

NEIGHBOURS = ("tiles", "fonts")
"""What runs beside others, without the cache."""

NEIGHBOUR = """\
ARG BASE=busybox:1
FROM ${{BASE}} AS runtime
WORKDIR /{name}
COPY compile.sh ./
COPY src src
RUN sh compile.sh src one & sh compile.sh src other & wait
"""
"""Steps of its own: what one builds without the cache, no other has to build again."""


def neighbour_of(name: str) -> History:
    """Return the history of a service that is built beside others: one commit, one build."""
    dockerfile = Write("Dockerfile", NEIGHBOUR.format(name=name))
    edits = (dockerfile, Write("src/size", "1200\n"))
    builds = (BuildPlan(no_cache=True),)
    commit = Commit("99 12:00", f"Add the service {name}", JONAS, edits, builds=builds)
    return History(name, BASES, "", {}, (commit,))


def history_of(planted: Planted) -> History:
    """Return the commits of a service with their builds, the oldest first."""
    return History(planted.service, BASES, "", {}, tuple(_commits(planted)))


def _commits(planted: Planted) -> Iterator[Commit]:
    chance = Random(planted.service)  # noqa: S311  # the same commits each time
    count = planted.before + planted.after
    gaps = [chance.randint(*HOURS_BETWEEN) * 60 + chance.randint(0, 59) for _ in range(count)]
    minutes = sum(gaps) + DAY_MINUTES
    for number, gap in enumerate(gaps):
        subject, edits = _content(planted, number, chance)
        yield Commit(
            _moment(minutes),
            subject,
            chance.choice(AUTHORS),
            edits,
            builds=(_plan(planted, number),),
        )
        minutes -= gap


def _content(planted: Planted, number: int, chance: Random) -> tuple[str, tuple[Edit, ...]]:
    """Return the subject and the edits of a commit; the sources change in each."""
    source = Write("src/main.txt", f"{planted.service}, change {number}\n")
    if number == 0:
        return f"Add the service {planted.service}", (source, *planted.begin)
    if number == planted.before and planted.cause:
        return planted.subject, (source, *planted.cause)
    for at, subject, edit in planted.edits:
        if at == number:
            return subject, (source, edit)
    return chance.choice(SUBJECTS), (source,)


def _plan(planted: Planted, number: int) -> BuildPlan:
    if number < planted.before:
        is_refreshed = number in planted.refreshed
        return replace(planted.plan, refreshed_base=BASE) if is_refreshed else planted.plan
    if number == planted.before and planted.growth_mib:
        return replace(planted.then, refreshed_base=BASE, base_growth_mib=planted.growth_mib)
    return planted.then


def _moment(minutes: int) -> str:
    """Return "days before today, time of day" of a moment so many minutes before today's 00:00."""
    days = -(-minutes // DAY_MINUTES)
    clock = days * DAY_MINUTES - minutes
    return f"{days} {clock // 60:02}:{clock % 60:02}"
