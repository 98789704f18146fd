"""All checks of an image in one pass over its layers."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from buildkit.errors import ParseError
from buildkit.imagefiles import ImageFiles
from buildkit.layers import Entry, LayerLimits, LayerReader
from supplychain.imagechecks import permissions, secrets, settings, users
from supplychain.imagechecks.facts import Facts, facts_of
from supplychain.imagechecks.filesystem import FinalFiles
from supplychain.imagechecks.masking import Masker
from supplychain.imagechecks.model import Check, Places, Status, Subject
from supplychain.imagechecks.secret_files import wanted as wanted_for_secrets
from supplychain.imagechecks.tools import check_tools, is_tool

LIMITS = LayerLimits(seconds=600)
_ACCOUNTS = (users.PASSWD, users.GROUP)
_BY_FILES = frozenset(
    {
        "user",
        "setuid",
        "world-writable",
        "application-writable",
        "secret-in-layers",
        "package-manager",
        "shell",
    }
)
"""Checks that take all files of an image."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What came of all checks, and what the image is; ``problem`` says why not all was read."""

    checks: list[Check]
    facts: Facts
    problem: str = ""


def wanted(entry: Entry) -> int:
    """Return how many of a file's first bytes the checks look at."""
    if entry.path in _ACCOUNTS:
        return users.FILE_BYTES
    return wanted_for_secrets(entry)


@dataclass(slots=True)
class ImageChecker:
    """Takes the layers of an image from the bottom up, as ``wanted`` has them read."""

    subject: Subject
    _final: FinalFiles = field(default_factory=FinalFiles)
    _secrets: secrets.LayerSecrets = field(default_factory=secrets.LayerSecrets)
    _digests: list[str] = field(default_factory=list)
    _application: permissions.Application = field(init=False)

    def __post_init__(self) -> None:
        self._application = permissions.Application.of(self.subject)

    def add(self, entries: Iterable[Entry], digest: str) -> None:
        """Put a layer on those that are known.

        Raises:
            ParseError: whatever reading the entries raises.
            TooLargeError: naming the layer: it has too much that matters.
        """
        layer = len(self._digests)
        self._digests.append(digest)
        for entry in entries:
            has_secret = self._secrets.look(entry, layer)
            if entry.path not in _ACCOUNTS:
                entry = replace(entry, data=b"") if entry.data else entry
            matters = has_secret or self._matters(entry)
            self._final.apply(entry, layer, digest, matters=matters)

    def checked(self, problem: str = "", unread: Sequence[str] = ()) -> Checked:
        """Return the results of all checks; ``problem`` says why layers were not read."""
        subject, final = self.subject, self._final
        places = self._places([*self._digests, *unread])
        found = sorted(final, key=lambda item: item[0].path)
        user_check, user = users.check_user(subject, self._accounts())
        if problem and not users.is_root_by_number(subject):
            user = users.RunUser(None)
        checks = [
            user_check,
            *permissions.check_modes(found, subject, user, places),
            secrets.check_environment(subject, places),
            *secrets.check_history(subject, places),
            secrets.check_labels(subject, places),
            self._secrets.check(final, places),
            *check_tools(found, final, subject, places),
            settings.check_health(subject),
            settings.check_labels(subject),
            settings.check_tag(subject, places),
            settings.check_base(subject, places),
            settings.check_ports(subject, user),
        ]
        if problem:
            checks = [self._in_doubt(check, problem) for check in checks]
        return Checked(checks, facts_of(subject, user, places), problem)

    def _places(self, digests: list[str]) -> Places:
        instructions = self.subject.layer_instructions(len(digests))
        masker = Masker(secrets.known_values(self.subject))
        return Places(digests, instructions, masker, self._secrets.layers)

    def _in_doubt(self, check: Check, problem: str) -> Check:
        """Return what can be said of a check if layers are missing.

        A later layer may remove what was found, but no layer takes a secret back.
        """
        is_sure = check.status is Status.FAIL and (
            check.id == "secret-in-layers"
            or (check.id == "user" and users.is_root_by_number(self.subject))
        )
        if check.id not in _BY_FILES or check.status is Status.NOT_APPLICABLE or is_sure:
            return check
        return replace(check, status=Status.UNKNOWN, message=f"not all was read: {problem}")

    def _accounts(self) -> users.Accounts:
        known = {path: self._final.at(path) for path in _ACCOUNTS}
        return users.Accounts.of({path: item[0] if item else None for path, item in known.items()})

    def _matters(self, entry: Entry) -> bool:
        """Tell whether an entry may be told of; who runs the image is known only in the end."""
        return (
            permissions.is_special(entry)
            or permissions.is_open(entry)
            or entry.path in _ACCOUNTS
            or self._is_of_application(entry)
            or is_tool(entry)
        )

    def _is_of_application(self, entry: Entry) -> bool:
        is_of_others = entry.uid != 0 or bool(entry.mode & 0o022)
        return is_of_others and self._application.has(entry)


def check_image(files: ImageFiles, subject: Subject, limits: LayerLimits | None = None) -> Checked:
    """Read all layers of an image once, and check it.

    A layer that cannot be read, or is more than the limits allow, ends the reading: what takes
    files to tell is unknown then.

    Raises:
        RegistryError: the registry did not give a layer.
    """
    reader, checker = LayerReader(limits or LIMITS, wanted), ImageChecker(subject)
    for number, layer in enumerate(files.layers, 1):
        try:
            checker.add(reader.entries(layer.open(), layer.name), layer.name)
        except ParseError as error:
            return checker.checked(str(error), [item.name for item in files.layers[number:]])
    return checker.checked()
