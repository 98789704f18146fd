"""All checks of an image in one pass over its layers."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from buildkit.imagefiles import ImageFiles
from buildkit.layers import Entry, LayerLimits, LayerReader
from supplychain.imagechecks import permissions, secrets, settings, users
from supplychain.imagechecks.filesystem import FinalFiles
from supplychain.imagechecks.masking import Masker
from supplychain.imagechecks.model import Check, Places, Subject
from supplychain.imagechecks.secret_files import wanted as wanted_for_secrets
from supplychain.imagechecks.tools import check_tools, is_tool

_ACCOUNTS = (users.PASSWD, users.GROUP)


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

    def checks(self) -> list[Check]:
        """Return the results of all checks that are meant for such an image."""
        subject, final = self.subject, self._final
        places = Places(
            self._digests,
            subject.layer_instructions(len(self._digests)),
            Masker(secrets.known_values(subject)),
            self._secrets.layers,
        )
        found = sorted(final, key=lambda item: item[0].path)
        user_check, user = users.check_user(subject, self._accounts())
        return [
            user_check,
            permissions.check_setuid(found, places),
            permissions.check_open(found, places),
            permissions.check_application(found, subject, user, places),
            secrets.check_environment(subject, places),
            *secrets.check_history(subject, places),
            secrets.check_labels(subject, places),
            self._secrets.check(final, places),
            *(check_tools(found, final, places) if subject.is_production else ()),
            settings.check_health(subject),
            settings.check_labels(subject),
            settings.check_tag(subject, places),
            settings.check_base(subject, places),
            settings.check_ports(subject, user),
        ]

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


def check_image(
    files: ImageFiles, subject: Subject, limits: LayerLimits | None = None
) -> list[Check]:
    """Read all layers of an image once, and check it.

    Raises:
        ParseError: naming the layer: it cannot be read, or is more than the limits allow.
        RegistryError: the registry did not give it.
    """
    reader, checker = LayerReader(limits, wanted), ImageChecker(subject)
    for layer in files.layers:
        checker.add(reader.entries(layer.open(), layer.name), layer.name)
    return checker.checks()
