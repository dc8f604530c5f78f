"""The service as a process: it listens, tells in its log, and ends when it has finished what it took."""

from __future__ import annotations

import logging
import socket
import sys
import time
from contextlib import suppress

import uvicorn

from deidsynth.errors import InputError
from deidsynth.server.limits import Limits
from deidsynth.server.service import Served, make_service

log = logging.getLogger(__name__)

GRACE_SECONDS = 5.0
"""Beyond the time limit of a request, for the last answers to be sent."""


def run_service(served: Served, listener: socket.socket, *, quiet: bool = False) -> None:
    """Serve until SIGTERM or Ctrl-C, then answer what was taken and return.

    Args:
        served: what to serve.
        listener: what to listen on, as `bound` makes it.
        quiet: whether to log nothing but errors.

    Raises:
        InputError: another service has begun to listen there since.
    """
    name, number = listener.getsockname()[:2]
    try:
        listener.listen()  # two may be bound to one port, but one alone listens
    except OSError as error:
        raise _refused(name, number, error) from None
    _log_to_standard_error(quiet)
    server = uvicorn.Server(_settings(make_service(served), served.limits))
    shown = f"[{name}]" if ":" in name else name
    log.info("listening on http://%s:%d", shown, number)
    with suppress(KeyboardInterrupt):  # uvicorn raises the signal again once it has ended
        server.run(sockets=[listener])
    log.info("stopped; what was taken is answered")


def _settings(app: object, limits: Limits) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        access_log=False,  # it would log what a client put into the address
        log_config=None,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=limits.n_connections,
        timeout_graceful_shutdown=int(limits.seconds + GRACE_SECONDS),
    )


def bound(host: str, port: int) -> socket.socket:
    """A socket with its address, which refuses every connection until the service runs.

    Args:
        host: address to listen on.
        port: of it; 0 for any free one, which is told.

    Raises:
        InputError: the address is not this machine's, or the port is taken.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        listener = socket.socket(family, socket.SOCK_STREAM)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
        except OSError:
            listener.close()
            raise
    except OSError as error:
        raise _refused(host, port, error) from None
    return listener


def _refused(host: str, port: int, error: OSError) -> InputError:
    reason = error.strerror or type(error).__name__
    return InputError(f"--host {host} --port {port}: {reason}; choose another port or address")


def _log_to_standard_error(quiet: bool) -> None:
    """Log lines of the service and of its HTTP server, with times in UTC."""
    handler = logging.StreamHandler(sys.stderr)
    form = logging.Formatter("%(asctime)sZ %(levelname)s %(message)s", "%Y-%m-%dT%H:%M:%S")
    form.converter = time.gmtime
    handler.setFormatter(form)
    for name in ("deidsynth.server", "uvicorn"):
        log = logging.getLogger(name)
        log.handlers, log.propagate = [handler], False
        log.setLevel(logging.ERROR if quiet else logging.INFO)
