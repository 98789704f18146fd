"""Whether the server's policy lets an image ship."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import click

from buildkit.registry import (
    InvalidReferenceError,
    Reference,
    Registry,
    RegistryError,
    credentials_for,
)
from buildkit.registry.reference import is_digest
from cli.errors import POLICY_FAILED, POLICY_UNKNOWN, UsageError
from cli.sizes import size_in_engine
from cli.terminal import told

Ask = Callable[..., Any]
CODES = {"pass": 0, "fail": POLICY_FAILED, "unknown": POLICY_UNKNOWN}
PAUSE_SECONDS = 2.0
SHOWN = 5
"""Things that a reason names on a terminal; the page has all."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Where an image is to go, the policy if one is named, and how long evidence may take."""

    environment: str = ""
    policy: str = ""
    seconds: float = 0


def judge_image(image: str, ask: Ask, wanted: Wanted, *, as_json: bool) -> int:
    """Ask for the verdict on an image, print it, and return the exit code."""
    answer = _verdict(digest_of(image), ask, wanted)
    if as_json:
        click.echo(json.dumps(answer, indent=2))
    else:
        click.echo(told(_lines(image, answer)))
    return CODES.get(answer["verdict"], POLICY_UNKNOWN)


def _verdict(digest: str, ask: Ask, wanted: Wanted) -> dict[str, Any]:
    """Return the verdict; one that cannot be told is asked for again until the time is over.

    What was sent of the build a moment ago may not have been read yet.
    """
    named = {"environment": wanted.environment, "policy": wanted.policy}
    query = {name: text for name, text in named.items() if text}
    until = time.monotonic() + wanted.seconds
    while True:
        answer: dict[str, Any] = ask(f"images/{digest}/verdict/", **query)
        if answer["verdict"] != "unknown" or time.monotonic() >= until:
            return answer
        time.sleep(PAUSE_SECONDS)


def digest_of(image: str) -> str:
    """Return the digest of an image: its own, the engine's, or the registry's.

    Raises:
        UsageError: nobody knows it.
    """
    if is_digest(image):
        return image
    try:
        reference = Reference.parse(image)
    except InvalidReferenceError as error:
        raise UsageError(str(error)) from error
    if reference.digest:
        return reference.digest
    held = size_in_engine(image)
    return held[0] if held else _in_registry(reference)


def _in_registry(reference: Reference) -> str:
    try:
        registry = Registry(reference.host, credentials_for(reference.host))
        return registry.manifest(reference).digest
    except RegistryError as error:
        raise UsageError(f"{error}. The engine on this machine does not have it.") from error


def _lines(image: str, told: dict[str, Any]) -> Iterator[str]:
    yield f"{image}: {told['verdict']} by {told['policy']}  {told['url']}".rstrip()
    for reason in told["reasons"]:
        yield f"  {reason['outcome']:<8}{reason['rule']}: {reason['message']}"
        yield from (f"            {item}" for item in reason["evidence"][:SHOWN])
        if (more := len(reason["evidence"]) - SHOWN) > 0:
            yield f"            and {more} more"
    for waiver in told["waivers"]:
        until = f" until {waiver['until'][:10]}" if waiver["until"] else ""
        yield f"  waived  {waiver['finding']}: {waiver['by']}{until}"
