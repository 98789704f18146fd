"""Checks of modes and owners of the files that an image has in the end."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from buildkit.layers import Entry
from buildkit.values import as_list, as_text
from supplychain.imagechecks.model import MOST_EVIDENCE, Check, Kind, Places, Subject
from supplychain.imagechecks.users import RunUser
from supplychain.reports.model import Severity

SETUID, SETGID, STICKY = 0o4000, 0o2000, 0o1000
_OWNER, _GROUP, _OTHERS = 0o200, 0o020, 0o002
_SETUID = Kind(
    "setuid",
    "No setuid or setgid files",
    Severity.MEDIUM,
    "Remove the bits in the last stage: find / -xdev -perm /6000 -type f -exec chmod a-s {} +",
)
_OPEN = Kind(
    "world-writable",
    "Nothing that everybody may write",
    Severity.MEDIUM,
    "chmod o-w, or COPY --chmod; a directory for all, such as /tmp, has the sticky bit (1777).",
)
_APPLICATION = Kind(
    "application-writable",
    "The application's files are not its user's to write",
    Severity.LOW,
    "Leave the application's files to root (COPY without --chown), and give the user a directory"
    " of its own for what it writes.",
)

type Found = tuple[Entry, int]


def is_special(entry: Entry) -> bool:
    """Tell whether a file runs with rights that whoever starts it may not have.

    Of a directory the bits mean something else.
    """
    is_file = not (entry.is_dir or entry.symlink or entry.is_device)
    return is_file and (bool(entry.mode & (SETUID | SETGID)) or entry.has_capabilities)


def is_open(entry: Entry) -> bool:
    """Tell whether everybody may write a file or remove files of a directory."""
    if entry.symlink or entry.is_device or not entry.mode & _OTHERS:
        return False
    return not (entry.is_dir and entry.mode & STICKY)


def may_write(entry: Entry, user: RunUser) -> bool:
    """Tell whether a user may write a file, by its mode alone."""
    if entry.symlink or entry.is_device:
        return False
    if user.uid == 0:
        return True
    if entry.uid == user.uid:
        return bool(entry.mode & _OWNER)
    if entry.gid in user.groups:
        return bool(entry.mode & _GROUP)
    return bool(entry.mode & _OTHERS)


@dataclass(frozen=True, slots=True)
class Application:
    """The working directory, and files that a container starts or is started with."""

    folder: str
    files: frozenset[str]

    @classmethod
    def of(cls, subject: Subject) -> "Application":
        """Read them from an image's settings."""
        settings = subject.settings
        words = [*as_list(settings.get("Entrypoint")), *as_list(settings.get("Cmd"))]
        started = {as_text(word).strip("/") for word in words if as_text(word).startswith("/")}
        return cls(as_text(settings.get("WorkingDir")).strip("/"), frozenset(started - {""}))

    def __bool__(self) -> bool:
        return bool(self.folder or self.files)

    def has(self, entry: Entry) -> bool:
        """Tell whether a file is of it; a directory that a word names may be for data."""
        if self.folder and f"{entry.path}/".startswith(f"{self.folder}/"):
            return True
        return entry.path in self.files and not entry.is_dir


def check_modes(
    found: Sequence[Found], subject: Subject, user: RunUser, places: Places
) -> list[Check]:
    """Return all checks of modes and owners."""
    if subject.is_windows:
        kinds = (_SETUID, _OPEN, _APPLICATION)
        return [kind.not_applicable("files of Windows have no modes") for kind in kinds]
    return [
        check_setuid(found, places),
        check_open(found, places),
        check_application(found, subject, user, places),
    ]


def check_setuid(found: Sequence[Found], places: Places) -> Check:
    """Tell of files that run as their owner, whoever starts them."""
    evidence = [
        places.evidence(f"/{entry.path}", _bits(entry), layer, _weight(entry))
        for entry, layer in found
        if is_special(entry)
    ]
    if not evidence:
        return _SETUID.passed("no file is setuid or setgid, or has capabilities")
    if not any(entry.has_capabilities for entry, _ in found):
        return _SETUID.failed(f"{len(evidence)} files are setuid or setgid", evidence)
    return _SETUID.failed(
        f"{len(evidence)} files are setuid, setgid or have capabilities", evidence
    )


def _weight(entry: Entry) -> Severity:
    """Capabilities alone are less than all that root may do."""
    return Severity.UNKNOWN if entry.mode & (SETUID | SETGID) else Severity.LOW


def _bits(entry: Entry) -> str:
    owner = f"owner {entry.uid}:{entry.gid}"
    names = [name for bit, name in ((SETUID, "setuid"), (SETGID, "setgid")) if entry.mode & bit]
    if entry.has_capabilities:
        names.append("capabilities")
    return f"{'+'.join(names)}, mode {entry.mode:04o}, {owner}"


def check_open(found: Sequence[Found], places: Places) -> Check:
    """Tell of files and directories that everybody may write."""
    writable = [item for item in found if is_open(item[0])]
    if not writable:
        return _OPEN.passed("nothing may be written by everybody")
    evidence = [
        places.evidence(f"/{entry.path}", _kind(entry), layer)
        for entry, layer in writable[:MOST_EVIDENCE]
    ]
    count = len(writable)
    return _OPEN.failed(f"everybody may write {count} files and directories", evidence, count)


def _kind(entry: Entry) -> str:
    kind = "directory without sticky bit" if entry.is_dir else "file"
    return f"{kind}, mode {entry.mode:04o}"


def check_application(
    found: Iterable[Found], subject: Subject, user: RunUser, places: Places
) -> Check:
    """Tell what of the application its own user may write."""
    application = Application.of(subject)
    if not application:
        return _APPLICATION.unknown("neither WORKDIR nor a path that is started is set")
    if user.uid is None:
        return _APPLICATION.unknown("who runs it cannot be told")
    if user.uid == 0:
        return _APPLICATION.failed("it runs as root, who may write everything")
    own = [item for item in found if application.has(item[0]) and may_write(item[0], user)]
    if not own:
        return _APPLICATION.passed(f"UID {user.uid} may write nothing of the application")
    evidence = [
        places.evidence(f"/{entry.path}", f"{_owned(entry)}, written by UID {user.uid}", layer)
        for entry, layer in own[:MOST_EVIDENCE]
    ]
    return _APPLICATION.failed(
        f"UID {user.uid} may write {len(own)} of the application's files", evidence, len(own)
    )


def _owned(entry: Entry) -> str:
    kind = "directory" if entry.is_dir else "file"
    return f"{kind}, mode {entry.mode:04o}, owner {entry.uid}:{entry.gid}"
