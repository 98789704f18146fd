"""Push webhooks: whether a call is what it says, what was pushed, and which builds follow."""

import hmac
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from hashlib import sha256
from typing import Any

import structlog
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models.functions import Now

from accounts.models import Project, User
from audit.services import ActorLike, record
from buildinsights.sealing import UnreadableError, decrypt, encrypt
from farm.actors import Pusher
from farm.addresses import place_of, validate_ref, validate_revision
from farm.exceptions import PushError
from farm.models import BuildRequest, PushHook, Source
from farm.queueing import Wish
from farm.services import trigger

log = structlog.get_logger(__name__)

ADDRESSES = ("clone_url", "ssh_url", "html_url", "git_http_url", "git_ssh_url", "homepage")
"""Where GitHub, Gitea, Forgejo and GitLab say which repository it is."""

MAX_REF_LENGTH = 250
"""What a build keeps of a branch or tag."""

_PREFIXES = ("refs/heads/", "refs/tags/")


@dataclass(frozen=True, slots=True)
class Push:
    """A branch or tag that now points at a commit."""

    places: frozenset[str]
    ref_name: str
    revision: str
    pusher_email: str = ""


def owner_of(hook: PushHook) -> bytes:
    """Return the name that a hook's secret is sealed for."""
    return b"buildinsights/push-hooks/v1/" + hook.public_id.bytes


def secret_of(hook: PushHook) -> str:
    """Return what the forge signs with.

    Raises:
        UnreadableError: no key opens it any more.
    """
    return decrypt(owner_of(hook), bytes(hook.sealed)).decode()


def is_genuine(hook: PushHook, body: bytes, headers: Mapping[str, str]) -> bool:
    """Tell whether the caller knows the secret.

    GitHub, Gitea and Forgejo sign the body with it (``X-Hub-Signature-256``), GitLab sends it
    (``X-Gitlab-Token``).
    """
    try:
        secret = secret_of(hook)
    except UnreadableError:
        log.error("push_hook_unreadable", project_id=hook.project_id)  # noqa: TRY400
        return False
    expected = "sha256=" + hmac.new(secret.encode(), body, sha256).hexdigest()
    signature = headers.get("X-Hub-Signature-256", "").encode()
    token = headers.get("X-Gitlab-Token", "").encode()
    return hmac.compare_digest(signature, expected.encode()) or hmac.compare_digest(
        token, secret.encode()
    )


def parse_push(body: bytes) -> Push | None:
    """Return what was pushed; ``None`` for what builds nothing: a deletion, another event.

    Raises:
        PushError: names the field that is not as those systems send it.
    """
    try:
        document = json.loads(body)
    except ValueError as error:
        raise PushError("The body is not JSON: set the webhook's content type to it.") from error
    except RecursionError as error:
        raise PushError("The body is nested too deep.") from error
    if not isinstance(document, dict):
        raise PushError("The body must be a JSON object.")
    revision = _revision(document)
    ref = document.get("ref")
    if not isinstance(ref, str) or not revision.strip("0"):
        return None
    name = next((ref.removeprefix(start) for start in _PREFIXES if ref.startswith(start)), "")
    try:
        validate_ref(name)
        validate_revision(revision)
    except ValidationError as error:
        raise PushError(f"ref {ref!r} at {revision!r}: {error.messages[0]}") from error
    if len(name) > MAX_REF_LENGTH:
        raise PushError(f"ref: a name of more than {MAX_REF_LENGTH} characters is not built.")
    pusher = _mapping(document, "pusher").get("email") or document.get("user_email")
    return Push(_places(document), name, revision, pusher if isinstance(pusher, str) else "")


def _revision(document: Mapping[str, Any]) -> str:
    """Return the commit: ``after`` of an annotated tag is the tag's own id."""
    found = document.get("checkout_sha") or _mapping(document, "head_commit").get("id")
    found = found or document.get("after") or ""
    if not isinstance(found, str):
        raise PushError("checkout_sha, head_commit.id or after: this is no string.")
    return found


def _places(document: Mapping[str, Any]) -> frozenset[str]:
    known = [_mapping(document, "repository"), _mapping(document, "project")]
    addresses = [part.get(name) for part in known for name in ADDRESSES]
    return frozenset(place_of(address) for address in addresses if isinstance(address, str))


def _mapping(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = document.get(name)
    return found if isinstance(found, dict) else {}


@transaction.atomic
def queue_push(*, hook: PushHook, push: Push) -> list[BuildRequest]:
    """Queue what is built on such a push; older queued builds of the branch give way to it."""
    PushHook.objects.filter(pk=hook.pk).update(called_at=Now())
    sources = Source.objects.filter(service__project_id=hook.project_id).exclude(push_patterns="")
    sources = sources.select_related("service__project", "builder").prefetch_related("needs")
    asked = [source for source in sources if _is_built_by(source, push)]
    wish = Wish(ref_name=push.ref_name, revision=push.revision, trigger="push")
    return trigger(
        sources=asked,
        wish=wish,
        actor=Pusher(_member(hook.project_id, push.pusher_email)),
        supersede=True,
    )


def _is_built_by(source: Source, push: Push) -> bool:
    patterns = source.push_patterns.split()
    return place_of(source.repository_url) in push.places and any(
        fnmatchcase(push.ref_name, pattern) for pattern in patterns
    )


def _member(project_id: int, email: str) -> User | None:
    """Return the member with that address: nobody else is written to because of a push.

    What the database cannot hold, such as half a character, is nobody's address.
    """
    if not email or not email.isprintable():
        return None
    members = User.objects.filter(memberships__project_id=project_id, email__iexact=email)
    return members.first()


@transaction.atomic
def new_secret(*, project: Project, actor: ActorLike) -> PushHook:
    """Make the project's webhook, or replace its secret."""
    hook, made = PushHook.objects.get_or_create(project=project)
    hook.sealed = encrypt(owner_of(hook), secrets.token_hex(32).encode())
    hook.save(update_fields=["sealed"])
    action = "push_hook.created" if made else "push_hook.secret_replaced"
    record(actor=actor, action=action, target=hook, project=project)
    return hook
