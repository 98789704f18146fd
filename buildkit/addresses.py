"""Which address is meant, whatever it is wrapped in."""

import ipaddress

type Address = ipaddress.IPv4Address | ipaddress.IPv6Address

NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
"""IPv4 addresses as networks of IPv6 alone reach them (RFC 6052)."""


def unwrapped(address: Address) -> Address:
    """Return the IPv4 address that one of IPv6 leads to (mapped, NAT64, 6to4), or itself."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address
