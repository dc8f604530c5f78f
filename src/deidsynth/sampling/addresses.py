"""Where prompts may be sent: to this machine, and elsewhere only if the user says so."""

from __future__ import annotations

import ipaddress
import socket

import httpx2

from deidsynth.config import EndpointConfig
from deidsynth.errors import InputError


def completions_url(config: EndpointConfig) -> httpx2.URL:
    """The address that completions are requested from.

    It is read by the library that connects to it, so that both mean the same host.

    Raises:
        InputError: no address, none that can be read, or one on another machine without ``allow_remote``.
    """
    if config.base_url is None or config.model is None:
        raise InputError("endpoint.base_url and endpoint.model are not set; name the server and its model")
    try:
        url = httpx2.URL(config.base_url.rstrip("/") + "/completions")
    except httpx2.InvalidURL:
        url = None
    if url is None or url.scheme not in ("http", "https") or not url.host or url.userinfo:
        raise InputError(
            "endpoint.base_url cannot be read as an address; expected one such as http://127.0.0.1:8000/v1"
        )
    if not config.allow_remote and not is_local(url):
        raise InputError(
            f"endpoint.base_url: {url.host} is not an address of this machine, and prompts are private; use 127.0.0.1, "
            "[::1] or localhost (a tunnel makes a remote server local), or set endpoint.allow_remote: true"
        )
    return url


def is_local(url: httpx2.URL) -> bool:
    """Whether an address stays on this machine: a loopback address in full, or a ``localhost`` that means only such."""
    if url.host == "localhost":
        return _localhost_is_loopback(url.port)
    return _is_loopback(url.host)


def _localhost_is_loopback(port: int | None) -> bool:
    try:
        found = socket.getaddrinfo("localhost", port, type=socket.SOCK_STREAM)
    except OSError:
        return False
    return bool(found) and all(_is_loopback(str(address[0])) for *_, address in found)


def _is_loopback(host: str) -> bool:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback
