"""Which addresses are of the machine itself."""

from __future__ import annotations

import ipaddress


def is_loopback(address: str) -> bool:
    """Whether a text is an IP address that only the machine itself reaches; a name is none.

    >>> [is_loopback(each) for each in ("127.0.0.2", "::1", "::ffff:127.0.0.1", "0.0.0.0", "localhost")]
    [True, True, True, False, False]
    """
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None  # Python 3.13 asks for it itself
    return (mapped or found).is_loopback
