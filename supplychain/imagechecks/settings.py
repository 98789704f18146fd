"""Checks of an image's configuration and name, which take no file of it."""

import re
from urllib.parse import unquote

from buildkit.errors import ParseError
from buildkit.model import Material
from buildkit.registry.errors import InvalidReferenceError
from buildkit.registry.reference import Reference
from buildkit.values import as_dict, as_list, as_text, as_text_map
from supplychain.imagechecks.model import Check, Evidence, Kind, Places, Subject
from supplychain.imagechecks.users import RunUser
from supplychain.reports.model import Severity

PRIVILEGED_BELOW = 1024
_HEALTH = Kind(
    "healthcheck",
    "Has a health check",
    Severity.LOW,
    "Add HEALTHCHECK, as a list if the image has no shell.",
)
_LABELS = Kind(
    "labels",
    "Says what it was built from",
    Severity.LOW,
    "Set the labels when building, e.g. by `labels` of the Bake target.",
)
_TAG = Kind(
    "tag",
    "Named by a tag that does not move",
    Severity.LOW,
    "Tag it with its version or commit, and deploy it by that tag or by digest.",
)
_BASE = Kind(
    "base-pinned",
    "Bases are pinned by digest",
    Severity.MEDIUM,
    "Write FROM name:tag@sha256:…, and let a bot renew the digest.",
)
_PORTS = Kind(
    "ports",
    "Ports that its user may open",
    Severity.LOW,
    f"Listen on a port from {PRIVILEGED_BELOW} on, and map it when the container starts.",
)
_IMAGE = "pkg:docker/"
_PINNED = re.compile(r"@sha256:[0-9a-f]{64}|[?&]digest=sha256(?::|%3A)[0-9a-f]{64}", re.IGNORECASE)
_FRONTEND = re.compile(r"pkg:docker/(?:docker\.io/)?docker/dockerfile(?:-upstream)?[@?]")
_ID = re.compile(r"(?:sha256:)?[0-9a-f]{12,64}")
"""An image's id in an engine, which could be read as a name without a tag."""

_PORT = re.compile(r"(\d{1,5})(?:-(\d{1,5}))?(?:/\w+)?")


def check_health(subject: Subject) -> Check:
    """Tell whether the image has a health check; Docker keeps it beside what OCI has."""
    test = [
        as_text(item) for item in as_list(as_dict(subject.settings.get("Healthcheck")).get("Test"))
    ]
    if test[:1] == ["NONE"]:
        return _HEALTH.failed("its health check is switched off")
    if not any(test):
        return _HEALTH.failed("HEALTHCHECK is not set")
    return _HEALTH.passed("HEALTHCHECK is set")


def check_labels(subject: Subject) -> Check:
    """Tell which of the labels that are asked for are missing or empty."""
    labels = as_text_map(subject.settings.get("Labels"))
    missing = [name for name in subject.labels if not labels.get(name, "").strip()]
    if missing:
        return _LABELS.failed(
            f"{len(missing)} of {len(subject.labels)} labels are missing",
            [Evidence(name, "missing") for name in missing],
        )
    return _LABELS.passed(f"all of {len(subject.labels)} labels are there")


def check_tag(subject: Subject, places: Places) -> Check:
    """Tell whether the name by which the image was asked for may become another image's."""
    text = subject.reference.strip()
    try:
        reference = Reference.parse(text) if text and not _ID.fullmatch(text) else None
    except (InvalidReferenceError, ParseError):
        reference = None
    if reference is None:
        return _TAG.unknown("it was not asked for by a name")
    if reference.digest:
        return _TAG.passed("named by digest")
    if reference.tag != "latest":
        return _TAG.passed(f"its tag is {reference.tag}")
    is_written = text.endswith(":latest")
    why = "its tag is latest" if is_written else "it has no tag, which means latest"
    return _TAG.failed(why, [Evidence(places.shown(text))])


def check_base(subject: Subject, places: Places) -> Check:
    """Tell whether images that it was built from were named by digest, by its provenance."""
    if subject.materials is None:
        return _BASE.unknown("it has no provenance beside it, and none was given")
    bases = bases_of(subject)
    if not bases:
        return _BASE.passed("its provenance names no base")
    loose = [item for item in bases if not _PINNED.search(item.uri)]
    if not loose:
        return _BASE.passed(f"all of {len(bases)} bases are pinned")
    return _BASE.failed(
        f"{len(loose)} of {len(bases)} bases are named by tag alone",
        [Evidence(places.shown(name_of(item.uri)), _taken(item)) for item in loose],
    )


def name_of(uri: str) -> str:
    """Return ``name:tag`` of a package URL of an image; what is none stays as it is."""
    name, _, version = unquote(uri.partition("?")[0]).removeprefix(_IMAGE).rpartition("@")
    return f"{name}:{version}" if uri.startswith(_IMAGE) and name else uri


def _taken(material: Material) -> str:
    return f"was {material.digest}" if material.digest else ""


def bases_of(subject: Subject) -> list[Material]:
    """Return the images it was built from, as its provenance has them; none if there is none."""
    return [item for item in subject.materials or () if _is_base(item)]


def _is_base(material: Material) -> bool:
    """Tell whether a material is an image, and not the frontend that read the Dockerfile."""
    return material.uri.startswith(_IMAGE) and not _FRONTEND.match(material.uri)


def check_ports(subject: Subject, user: RunUser) -> Check:
    """Tell of ports that only root may open, where the user is another."""
    names = [name for name in as_dict(subject.settings.get("ExposedPorts")) if as_text(name)]
    low = sorted({as_text(name)[:30] for name in names if _is_low(name)})
    if not low:
        return _PORTS.passed(f"no port below {PRIVILEGED_BELOW} is exposed")
    if subject.is_windows:
        return _PORTS.not_applicable("on Windows everybody may open every port")
    if user.uid is None:
        return _PORTS.unknown("who runs it cannot be told")
    if user.uid == 0:
        return _PORTS.passed("root may open them")
    return _PORTS.failed(
        f"UID {user.uid} may not open {len(low)} of the exposed ports everywhere",
        [Evidence(name) for name in low],
    )


def _is_low(name: str) -> bool:
    found = _PORT.fullmatch(name)
    return found is not None and 0 < int(found[1]) < PRIVILEGED_BELOW
