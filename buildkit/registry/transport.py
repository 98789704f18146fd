"""Requests to one registry: credentials, limits, and errors that name what was asked for."""

import ipaddress
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests

from buildkit.registry.credentials import Credentials
from buildkit.registry.errors import (
    DeletesDisabledError,
    NotFoundError,
    RegistryError,
    UnauthorizedError,
    UnreachableError,
    WrongContentError,
)
from buildkit.registry.reaching import InsideError, Reach, adapter
from buildkit.registry.reference import DOCKER_HUB
from buildkit.values import as_dict

_DOCKER_HUB_API = "registry-1.docker.io"
_CHALLENGE = re.compile(r'\b(\w+)="([^"]*)"')
_TOKEN_BYTES = 64 * 1024
_CHUNK_BYTES = 1024**2
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_DOWN = 500


@dataclass(frozen=True, slots=True)
class RegistryLimits:
    """Bytes and seconds that a registry may take."""

    manifest_bytes: int = 8 * 1024**2
    config_bytes: int = 64 * 1024**2
    answer_bytes: int = 8 * 1024**2
    list_bytes: int = 64 * 1024**2
    connect_seconds: float = 5.0
    read_seconds: float = 30.0
    pages: int = 100


class Transport:
    """The connection to one registry.

    Credentials go to the registry and to its token service only, never along with a redirect. Plain
    HTTP is used with this machine only.
    """

    def __init__(
        self,
        host: str,
        credentials: Credentials | None,
        limits: RegistryLimits,
    ) -> None:
        self.host, self.limits = host, limits
        scheme = "http" if is_local(host) else "https"
        self._base = f"{scheme}://{_DOCKER_HUB_API if host == DOCKER_HUB else host}"
        self._credentials = credentials
        self._authorization: dict[str, str] = {}
        self._session = requests.Session()
        self._reach = Reach()
        for prefix in ("http://", "https://"):
            self._session.mount(prefix, adapter(self._reach))
        self._session.trust_env = False  # no .netrc: what is presented is what was given

    @contextmanager
    def asked(
        self, method: str, path: str, place: object, scope: str, **options: Any
    ) -> Iterator[requests.Response]:
        """Have the answer to a request, to be read while the block runs.

        ``path`` may be an address that the registry gave. ``scope`` is what a token is asked for.

        Raises:
            RegistryError: of the kind that fits the answer.
        """
        response = self._send(method, path, place, scope, **options)
        try:
            if response.status_code == requests.codes.unauthorized:
                challenge = response.headers.get("WWW-Authenticate", "")
                response.close()
                self._authorization[scope] = self._answer_to(challenge, place, scope)
                response = self._send(method, path, place, scope, **options)
            self._check(response, method, place)
            yield response
        except requests.RequestException as error:
            raise UnreachableError(place, type(error).__name__) from error
        finally:
            response.close()

    def _send(
        self, method: str, path: str, place: object, scope: str, **options: Any
    ) -> requests.Response:
        address = urljoin(f"{self._base}/v2/", path)
        headers: Mapping[str, str] = options.pop("headers", {})
        own = {"Authorization": self._authorization[scope]} if scope in self._authorization else {}
        if not address.startswith(f"{self._base}/"):
            self._check_redirect(address, place)
            own = {}
        timeout = (self.limits.connect_seconds, self.limits.read_seconds)
        try:
            response = self._session.request(
                method,
                address,
                headers={**headers, **own},
                timeout=timeout,
                stream=True,
                allow_redirects=False,
                **options,
            )
            if method in {"GET", "HEAD"} and response.status_code in _REDIRECTS:
                elsewhere = urljoin(address, response.headers.get("Location", ""))
                response.close()
                self._check_redirect(elsewhere, place)
                return self._session.request(
                    method,
                    elsewhere,
                    headers=headers,
                    timeout=timeout,
                    stream=True,
                    allow_redirects=False,
                )
        except InsideError as error:
            raise _misled(place) from error
        except requests.RequestException as error:
            raise UnreachableError(place, type(error).__name__) from error
        return response

    def _check_redirect(self, address: str, place: object) -> None:
        """Refuse an address that leads into a network that is not open to the registry itself."""
        parts = urlsplit(address)
        if parts.scheme not in {"http", "https"} or self._leads_inside(parts.hostname or ""):
            raise _misled(place)

    def _leads_inside(self, host: str) -> bool:
        """Tell whether a host is of a network into which the registry must not lead."""
        return self._reach.is_inside(host, urlsplit(f"//{self.host}").hostname or "")

    def _answer_to(self, challenge: str, place: object, scope: str) -> str:
        """Return the header that a challenge asks for."""
        if self._credentials is None and challenge.lower().startswith("basic"):
            raise UnauthorizedError(place, f"wants credentials: `docker login {self.host}`")
        if challenge.lower().startswith("bearer"):
            return f"Bearer {self._token(dict(_CHALLENGE.findall(challenge)), place, scope)}"
        if self._credentials is None:
            raise UnauthorizedError(place, "wants credentials of a kind that is not known")
        return self._credentials.basic()

    def _token(self, challenge: Mapping[str, str], place: object, scope: str) -> str:
        realm = challenge.get("realm", "")
        parts = urlsplit(realm)
        is_safe = parts.scheme == "https" or is_local(parts.netloc)
        if not is_safe or self._leads_inside(parts.hostname or ""):
            raise UnauthorizedError(place, "names a token service that must not be asked")
        values = {"service": challenge.get("service", ""), "scope": scope}
        timeout = (self.limits.connect_seconds, self.limits.read_seconds)
        known = self._credentials
        try:
            if known and known.identity_token:
                form = {"grant_type": "refresh_token", "refresh_token": known.identity_token}
                answer = self._session.post(
                    realm, data=values | form, timeout=timeout, allow_redirects=False, stream=True
                )
            else:
                own = {"Authorization": known.basic()} if known else {}
                answer = self._session.get(
                    realm,
                    params=values,
                    headers=own,
                    timeout=timeout,
                    allow_redirects=False,
                    stream=True,
                )
            with answer:
                document = as_dict(json.loads(read_bounded(answer, _TOKEN_BYTES, place)))
        except InsideError as error:
            raise _misled(place) from error
        except (requests.RequestException, ValueError, RecursionError) as error:
            raise UnreachableError(place, f"its token service: {type(error).__name__}") from error
        token = document.get("token") or document.get("access_token")
        if not answer.ok or not isinstance(token, str):
            raise UnauthorizedError(place, f"its token service answers {answer.status_code}")
        return token

    def _check(self, response: requests.Response, method: str, place: object) -> None:
        status = response.status_code
        if status < requests.codes.multiple_choices:
            return
        if status in {requests.codes.unauthorized, requests.codes.forbidden}:
            raise UnauthorizedError(place, f"the registry refuses this: {status}")
        if status == requests.codes.not_found:
            raise NotFoundError(place, "the registry does not have it")
        if method == "DELETE" and status == requests.codes.method_not_allowed:
            raise DeletesDisabledError(place, "the registry lets nobody delete")
        if status >= _DOWN or status == requests.codes.too_many_requests:
            raise UnreachableError(place, f"the registry answers {status}")
        raise RegistryError(place, f"the registry answers {status}")


def _misled(place: object) -> RegistryError:
    return RegistryError(place, "the registry leads to where it must not")


def read_bounded(response: requests.Response, most: int, place: object) -> bytes:
    """Return the body of an answer.

    Raises:
        WrongContentError: it has more than ``most`` bytes.
    """
    data = bytearray()
    for chunk in response.iter_content(_CHUNK_BYTES):
        data += chunk
        if len(data) > most:
            raise WrongContentError(place, f"has more than {most} bytes")
    return bytes(data)


def is_local(host: str) -> bool:
    """Tell whether a host, with or without a port, is this machine."""
    name = urlsplit(f"//{host}").hostname or ""
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
