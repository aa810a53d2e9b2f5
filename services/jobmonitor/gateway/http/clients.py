"""Who a client is, for limits by address."""

from ipaddress import IPv6Address, ip_address, ip_network

IPV6_PREFIX = 64
"""What a household or a machine usually gets: the addresses within are one client."""


def client_key(host: str) -> str:
    """The address; of an IPv6 address its network. What is no address stands for itself."""
    try:
        address = ip_address(host)
    except ValueError:
        return host
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(ip_network((address, IPV6_PREFIX), strict=False))
    return str(address)


def is_loopback(host: str) -> bool:
    """Whether the address is this machine's own; False for what is no address."""
    try:
        return ip_address(client_key(host)).is_loopback or host == "::1"
    except ValueError:
        return host == "::1"
