"""``deidsynth serve``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from deidsynth.cli.options import Device, Language, Quiet
from deidsynth.cli.policies import KeyFile, Known, ModeOfAll, PolicyFile, asked_policy, read_key, tell_unused
from deidsynth.cli.terminal import make_progress, tell
from deidsynth.errors import InputError, MissingExtraError
from deidsynth.loopback import is_loopback
from deidsynth.server.keys import read_keys
from deidsynth.server.limits import Limits
from deidsynth.workflow.alone import model_folder

_EXTRA = frozenset({"fastapi", "prometheus_client", "starlette", "uvicorn"})

_USUAL = Limits()


def serve_command(
    model: Annotated[Path, typer.Argument(help="Folder of a trained model, such as RUN/models/synthetic.")],
    policy: PolicyFile = None,
    mode: ModeOfAll = None,
    known: Known = None,
    key_file: KeyFile = None,
    language: Language = None,
    compare: Annotated[
        Path | None,
        typer.Option("--compare", metavar="MODEL", help="A second model, whose entities the page shows side by side."),
    ] = None,
    corpus: Annotated[
        Path | None,
        typer.Option(
            "--corpus", metavar="FILE", help="Synthetic corpus to read on the page: a .jsonl file, or the run folder."
        ),
    ] = None,
    keys: Annotated[
        Path | None,
        typer.Option("--keys", metavar="FILE", help="API keys that are accepted; deidsynth serve-keys makes the file."),
    ] = None,
    host: Annotated[
        str, typer.Option("--host", metavar="ADDRESS", help="Address to listen on; any but this machine needs --keys.")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option("--port", min=0, max=65_535, help="Port to listen on; 0 takes a free one.")
    ] = 8000,
    most_requests: Annotated[
        int,
        typer.Option("--max-requests", min=1, max=10_000, help="Requests at once; the next one is told to try again."),
    ] = _USUAL.n_requests,
    most_bytes: Annotated[
        int, typer.Option("--max-bytes", min=1_000, max=100_000_000, help="Bytes of one request.")
    ] = _USUAL.body_bytes,
    seconds: Annotated[
        float, typer.Option("--time-limit", min=1, max=3_600, metavar="SECONDS", help="Time for one request.")
    ] = _USUAL.seconds,
    device: Device = "auto",
    quiet: Quiet = False,
) -> None:
    """De-identify over HTTP, with a page for people at the address that is told; Ctrl-C or SIGTERM ends it.

    It listens on this machine only unless --host and --keys say otherwise. Nothing of a text is logged or kept.
    """
    if keys is None and not (host == "localhost" or is_loopback(host)):
        raise _needs_keys(host)
    accepted = None if keys is None else read_keys(keys)
    chosen = asked_policy(policy, mode, language)
    key = None if key_file is None else read_key(key_file, quiet)
    for folder in (model, compare):
        if folder is not None:
            model_folder(folder)
    with _told_if_stopped():
        try:
            # Optional, and brings torch; only after the cheap checks.
            from deidsynth.deidentification.runtime import Deidentifier
            from deidsynth.server import corpus_view, running, service
        except ModuleNotFoundError as error:
            if (error.name or "").partition(".")[0] in _EXTRA:
                raise MissingExtraError("deidsynth serve", "serve") from None
            raise

        def load(folder: Path) -> Deidentifier:
            made = Deidentifier.load(folder, policy=chosen, key=key, known=known, device=device)
            tell_unused(made, quiet)
            return made

        notes = None if corpus is None else corpus_view.read_corpus_view(corpus)
        with running.bound(host, port) as listener:
            if keys is None and not is_loopback(listener.getsockname()[0]):  # what localhost means is up to the machine
                raise _needs_keys(host)
            with make_progress(quiet).task("load", None):
                served = service.Served(
                    load(model),
                    _name(model, compare),
                    compared=None if compare is None else load(compare),
                    compared_name="" if compare is None else _name(compare, model),
                    corpus=notes,
                    keys=accepted,
                    limits=Limits(n_requests=most_requests, body_bytes=most_bytes, seconds=seconds),
                )
            running.run_service(served, listener, quiet=quiet)


def _needs_keys(host: str) -> InputError:
    return InputError(
        f"--host {host}: others could reach the service, so it needs API keys: make a file with "
        "deidsynth serve-keys FILE --add NAME, then give it with --keys FILE"
    )


@contextmanager
def _told_if_stopped() -> Iterator[None]:
    """A context in which SIGTERM and Ctrl-C end the command as they end the service: it has taken nothing yet."""
    try:
        yield
    except KeyboardInterrupt:
        tell("stopped before it was ready")


def _name(model: Path, other: Path | None) -> str:
    """What a model is called on the page: its folder, with the one above if both have one name."""
    path = model.resolve()
    return path.name if other is None or other.resolve().name != path.name else f"{path.parent.name}/{path.name}"
