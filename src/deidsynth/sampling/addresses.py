"""Check of the server address: prompts stay on this machine unless the user allows otherwise."""

from __future__ import annotations

import socket

import httpx2

from deidsynth.config import EndpointConfig
from deidsynth.errors import InputError
from deidsynth.loopback import is_loopback


def completions_url(config: EndpointConfig) -> httpx2.URL:
    """The URL of the server's completions.

    It is parsed by the HTTP library that connects to it, so that both agree on the host.

    Raises:
        InputError: the address is missing or invalid, or on another machine without ``allow_remote``.
    """
    if config.base_url is None or config.model is None:
        raise InputError("endpoint.base_url and endpoint.model are not set; set the server and its model")
    try:
        url = httpx2.URL(config.base_url.rstrip("/") + "/completions")
    except httpx2.InvalidURL:
        url = None
    if url is None or url.scheme not in ("http", "https") or not url.host or url.userinfo:
        raise InputError("endpoint.base_url is not a valid address; expected for example http://127.0.0.1:8000/v1")
    if not config.allow_remote and not is_local(url):
        raise InputError(
            f"endpoint.base_url: {url.host} is not an address of this machine, and prompts are private; use 127.0.0.1, "
            "[::1] or localhost (a tunnel makes a remote server local), or set endpoint.allow_remote: true"
        )
    return url


def is_local(url: httpx2.URL) -> bool:
    """Whether a host is this machine: a loopback address, or a ``localhost`` that resolves only to such addresses."""
    if url.host == "localhost":
        return _localhost_is_loopback(url.port)
    return is_loopback(url.host)


def _localhost_is_loopback(port: int | None) -> bool:
    try:
        found = socket.getaddrinfo("localhost", port, type=socket.SOCK_STREAM)
    except OSError:
        return False
    return bool(found) and all(is_loopback(str(address[0])) for *_, address in found)
