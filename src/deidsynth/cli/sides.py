"""The corpora that ``deidsynth evaluate`` compares, each read in its own way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from deidsynth.cli.options import Discontinuous

if TYPE_CHECKING:
    from deidsynth.documents import Corpus

Role = Literal["gold", "predicted", "reference"]


def _own(role: Role) -> str:
    return f"{role.upper()} alone" if role != "reference" else "the reference alone"


def _format(role: Role) -> Any:
    return typer.Option(f"--{role}-from", metavar="FORMAT", help=f"Format of {_own(role)}, in place of --from.")


def _layout(role: Role) -> Any:
    return typer.Option(f"--{role}-layout", metavar="KEY=VALUE", help=f"Layout of {_own(role)}, on top of --layout.")


def _mapping(role: Role) -> Any:
    return typer.Option(
        f"--{role}-mapping", metavar="NAME|FILE", help=f"Label mapping for {_own(role)}, in place of --mapping."
    )


GoldFrom = Annotated[str | None, _format("gold")]
PredictedFrom = Annotated[str | None, _format("predicted")]
ReferenceFrom = Annotated[str | None, _format("reference")]
GoldLayout = Annotated[list[str] | None, _layout("gold")]
PredictedLayout = Annotated[list[str] | None, _layout("predicted")]
ReferenceLayout = Annotated[list[str] | None, _layout("reference")]
GoldMapping = Annotated[str | None, _mapping("gold")]
PredictedMapping = Annotated[str | None, _mapping("predicted")]
ReferenceMapping = Annotated[str | None, _mapping("reference")]


@dataclass(frozen=True, slots=True)
class Side:
    """What the options say of one corpus, or of all.

    Args:
        format: to read.
        layout: ``KEY=VALUE`` settings.
        mapping: name or file of a label mapping.
    """

    format: str | None = None
    layout: Sequence[str] | None = None
    mapping: str | None = None

    @property
    def is_given(self) -> bool:
        """Whether any option says anything."""
        return bool(self.format or self.layout or self.mapping)


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads the corpora of an evaluation.

    Args:
        every: what holds for all corpora.
        sides: what holds for one, over what holds for all.
        discontinuous: what to do with discontinuous entities.
        group_by: regular expression on the document name.
        quiet: whether messages are left out.
    """

    every: Side
    sides: dict[Role, Side]
    discontinuous: Discontinuous
    group_by: str | None
    quiet: bool

    def read(self, role: Role, path: Path) -> Corpus:
        """The corpus at a path with its labels mapped.

        Raises:
            InputError: nothing there, no known format, or no such mapping.
            CorpusError: faults in what is there, gold without entities, or labels that the mapping refuses.
            ConfigError: a layout key or a mapping that is at fault.
        """
        from deidsynth.cli.inputs import load
        from deidsynth.corpora import load_mapping, map_labels

        own = self.sides[role]
        corpus = load(
            path,
            self.quiet,
            group_by=self.group_by,
            discontinuous=self.discontinuous,
            format=own.format or self.every.format or "auto",
            layout=self.every.layout,
            own_layout=(f"--{role}-layout", own.layout or ()),
            require_entities=role == "gold",
        ).corpus
        mapping = own.mapping or self.every.mapping
        return corpus if mapping is None else map_labels(corpus, load_mapping(mapping))[0]
