"""Downloads of packages that no cache mount keeps."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from buildkit.advising.advice import Kind, Proposal
from buildkit.advising.commands import SYSTEM, commands_of, managers_of
from buildkit.advising.editing import edited
from buildkit.advising.finding import Known, key_of, seconds_of, stage_of
from buildkit.advising.history import Seen
from buildkit.dockerfile import Instruction, Stage, split_lines
from buildkit.values import as_dict, as_list, as_text

_TARGETS: dict[str, tuple[str, ...]] = {
    "npm": ("/root/.npm",),
    "yarn": ("/usr/local/share/.cache/yarn",),
    "pip": ("/root/.cache/pip",),
    "go": ("/go/pkg/mod", "/root/.cache/go-build"),
    SYSTEM: ("/var/cache/apt", "/var/lib/apt"),
}
# Variables that put the cache elsewhere, or switch it off.
_MOVED: dict[str, re.Pattern[str]] = {
    "npm": re.compile(r"npm_config_(cache|userconfig|globalconfig|prefer_.*)", re.IGNORECASE),
    "yarn": re.compile(r"yarn_(cache_folder|global_folder|enable_.*)", re.IGNORECASE),
    "pip": re.compile(r"PIP_(NO_CACHE_DIR|CACHE_DIR|CONFIG_FILE)|XDG_CACHE_HOME"),
    "go": re.compile(r"GOMODCACHE|GOCACHE|GOENV|XDG_CACHE_HOME"),
    SYSTEM: re.compile(r"APT_CONFIG"),
}
_ROOT = ("", "0", "root", "0:0", "root:root")
_CLEANS = re.compile(r"\bcache (clean|purge|verify)|\bclean\b|\.npm\b|\.cache\b|--cache\b|-C\b")
_LISTS = re.compile(
    r"(?<![ \t])(?:[ \t]*\\\r?\n)?[ \t]*&&[ \t]*(?:\\\r?\n)?[ \t]*"
    r"rm -rf? /var/lib/apt/lists/\*(?=\s*$)"
)
_NO_CACHE = re.compile(
    r"(?<=\s)--no-cache(?:-dir)?[ \t]+|(?<![ \t])[ \t]+--no-cache(?:-dir)?(?=\s*$)"
)
_CLEAN_FILE = "rm -f /etc/apt/apt.conf.d/docker-clean && "
_OLD_SYNTAX = re.compile(r"docker/dockerfile:1\.[01](\D|$)")

LOOK_APT = "Installs without the mount keep what they download in their layer from then on."


@dataclass(frozen=True, slots=True)
class Download:
    """A step that downloads packages each time it runs."""

    proposal: Proposal
    run: Instruction

    def runs(self, one: Seen) -> Mapping[int, float]:
        """Return all its runs: how much of them is downloading was not recorded."""
        return seconds_of(one, one.positions_of([self.run]))

    def is_followed(self, one: Seen) -> bool:
        """Tell whether the step has a cache mount."""
        items = stage_of(one.dockerfile, self.proposal.stage)
        own = [item for item in items if plain(item.normalised) in self.proposal.steps]
        return any("type=cache" in flag for item in own for flag in item.flags)


def find(one: Seen, known: Known) -> Iterator[Download]:
    """Yield downloads that could be kept by a cache mount, as root and in root's home."""
    if one.dockerfile.escape != "\\" or _OLD_SYNTAX.search(
        one.dockerfile.directives.get("syntax", "")
    ):
        return
    for stage in one.dockerfile.stages:
        for item in stage.instructions:
            manager = _manager_of(one, item)
            if manager and _is_plain(one, item, manager):
                yield Download(_proposal(one, stage, item, manager), item)


def _manager_of(one: Seen, run: Instruction) -> str | None:
    """Return the one manager that a ``RUN`` without mounts calls, and that has a known cache."""
    managers = managers_of(run) & _TARGETS.keys()
    if len(managers) != 1 or run.flags or _CLEANS.search(_without_boilerplate(run.value)):
        return None
    [manager] = managers
    if manager == SYSTEM and any("apk" in words[:1] for words in commands_of(run) or ()):
        return None
    if manager == "yarn" and ".yarnrc.yml" in (one.files or ()):
        return None  # Yarn 2 and later have their cache elsewhere
    is_alone = manager != "go" or _calls_of_go(one) == 1
    return manager if is_alone else None


def _calls_of_go(one: Seen) -> int:
    """Count the instructions that may need what Go has downloaded: a mount is for one alone."""
    return sum(
        bool(re.search(r"\bgo\b|/go/pkg", item.value)) or bool(item.heredocs)
        for item in one.dockerfile.instructions
        if item.keyword in ("COPY", "RUN")
    )


def _is_plain(one: Seen, run: Instruction, manager: str) -> bool:
    """Whether all its steps run as root, with the cache where the manager has it of itself."""
    steps = one.steps_of(run)
    return bool(steps) and all(step.op and _is_default(step.op, manager) for step in steps)


def _is_default(op: Mapping[str, object], manager: str) -> bool:
    meta = as_dict(as_dict(op.get("exec")).get("meta"))
    pairs = (as_text(item).partition("=") for item in as_list(meta.get("env")))
    variables = {name: value for name, _, value in pairs}
    is_moved = any(_MOVED[manager].fullmatch(name) for name in variables)
    is_home = variables.get("HOME", "/root") == "/root"
    is_path = manager != "go" or variables.get("GOPATH") == "/go"
    return as_text(meta.get("user")) in _ROOT and is_home and is_path and not is_moved


def plain(normalised: str) -> str:
    """Return a normalised instruction without what a mount takes out of it, or puts into it."""
    return " ".join(_without_boilerplate(normalised).split())


def _without_boilerplate(text: str) -> str:
    return _LISTS.sub("", _NO_CACHE.sub("", text.replace(_CLEAN_FILE, "", 1)))


def _proposal(one: Seen, stage: Stage, run: Instruction, manager: str) -> Proposal:
    step = plain(run.normalised)
    name = "apt" if manager == SYSTEM else manager
    return Proposal(
        Kind.MOUNT,
        key_of(Kind.MOUNT, stage, step),
        f"Keep what {name} downloads in a cache mount: {step[:80]}",
        stage.name,
        (run.start_line, run.end_line),
        one.dockerfile.text,
        _edited(one, run, manager),
        (step,),
        (LOOK_APT,) if manager == SYSTEM else (),
    )


def _edited(one: Seen, run: Instruction, manager: str) -> str:
    shared = ",sharing=locked" if manager == SYSTEM else ""
    mounts = [f"--mount=type=cache,target={path}{shared}" for path in _TARGETS[manager]]
    text = "".join(one.dockerfile.lines_of(run))
    body = text.rstrip("\r\n")
    end = text[len(body) :]
    if manager == SYSTEM:
        body = _LISTS.sub("", body)
    elif manager == "pip":
        body = _NO_CACHE.sub("", body)
    head = re.match(r"\ufeff?\s*\w+\s+", body)
    start = head.end() if head else 0
    first = _CLEAN_FILE if manager == SYSTEM else ""
    written = f"{body[:start]}{' '.join(mounts)} {first}{body[start:]}{end}"
    lines = split_lines(written)
    numbers = range(run.start_line, run.end_line + 1)
    gone = dict.fromkeys(numbers, "")
    return edited(one.dockerfile, replaced=gone | {run.start_line: "".join(lines)})
