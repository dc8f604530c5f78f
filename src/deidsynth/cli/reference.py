"""The reference of the command line, made from the commands' own help: ``python -m deidsynth.cli.reference FILE``."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

HEAD = """# The command line

Made from the commands' own help by `make docs`; do not edit.

Results go to standard output, progress and messages to standard error. Exit codes: 0 done; 1 a check said no;
2 the input is at fault; 3 anything else (`deidsynth --debug ...` shows the traceback); 130 interrupted.
"""


def reference() -> str:
    """The whole reference as Markdown."""
    from deidsynth.cli.app import app

    return "\n".join([HEAD, *_sections(typer.main.get_command(app), "deidsynth")])


def _sections(command: Any, name: str) -> Iterator[str]:
    """The sections of a command and of those below it.

    A command is typed as ``Any``: its class is private to typer and differs between its versions.
    """
    below = getattr(command, "commands", None)
    if below is None:
        yield from _section(command, name)
        return
    for verb, each in below.items():
        yield from _sections(each, f"{name} {verb}")


def _section(command: Any, name: str) -> Iterator[str]:
    arguments = [parameter for parameter in command.params if parameter.param_type_name == "argument"]
    options = [parameter for parameter in command.params if parameter.param_type_name == "option"]
    usage = " ".join([name, *(_place(argument) for argument in arguments), *_required(options), "[OPTIONS]"])
    yield f"## {name}\n\n{command.help.strip()}\n\n```\n{usage}\n```\n"
    rows = [(f"`{_place(argument)}`", argument.help or "") for argument in arguments]
    rows += [(_names(option), _meaning(option)) for option in options]
    yield "| | |\n|---|---|"
    yield from (f"| {left} | {right.replace('|', chr(92) + '|')} |" for left, right in rows)
    examples = "\n".join(command.epilog.split("\n\n")[1:])
    yield f"\n```\n{examples}\n```\n"


def _place(argument: Any) -> str:
    shown = str(argument.metavar or argument.name.upper())
    return shown if argument.required else f"[{shown}]"


def _required(options: list[Any]) -> list[str]:
    return [f"{option.opts[0]} {_metavar(option)}" for option in options if option.required]


def _metavar(option: Any) -> str:
    return str(option.metavar or option.name.upper())


def _names(option: Any) -> str:
    value = "" if option.is_flag else f" {_metavar(option)}"
    return f"`{', '.join(option.opts)}{value}`".replace("|", "\\|")


def _meaning(option: Any) -> str:
    text = str(option.help or "")
    shown = option.default
    if option.required or option.is_flag or shown is None or callable(shown):
        return text
    return f"{text} Default: {getattr(shown, 'value', shown)}."


def main(arguments: list[str]) -> int:
    """Write the reference, or with ``--check`` say whether the file is fresh; an exit code."""
    paths = [Path(argument) for argument in arguments if argument != "--check"]
    if len(paths) != 1:
        print("usage: python -m deidsynth.cli.reference [--check] FILE", file=sys.stderr)
        return 2
    path, text = paths[0], reference()
    if "--check" not in arguments:
        path.write_text(text, encoding="utf-8")
        return 0
    if path.is_file() and path.read_text(encoding="utf-8") == text:
        return 0
    print(f"{path} is stale; run: make docs", file=sys.stderr)
    return 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
