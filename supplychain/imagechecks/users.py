"""Whom a container runs as, as Docker reads ``User`` with the image's own /etc/passwd."""

from dataclasses import dataclass, field

from buildkit.layers import Entry
from buildkit.values import as_text
from supplychain.imagechecks.model import Check, Evidence, Kind, Subject
from supplychain.reports.model import Severity

PASSWD, GROUP = "etc/passwd", "etc/group"
FILE_BYTES = 256 * 1024
MOST_ID = 2**31 - 1
LONGEST_NAME = 100
_USER = Kind(
    "user",
    "Runs as a user other than root",
    Severity.HIGH,
    "End the last stage with USER and a number, e.g. USER 10001:10001.",
)


@dataclass(frozen=True, slots=True)
class RunUser:
    """``uid`` is ``None`` if it cannot be told; ``groups`` has the first one and all others."""

    uid: int | None
    groups: frozenset[int] = frozenset()


@dataclass(slots=True)
class Accounts:
    """The two files of accounts as the topmost layers have them; ``None`` if not readable."""

    files: dict[str, bytes | None] = field(default_factory=dict)

    @classmethod
    def of(cls, found: dict[str, Entry | None]) -> "Accounts":
        """Take the files' contents; links and large files are not readable."""
        texts = {path: _content(entry) for path, entry in found.items() if entry is not None}
        return cls(texts)

    def rows(self, path: str) -> list[list[str]] | None:
        """Return the fields of each line; ``None`` if the file cannot be read."""
        data = self.files.get(path, b"")
        if data is None:
            return None
        lines = data.decode("utf-8", "replace").splitlines()
        return [line.split(":") for line in lines if line.strip() and not line.startswith("#")]


def _content(entry: Entry) -> bytes | None:
    is_whole = len(entry.data) == entry.size and not (entry.link or entry.symlink or entry.is_dir)
    return entry.data if is_whole else None


def user_of(subject: Subject) -> str:
    """Return what ``USER`` says."""
    return as_text(subject.settings.get("User")).strip()[:LONGEST_NAME]


def is_root_by_number(subject: Subject) -> bool:
    """Tell whether no file of the image is needed to know that it runs as root."""
    name = user_of(subject).partition(":")[0]
    return not subject.is_windows and (not name or number(name) == 0)


def check_user(subject: Subject, accounts: Accounts) -> tuple[Check, RunUser]:
    """Tell whether a container runs as root, and whom it runs as."""
    user = user_of(subject)
    if subject.is_windows:
        return _of_windows(user), RunUser(None)
    name, _, group = user.partition(":")
    if not name:
        return _failed("USER is not set: containers run as root", user), RunUser(0, frozenset({0}))
    rows = accounts.rows(PASSWD)
    if rows is None and not name.isdecimal():
        return _USER.unknown(f"/etc/passwd cannot be read, so who {name} is"), RunUser(None)
    row = next((row for row in rows or [] if _is(row, name)), None)
    uid = number(row[2]) if row else number(name)
    if uid is None:
        return _unknown_name(name, accounts), RunUser(None)
    gid, problem = _group(group, row, accounts)
    if uid == 0:
        return _failed(f"{name} is root (UID 0)", user), RunUser(0, frozenset({0}))
    if problem:
        return problem, RunUser(uid)
    return _passed(name, uid, gid), RunUser(uid, _groups(row, group, gid, accounts))


def _of_windows(user: str) -> Check:
    """An image that sets no user has that of its base, which is the one or the other."""
    name = user.rpartition("\\")[2].lower()
    if name in ("containeradministrator", "administrator"):
        return _failed(f"{user} may do everything", user)
    if name == "containeruser":
        return _USER.passed("runs as ContainerUser")
    return _USER.unknown("on Windows the files do not tell what its user may do")


def _is(row: list[str], name: str) -> bool:
    """Tell whether a line of /etc/passwd is that of a user, by name or, as Docker does, number."""
    return len(row) > 3 and number(row[2]) is not None and name in (row[0], row[2])


def number(text: str) -> int | None:
    """Return a number of a user or group; ``None`` if it is none."""
    text = text.strip()
    is_number = text.isascii() and text.isdecimal() and len(text) <= 10
    return int(text) if is_number and int(text) <= MOST_ID else None


def _group(
    group: str, row: list[str] | None, accounts: Accounts
) -> tuple[int | None, Check | None]:
    """Return the number of the group; one that is not named is that of /etc/passwd, or else 0."""
    if not group:
        return (number(row[3]) if row else 0), None
    rows = accounts.rows(GROUP)
    known = next((item for item in rows or [] if len(item) > 2 and group == item[0]), None)
    gid = number(known[2]) if known else number(group)
    if gid is not None:
        return gid, None
    if rows is None:
        return None, _USER.unknown(f"/etc/group cannot be read, so which group {group} is")
    return None, _failed(f"the group {group} is not in /etc/group: no container starts", group)


def _groups(
    row: list[str] | None, group: str, gid: int | None, accounts: Accounts
) -> frozenset[int]:
    """Return all groups; those that list the user count only if none is named."""
    found = set() if gid is None else {gid}
    if row and not group:
        for item in accounts.rows(GROUP) or []:
            if len(item) > 3 and row[0] in item[3].split(","):
                found |= {other for other in [number(item[2])] if other is not None}
    return frozenset(found)


def _unknown_name(name: str, accounts: Accounts) -> Check:
    if name.isdecimal():
        return _failed(f"{name} is no number of a user", name)
    there = "is not in /etc/passwd" if PASSWD in accounts.files else "is a name without /etc/passwd"
    return _failed(f"{name} {there}: no container starts", name)


def _passed(name: str, uid: int, gid: int | None) -> Check:
    who = f"UID {uid}" if name.isdecimal() else f"{name} (UID {uid})"
    notes = [f"runs as {who}"]
    if gid == 0:
        notes.append("in group 0 (root): files of that group may be open to it")
    if not name.isdecimal():
        notes.append("Kubernetes takes only a number for runAsNonRoot")
    return _USER.passed("; ".join(notes))


def _failed(message: str, user: str) -> Check:
    return _USER.failed(message, [Evidence("User", user or "not set")])
