"""How far inside a network a registry may lead: no further than it is itself.

A name is resolved once for each connection, and what is connected to is the address that was
looked at: a name that means another address the second time gains nothing.
"""

import ipaddress
import socket
from typing import Any, cast

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError

from buildkit.addresses import Address, unwrapped

MOST_ADDRESSES = 4
"""Of one name that are tried, each for as long as a connection may take."""

_HERE, _NETWORK, _INTERNET = range(3)


class InsideError(Exception):
    """An address lies further inside than the registry that leads to it."""


class Reach:
    """From how far a registry is reached; it is its first address that tells.

    It may lead to its own kind: one of this machine to this machine, one of a private network
    into that, and any to the internet.
    """

    def __init__(self) -> None:
        self._own: int | None = None

    def is_inside(self, host: str, of: str) -> bool:
        """Tell whether a host lies further inside than the registry, whose host is ``of``."""
        own = _reach_of(_addresses(of)) if self._own is None else self._own
        return _reach_of(_addresses(host)) < own

    def checked(self, addresses: list[str]) -> list[str]:
        """Return the addresses that may be connected to.

        Raises:
            InsideError: one of them lies further inside than the registry.
        """
        reach = _reach_of(addresses)
        if self._own is None:
            self._own = reach
        if reach < self._own:
            raise InsideError
        return addresses[:MOST_ADDRESSES]


def adapter(reach: Reach) -> HTTPAdapter:
    """Return what makes a session's connections, none of them further inside than ``reach``."""

    class Plain(_Checked, HTTPConnection):
        bound = reach

    class Secure(_Checked, HTTPSConnection):
        bound = reach

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = Secure

    made = HTTPAdapter()
    made.poolmanager.pool_classes_by_scheme = {"http": PlainPool, "https": SecurePool}
    return made


class _Checked(HTTPConnection):
    """A connection to an address that was looked at; certificates are those of the name."""

    bound: Reach

    def _new_conn(self) -> socket.socket:
        name = self._dns_host
        try:
            found = _resolved(name)
        except (OSError, UnicodeError) as error:
            raise NameResolutionError(self.host, self, cast("socket.gaierror", error)) from error
        problem: Exception | None = None
        for address in self.bound.checked(found):
            self._dns_host = address
            try:
                return super()._new_conn()
            except (NewConnectionError, ConnectTimeoutError) as error:
                problem = error
            finally:
                self._dns_host = name
        raise problem or NewConnectionError(self, f"{name} has no address")


def _addresses(host: str) -> list[str]:
    """Return the addresses of a host; none of one that has none: asking it will fail, too."""
    try:
        return _resolved(host)
    except (OSError, UnicodeError):
        return []


def _resolved(host: str) -> list[str]:
    found: list[Any] = socket.getaddrinfo(host.strip("[]"), None, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(item[4][0]) for item in found))


def _reach_of(addresses: list[str]) -> int:
    """Return from how far addresses are reached: the one that lies furthest inside counts."""
    plain = (ipaddress.ip_address(address.partition("%")[0]) for address in addresses)
    return min(map(_reach, plain), default=_INTERNET)


def _reach(address: Address) -> int:
    meant = unwrapped(address)
    if meant.is_loopback or meant.is_unspecified or meant.is_link_local:
        return _HERE
    return _INTERNET if meant.is_global else _NETWORK
