"""``buildinsights build --sign``: signatures of what a build has pushed."""

import json
import os
from collections.abc import Iterator, Mapping, Sequence

import click

from buildkit.registry import InvalidReferenceError, Reference
from cli.errors import NoVerdictError, UsageError
from cli.records import METADATA, Record
from cli.running import Done
from cli.signing import check_key, failures, sign_image
from supplychain.signing.commands import Signer
from supplychain.signing.sources import Source, canonical_repository


def checked_signer(key: str) -> Signer:
    """Return with what to sign.

    Raises:
        UsageError: there is no such key.
        NoVerdictError: there is no cosign.
    """
    signer = Signer(key)
    with failures():
        check_key(signer)
    return signer


def sign_built(runs: Sequence[Done], signer: Signer) -> int:
    """Sign what the runs have pushed, each repository once; return the exit code."""
    code = 0
    for done in runs:
        if done.ended.outcome != "succeeded":
            continue  # a broken cache failed it, and a later run has built it
        for reference in pushed_images(done.record):
            try:
                _sign(reference, signer, source_of(done.record))
            except (NoVerdictError, UsageError) as error:
                click.echo(f"Error: {reference} is pushed, but not signed: {error}", err=True)
                code = error.exit_code
    return code


def _sign(reference: Reference, signer: Signer, source: Source) -> None:
    with failures():
        sign_image(reference, signer, [], provenance=source, needs_provenance=False)


def pushed_images(record: Record) -> Iterator[Reference]:
    """Yield what a run has pushed, with tag and digest: one name for each repository."""
    metadata = json.loads(record.read(METADATA) or b"{}")
    seen: set[tuple[str, str]] = set()
    for target in metadata.values():
        if not isinstance(target, dict):
            continue
        digest = str(target.get("containerimage.digest", ""))
        for name in str(target.get("image.name", "")).split(","):
            try:
                reference = Reference.parse(f"{name.strip()}@{digest}")
            except InvalidReferenceError:
                continue
            if (reference.name, digest) not in seen:
                seen.add((reference.name, digest))
                yield reference


def source_of(record: Record, environment: Mapping[str, str] = os.environ) -> Source:
    """Return the source of a run, as Git and the CI system said it."""
    fields = record.run().fields
    return Source(
        canonical_repository(fields.get("repository_url", "")),
        fields.get("revision", ""),
        full_ref(fields.get("ref_name", ""), environment),
    )


def full_ref(name: str, environment: Mapping[str, str]) -> str:
    """Return a ref that says whether it is a branch or a tag, as far as the CI system does."""
    if environment.get("GITHUB_ACTIONS") == "true":
        return environment.get("GITHUB_REF", name)
    if environment.get("GITLAB_CI") == "true":
        if tag := environment.get("CI_COMMIT_TAG"):
            return f"refs/tags/{tag}"
        branch = environment.get("CI_COMMIT_BRANCH")
        return f"refs/heads/{branch}" if branch else name
    return f"refs/heads/{name}" if name else ""  # Git names a branch, or nothing
