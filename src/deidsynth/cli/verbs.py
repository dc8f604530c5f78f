"""Verbs whose modules are imported when they are called, so that ``deidsynth --help`` imports none of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from itertools import zip_longest
from pathlib import Path
from typing import Any, ClassVar, get_args, get_type_hints

import typer
from typer.core import TyperCommand, TyperGroup

from deidsynth.cli.guard import guarded
from deidsynth.errors import InputError
from deidsynth.showing import for_terminal


class Verb(TyperCommand):
    """A verb by its name and its line in the list of verbs; ``load`` gives the command itself.

    Args:
        name: as typed.
        command: ``module:function`` below ``deidsynth.cli``.
        about: the first paragraph of that function's docstring.
        examples: calls of the verb without the program's name; they end its help.
        alone: the value of an option that may stand alone, by option.
    """

    def __init__(
        self, name: str, command: str, about: str, *examples: str, alone: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(name, help=about)
        self.command, self.examples, self.alone = command, examples, alone or {}

    def completed(self, arguments: Sequence[str]) -> list[str]:
        """The arguments, with values for the options that stand alone: last, or before another option."""
        found = []
        for argument, after in zip_longest(arguments, arguments[1:]):
            found.append(argument)
            if argument in self.alone and (after is None or after.startswith("-")):
                found.append(self.alone[argument])
        return found

    @guarded
    def load(self, arguments: Sequence[str] = ()) -> Any:
        """The command with its options, ready to be called.

        It is typed as ``Any``: its class is private to typer and differs between its versions.

        Args:
            arguments: that it will be called with.

        Raises:
            InputError: one of them is an empty path.
        """
        module, _, function = self.command.partition(":")
        verb = getattr(import_module(f"deidsynth.cli.{module}"), function)
        if "" in arguments or any(each.endswith("=") for each in arguments):
            _refuse_empty_paths(verb, arguments)
        one = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
        epilog = "\n\n".join(["Example:", *(f"deidsynth {example}" for example in self.examples)])
        one.command(self.name, epilog=epilog)(guarded(verb))
        return typer.main.get_command(one)


def _refuse_empty_paths(verb: Callable[..., Any], arguments: Sequence[str]) -> None:
    """Refuse an empty path, which would silently be the current folder.

    Raises:
        InputError: an argument or the value of an option that takes a path is empty.
    """
    options = set[object]()
    for hint in get_type_hints(verb, include_extras=True).values():
        kind, *more = get_args(hint) or (hint,)
        if Path in (kind, *get_args(kind)):
            for each in more:  # typer holds the first name as the default until it makes the command
                options |= {getattr(each, "default", None), *(getattr(each, "param_decls", None) or ())}
    for before, argument in zip(["", *arguments], arguments, strict=False):
        option = argument.removesuffix("=") if argument else before
        is_value = option.startswith("-")
        if (argument == "" and not is_value) or (option in options and argument in ("", f"{option}=")):
            raise InputError(f"{option if is_value else 'a path'}: it is empty; give a path, or leave it out")


def loaded(command: Any, arguments: Sequence[str] = ()) -> Any:
    """The command of a verb that is called with these arguments; anything else unchanged."""
    return command.load(arguments) if isinstance(command, Verb) else command


class VerbGroup(TyperGroup):
    """A group that lists its verbs without importing them, and imports the one that is called."""

    verbs: ClassVar[tuple[Verb, ...]] = ()

    def __init__(self, *, commands: Mapping[str, Any] | None = None, **attributes: Any) -> None:
        super().__init__(commands=[*self.verbs, *(commands or {}).values()], **attributes)

    def invoke(self, ctx: Any) -> Any:
        """What the verb returns; the message of a usage error, which quotes arguments, is safe to print."""
        try:
            return super().invoke(ctx)
        except Exception as error:
            if isinstance(getattr(error, "message", None), str):
                vars(error)["message"] = for_terminal(vars(error)["message"])
            raise

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """The name, the loaded command and the arguments that are left."""
        name, command, rest = super().resolve_command(ctx, args)
        if isinstance(command, Verb):
            rest = command.completed(rest)
        return name, loaded(command, rest), rest
