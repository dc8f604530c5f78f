"""Verbs whose modules are imported when they are called, so that ``deidsynth --help`` imports none of them."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any, ClassVar

import typer
from typer.core import TyperCommand, TyperGroup

from deidsynth.cli.guard import guarded


class Verb(TyperCommand):
    """A verb by its name and its line in the list of verbs; ``load`` gives the command itself.

    Args:
        name: as typed.
        command: ``module:function`` below ``deidsynth.cli``.
        about: the first paragraph of that function's docstring.
        examples: calls of the verb without the program's name; they end its help.
    """

    def __init__(self, name: str, command: str, about: str, *examples: str) -> None:
        super().__init__(name, help=about)
        self.command, self.examples = command, examples

    @guarded
    def load(self) -> Any:
        """The command with its options, ready to be called.

        It is typed as ``Any``: its class is private to typer and differs between its versions.
        """
        module, _, function = self.command.partition(":")
        one = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
        epilog = "\n\n".join(["Example:", *(f"deidsynth {example}" for example in self.examples)])
        one.command(self.name, epilog=epilog)(guarded(getattr(import_module(f"deidsynth.cli.{module}"), function)))
        return typer.main.get_command(one)


def loaded(command: Any) -> Any:
    """The command of a verb; anything else unchanged."""
    return command.load() if isinstance(command, Verb) else command


class VerbGroup(TyperGroup):
    """A group that lists its verbs without importing them, and imports the one that is called."""

    verbs: ClassVar[tuple[Verb, ...]] = ()

    def __init__(self, *, commands: Mapping[str, Any] | None = None, **attributes: Any) -> None:
        super().__init__(commands=[*self.verbs, *(commands or {}).values()], **attributes)

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """The name, the loaded command and the arguments that are left."""
        name, command, rest = super().resolve_command(ctx, args)
        return name, loaded(command), rest
