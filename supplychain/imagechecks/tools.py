"""Package managers and shells, which an image of production need not have."""

import re
from collections.abc import Iterable

from buildkit.layers import Entry
from supplychain.imagechecks.filesystem import FinalFiles
from supplychain.imagechecks.model import Check, Kind, Places, Subject
from supplychain.reports.model import Severity

LONGEST_LINK = 1_000
_DEPTH = 8
_MANAGERS = re.compile(
    r"(?:.*/)?s?bin/(?P<name>apt|apt-get|aptitude|dpkg|apk|dnf5?|microdnf|yum|rpm|zypper|pacman|opkg"
    r"|pip[\d.]*|pipx|uv|poetry|conda|mamba|npm|npx|yarn|pnpm|corepack|gem|bundler?|cargo|composer"
    r"|brew|nix-env)$"
    r"|(?:.*/)?(?:site|dist)-packages/(?P<module>pip)/__main__\.py$"
    r"|(?:.*/)?node_modules/(?P<package>npm|yarn|pnpm)/bin/[^/]+\.c?js$"
)
_SHELLS = re.compile(
    r"(?:.*/)?(?:s?bin|busybox)/(?P<name>sh|bash|rbash|dash|ash|zsh|ksh|mksh|csh|tcsh|fish|pwsh"
    r"|busybox|toybox)$"
)
_OF_ENVIRONMENT = re.compile(r"(?:.*/)?\.?(?:v?env|virtualenv)[^/]*/(?:bin|lib)/")
_MANAGER = Kind(
    "package-manager",
    "No package manager in an image of production",
    Severity.MEDIUM,
    "Install in a build stage, and copy what is needed into a base without one (distroless,"
    " scratch).",
)
_SHELL = Kind(
    "shell",
    "No shell in an image of production",
    Severity.LOW,
    "Use a base without a shell (distroless, scratch), and ENTRYPOINT as a list.",
)


def is_tool(entry: Entry) -> bool:
    """Tell whether a file is a package manager or a shell, by its path."""
    if entry.is_dir or entry.is_device or len(entry.symlink) > LONGEST_LINK:
        return False
    return bool(_MANAGERS.match(entry.path) or _SHELLS.match(entry.path))


def check_tools(
    found: Iterable[tuple[Entry, int]], final: FinalFiles, subject: Subject, places: Places
) -> list[Check]:
    """Tell of package managers and shells; links that lead to no such file are none."""
    if subject.is_windows or not subject.is_production:
        why = "Windows has its own" if subject.is_windows else "not said to be of production"
        return [kind.not_applicable(why) for kind in (_MANAGER, _SHELL)]
    tools = [item for item in found if is_tool(item[0]) and _is_there(item[0], final)]
    return [
        _check(_MANAGER, _MANAGERS, tools, places, "package managers"),
        _check(_SHELL, _SHELLS, tools, places, "shells"),
    ]


def _check(
    kind: Kind, names: re.Pattern[str], tools: list[tuple[Entry, int]], places: Places, what: str
) -> Check:
    evidence = []
    known = set()
    for entry, layer in tools:
        if match := names.match(entry.path):
            name = next(filter(None, match.groups()))
            known.add(name)
            evidence.append(places.evidence(f"/{entry.path}", name, layer, _weight(entry)))
    if not evidence:
        return kind.passed(f"no {what} are known in it")
    shown = ", ".join(sorted(known)[:10])
    return kind.failed(f"{what} in {len(evidence)} files: {shown}", evidence)


def _weight(entry: Entry) -> Severity:
    """One of a virtual environment installs for that environment alone."""
    return Severity.LOW if _OF_ENVIRONMENT.match(entry.path) else Severity.UNKNOWN


def _is_there(entry: Entry, final: FinalFiles) -> bool:
    """Tell whether a file can be run; a link to what has another name is taken for one that can."""
    for _ in range(_DEPTH):
        if not entry.symlink:
            is_script = entry.path.endswith((".py", "js"))
            return bool(entry.link or entry.mode & 0o111 or is_script)
        target = _resolved(entry.path, entry.symlink)
        if not (_MANAGERS.match(target) or _SHELLS.match(target)):
            return True
        known = final.at(target) or final.at(f"usr/{target}")
        if known is None:
            return False
        entry = known[0]
    return False


def _resolved(path: str, target: str) -> str:
    """Return where a symbolic link leads to, without further links on the way."""
    parts = [] if target.startswith("/") else path.split("/")[:-1]
    for part in target.split("/"):
        if part == "..":
            parts = parts[:-1]
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts)
