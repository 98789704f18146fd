"""Instructions as histories, provenance and progress write them, in one way."""

import re

_PLACE = re.compile(r"^\[[^\]]*\]\s*")
_SHELL = re.compile(r"^(?:RUN\s+)?(?:\|\d+\s.*?)?/bin/sh -c\s+")
_NOP = re.compile(r"^#\(nop\)\s+")
_BUILDKIT = re.compile(r"\s*# buildkit$")
_HASH = re.compile(r"\b(?:sha256:)?[0-9a-f]{32,}\b")
_FROM = re.compile(r"^FROM\s+(?:--platform=\S+\s+)?(\S+)")
_TAG = re.compile(r":[\w][\w.-]*$")
_KIND = re.compile(r"^[A-Z]{2,}\b")


def normalised(text: str) -> str:
    """Return an instruction without what changes from build to build.

    Without stage and place, shell, values of build arguments, digests; of a base image without
    its tag as well, so that a new base is a change of the same instruction.
    """
    text = _plain(text)
    if base := _FROM.match(text):
        return f"FROM {_TAG.sub('', base[1].partition('@')[0])}"
    return _HASH.sub("…", text)


def kind_of(key: str) -> str:
    """Return the keyword of a normalised instruction; empty if it is not known."""
    found = _KIND.match(key)
    return found[0] if found else ""


def as_written(text: str) -> str:
    """Return an instruction as people write it; of a base image without its digest."""
    text = _plain(text)
    return text.partition("@")[0] if _FROM.match(text) else text


def _plain(text: str) -> str:
    """Return an instruction without stage and place, shell and values of build arguments."""
    text = _BUILDKIT.sub("", _PLACE.sub("", " ".join(text.split())))
    is_shell = _SHELL.match(text)
    text = _SHELL.sub("", text)
    if _NOP.match(text):
        text = _NOP.sub("", text)
    elif is_shell:
        text = f"RUN {text}"
    return text
