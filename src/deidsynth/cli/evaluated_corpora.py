"""The corpora that ``deidsynth evaluate`` compares, each read in its own way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from deidsynth.cli.inputs import load
from deidsynth.cli.options import Discontinuous
from deidsynth.cli.terminal import tell
from deidsynth.corpora import load_mapping, map_labels
from deidsynth.corpora.label_sets import are_plausible
from deidsynth.documents import Corpus

SHOWN_LABELS = 8
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

    def read(self, role: Role, path: Path, gold: Corpus | None = None) -> Corpus:
        """The corpus at a path with its labels mapped; what makes its figures hollow is told on standard error.

        Args:
            role: which options hold.
            path: file or folder.
            gold: what a prediction is to be scored against; brat annotation files that have no texts are read on its.

        Raises:
            InputError: nothing there, no known format, or no such mapping.
            CorpusError: faults in what is there, or labels that the mapping refuses.
            ConfigError: a layout key or a mapping that is at fault.
        """
        own = self.sides[role]
        corpus = load(
            path,
            self.quiet,
            group_by=self.group_by,
            discontinuous=self.discontinuous,
            format=own.format or self.every.format or "auto",
            layout=self.every.layout,
            own_layout=(f"--{role}-layout", own.layout or ()),
            require_entities=False,
            texts=None if gold is None else {document.doc_id: document.text for document in gold},
        ).corpus
        mapping = own.mapping or self.every.mapping
        mapped = corpus if mapping is None else map_labels(corpus, load_mapping(mapping))[0]
        warning = _warning(role, path, mapped, gold)
        if warning is not None:
            tell(f"warning: {warning}", self.quiet)
        return mapped


def _warning(role: Role, path: Path, corpus: Corpus, gold: Corpus | None) -> str | None:
    """Why figures would say little; None where nothing is amiss. Labels are named, text is not."""
    labels = corpus.label_counts()
    if gold is None:
        return None if labels else f"{path}: no entities, so that recall is undefined and only false alarms are counted"
    wanted = gold.label_counts()
    if not wanted or not labels or wanted.keys() & labels.keys():
        return None
    return (
        f"{path}: has no label of gold, so that nothing is right wherever labels count; gold has {_named(wanted)}; "
        f"{role} has {_named(labels)}; --gold-mapping or --{role}-mapping gives them the same names"
    )


def _named(labels: Mapping[str, int]) -> str:
    """The labels; only their number where they can be none, since words of the text may stand for them."""
    if not are_plausible(labels):
        return f"{len(labels)} that can be no labels"
    shown = sorted(labels)[:SHOWN_LABELS]
    more = len(labels) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")
