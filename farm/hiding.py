"""Values that nobody is to see: those of ``BUILD_SECRETS``, wherever a build lets them out.

A build may print what it was given, whatever it looks like. What is stored is masked byte for
byte, as output comes in chunks that end anywhere.
"""

import base64
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

from django.conf import settings

from buildkit.archive import gunzip, read_tar
from buildkit.errors import ParseError
from buildkit.limits import Limits
from buildkit.reading import read_builds
from builds.masking import MASK, mask_secrets

SHORTEST = 4
"""Shorter values would mask half of every log."""

SECRET_LENGTH = 4096
"""Longer than what looks like a secret, a signed token say."""

_GO_ESCAPES = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"}


@dataclass(frozen=True, slots=True)
class Hidden:
    """Secret values, longest first: one may be a part of another."""

    values: tuple[str, ...] = ()

    @classmethod
    def of_this_worker(cls) -> Self:
        """Return the lines of the variables that ``BUILD_SECRETS`` names."""
        named = (os.environ.get(name, "") for name in settings.BUILD_SECRETS)
        lines = {line.strip() for value in named for line in value.splitlines()}
        return cls(tuple(sorted((v for v in lines if len(v) >= SHORTEST), key=len, reverse=True)))

    def text(self, text: str) -> str:
        """Mask the values, and what looks like a secret."""
        for value in self.values:
            text = text.replace(value, MASK)
        return mask_secrets(text)

    def beginning(self, text: str, length: int) -> str:
        """Return the masked beginning of a text that may be long: masking all of it would cost.

        What is looked at ends anywhere, even within a value, of which then a part is left. So as
        much as that can be is taken off its end again, however little the masks have left before.
        """
        looked_at = text[: self.needed(length)]
        masked = self.text(looked_at)
        return (masked if looked_at == text else masked[: -self._longest])[:length]

    def ending(self, text: str, length: int) -> str:
        """Return the masked end of a text in the same way."""
        looked_at = text[-self.needed(length) :]
        masked = self.text(looked_at)
        return (masked if looked_at == text else masked[self._longest :])[-length:]

    def needed(self, length: int) -> int:
        """Return of how much text that many characters are left when it is masked."""
        return length + 4 * self._longest

    @property
    def _longest(self) -> int:
        return max([SECRET_LENGTH, *map(len, self.values)])

    def data(self, data: bytes) -> bytes:
        """Put asterisks in the values' place, as they are and as JSON has them."""
        for needle in self._needles():
            data = data.replace(needle, b"*" * len(needle))
        return data

    def progress(self, stream: bytes) -> bytes:
        """Put asterisks in the values' place in a build's rawjson, also across chunks of a log."""
        frames = [_frame(line) for line in stream.splitlines()]
        printed: dict[tuple[str, Any], bytearray] = {}
        places = []
        for chunk in _chunks(frames):
            key = str(chunk.get("vertex")), chunk.get("stream")
            data = base64.b64decode(str(chunk.get("data", "")))
            begin = len(printed.setdefault(key, bytearray()))
            printed[key] += data
            places.append((chunk, key, begin, begin + len(data)))
        masked = {key: self.data(bytes(data)) for key, data in printed.items()}
        for chunk, key, begin, end in places:
            chunk["data"] = base64.b64encode(masked[key][begin:end]).decode()
        lines = (frame if isinstance(frame, bytes) else _line(frame) for frame in frames)
        return b"".join(self.data(line) + b"\n" for line in lines)

    def is_in_record(self, bundle: bytes) -> bool:
        """Tell whether a ``.dockerbuild`` holds a value, or may: one that cannot be read may."""
        if not self.values:
            return False
        limits = Limits()
        try:
            files = read_tar(gunzip(bundle, "record", limits), "record", limits)
            builds = read_builds(record=bundle)
        except ParseError:
            return True
        logs = (
            b"".join(chunk.data for chunk in step.log) for build in builds for step in build.steps
        )
        sources = (source.text.encode() for build in builds for source in build.sources)
        return any(self._is_in(data) for data in (*map(bytes, files.values()), *logs, *sources))

    def _is_in(self, data: bytes) -> bool:
        return any(needle in data for needle in self._needles())

    def _needles(self) -> Iterator[bytes]:
        for value in self.values:
            quoted = json.dumps(value, ensure_ascii=False)[1:-1]
            by_go = "".join(_GO_ESCAPES.get(character, character) for character in quoted)
            yield from {text.encode() for text in (value, quoted, by_go, json.dumps(value)[1:-1])}


def _frame(line: bytes) -> dict[str, Any] | bytes:
    try:
        frame = json.loads(line)
    except ValueError:
        return line
    return frame if isinstance(frame, dict) else line


def _chunks(frames: list[dict[str, Any] | bytes]) -> Iterator[dict[str, Any]]:
    for frame in frames:
        if isinstance(frame, dict):
            yield from (chunk for chunk in frame.get("logs") or () if isinstance(chunk, dict))


def _line(frame: dict[str, Any]) -> bytes:
    return json.dumps(frame, ensure_ascii=False, separators=(",", ":")).encode()
