"""Requests to addresses that people typed: bounded, and never into networks that are not open.

The name is resolved once, and the connection goes to the very address that was checked; certificate
and Host are still those of the name. Redirects are answers like others, proxies of the environment
are not asked, and time and size are limited as a whole.
"""

import ipaddress
import json
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException, HTTPResponse
from typing import Any
from urllib.parse import SplitResult, urlsplit

from django.conf import settings

from buildkit.addresses import Address, unwrapped
from channels.contract import DeliveryError, PermanentDeliveryError

TOTAL_SECONDS = 10.0
MOST_ADDRESSES = 8
"""Of a name, that are tried one after the other."""
MOST_BYTES = 2 * 1024**2
MOST_URL_CHARACTERS = 2000
PORTS = {"https": 443, "http": 80}


class ForbiddenAddressError(PermanentDeliveryError):
    """An address to which nothing is sent from here."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the other side said."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    """``MOST_BYTES`` of it at most, and what came in time."""

    def document(self) -> Any:
        """Return its JSON, or ``None`` if it is none."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None


def check(url: str) -> None:
    """Refuse an address that nothing may be sent to; a name that is not known yet is none.

    Raises:
        ForbiddenAddressError: saying why.
    """
    parts = _parts(url)
    try:
        _open_addresses(parts)
    except ForbiddenAddressError:
        raise
    except DeliveryError:
        return


def ask(method: str, url: str, *, headers: Mapping[str, str], body: bytes | None = None) -> Answer:
    """Send one request and return the answer, whatever its status.

    No error names more of the address than its host: the rest may be a secret.

    Raises:
        ForbiddenAddressError: it leads to where it must not.
        DeliveryError: nobody answers there, or not in time.
    """
    parts = _parts(url)
    addresses = _open_addresses(parts)[:MOST_ADDRESSES]
    deadline = time.monotonic() + TOTAL_SECONDS
    connection = _Pinned(parts, addresses, deadline)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        connection.request(method, target, body, {"Host": _host_header(parts), **headers})
        with connection.getresponse() as response:
            return Answer(response.status, dict(response.headers.items()), _read(response))
    except (OSError, HTTPException, ValueError) as error:
        is_late = time.monotonic() >= deadline
        why = "does not answer in time" if is_late else f"cannot be asked: {_named(error)}"
        raise DeliveryError(f"{parts.hostname} {why}") from None
    finally:
        connection.end()


def _read(response: HTTPResponse) -> bytes:
    """Return what comes of a body; a status was said, so that what is missing changes nothing."""
    try:
        return response.read(MOST_BYTES)
    except (OSError, HTTPException):
        return b""


def _named(error: Exception) -> str:
    """Say what went wrong, without what requests and answers hold."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate: {error.verify_message}"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return type(error).__name__


def _parts(url: str) -> SplitResult:
    """Return the parts of an address that has what a request needs, and no more."""
    try:
        parts = urlsplit(url)
        usable = bool(parts.hostname) and parts.port != 0 and url.isascii() and url.isprintable()
    except ValueError:
        usable = False
    if not usable or " " in url or len(url) > MOST_URL_CHARACTERS:
        raise ForbiddenAddressError("This is no web address.")
    if parts.scheme not in PORTS:
        raise ForbiddenAddressError("An address begins with https://.")
    if parts.username is not None or parts.password is not None:
        raise ForbiddenAddressError("An address must not have a user or password in it.")
    return parts


def _host_header(parts: SplitResult) -> str:
    return parts.netloc.removesuffix(f":{PORTS[parts.scheme]}")


def _open_addresses(parts: SplitResult) -> list[Address]:
    """Resolve the name, this once, and return the addresses that may be asked."""
    found = resolve(str(parts.hostname), parts.port or PORTS[parts.scheme])
    if not found:
        raise DeliveryError(f"{parts.hostname} is not known")
    is_plain = parts.scheme == "http"
    may_be_asked = [
        address for address in found if is_allowed(address) or (is_global(address) and not is_plain)
    ]
    if may_be_asked:
        return may_be_asked
    if is_plain and any(map(is_global, found)):
        raise ForbiddenAddressError("Without encryption only OUTBOUND_ALLOWED_NETWORKS are asked.")
    raise ForbiddenAddressError(
        f"{parts.hostname} is in a network that this server must not ask: "
        "OUTBOUND_ALLOWED_NETWORKS opens it."
    )


def resolve(host: str, port: int) -> list[Address]:
    """Return the addresses of a name, each once."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    texts = dict.fromkeys(str(item[4][0]).partition("%")[0] for item in found)
    return [ipaddress.ip_address(text) for text in texts]


def is_allowed(address: Address) -> bool:
    """Tell whether whoever runs this server has opened the address."""
    networks = [ipaddress.ip_network(text) for text in settings.OUTBOUND_ALLOWED_NETWORKS]
    return any(address in network for network in networks)


def is_global(address: Address) -> bool:
    """Tell whether an address is of the internet, whatever it is wrapped in."""
    meant = unwrapped(address)
    return meant.is_global and not (
        meant.is_multicast
        or meant.is_reserved
        or meant.is_unspecified
        or getattr(meant, "is_site_local", False)
    )


class _Pinned(HTTPConnection):
    """A connection to one of the addresses that were checked, for the name that was asked for."""

    def __init__(self, parts: SplitResult, addresses: list[Address], deadline: float) -> None:
        super().__init__(str(parts.hostname), parts.port or PORTS[parts.scheme])
        self._addresses, self._deadline = addresses, deadline
        self._is_encrypted = parts.scheme == "https"
        self._end: threading.Timer | None = None
        self._watched: socket.socket | None = None

    def connect(self) -> None:
        """Connect, and end whatever goes on when the time is over, however slowly it drips."""
        self.sock = plain = self._reach()
        left = self._left()
        self._watched = plain.dup()
        self._end = threading.Timer(left, _shut, [self._watched])
        self._end.daemon = True
        self._end.start()
        if self._is_encrypted:
            context = ssl.create_default_context()
            self.sock = context.wrap_socket(plain, server_hostname=self.host)

    def end(self) -> None:
        """Close what is open; not ``close``, which is called before the body is read, too."""
        self.close()
        if self._end is not None and self._watched is not None:
            self._end.cancel()
            self._watched.close()

    def _reach(self) -> socket.socket:
        errors = []
        for address in self._addresses:
            try:
                return socket.create_connection((str(address), self.port), timeout=self._left())
            except OSError as error:
                errors.append(error)
        raise errors[0]

    def _left(self) -> float:
        """Return how many seconds are left, or raise ``TimeoutError``."""
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left


def _shut(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return
