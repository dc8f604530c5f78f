"""``deidsynth serve-keys``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from deidsynth.cli.options import AsJson, Quiet
from deidsynth.cli.terminal import print_json, print_line, tell
from deidsynth.errors import InputError
from deidsynth.server.keys import add_key, names_of, remove_key


def serve_keys_command(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="File of API keys; --add makes it where it is absent.")],
    add: Annotated[
        str | None, typer.Option("--add", metavar="NAME", help="Make a key under this name, and print it this once.")
    ] = None,
    remove: Annotated[
        str | None, typer.Option("--remove", metavar="NAME", help="Remove the key with this name.")
    ] = None,
    json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Make, list or remove the API keys that deidsynth serve accepts.

    The file holds names and digests, never a key. A running service reads it when it is started again.
    """
    if add is not None and remove is not None:
        raise InputError("--add and --remove: give one of them")
    if add is not None:
        key = add_key(file, add)
        tell(f"{file}: added {add}; this is its key, which is stored nowhere:", quiet)
        if json:
            print_json({"name": add, "key": key})
        else:
            print_line(key)
        return
    if remove is not None:
        remove_key(file, remove)
        tell(f"{file}: removed {remove}; start the service again to have it refused", quiet)
    names = names_of(file)
    if json:
        print_json({"names": list(names)})
    elif remove is None:
        for name in names:
            print_line(name)
