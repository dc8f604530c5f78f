"""The corpora that ``deidsynth evaluate`` compares, each read with its own options."""

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
    return f"{role.upper()} only" if role != "reference" else "the reference only"


def _format(role: Role) -> Any:
    return typer.Option(f"--{role}-from", metavar="FORMAT", help=f"Format of {_own(role)}, instead of --from.")


def _layout(role: Role) -> Any:
    return typer.Option(f"--{role}-layout", metavar="KEY=VALUE", help=f"Layout of {_own(role)}, on top of --layout.")


def _mapping(role: Role) -> Any:
    return typer.Option(
        f"--{role}-mapping", metavar="NAME|FILE", help=f"Label mapping for {_own(role)}, instead of --mapping."
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
class CorpusOptions:
    """Options for reading one corpus, or all of them.

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
        """Whether any option is set."""
        return bool(self.format or self.layout or self.mapping)


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads the corpora of an evaluation.

    Args:
        shared: options for all corpora.
        own: options for one corpus, which override the shared ones.
        discontinuous: what to do with discontinuous entities.
        group_by: regular expression on the document name.
        skip_invalid: whether to leave out entities that have a fault.
        quiet: whether to suppress messages.
    """

    shared: CorpusOptions
    own: dict[Role, CorpusOptions]
    discontinuous: Discontinuous
    group_by: str | None
    skip_invalid: bool
    quiet: bool

    def read(self, role: Role, path: Path, gold: Corpus | None = None) -> Corpus:
        """The corpus at a path with mapped labels; a warning says if its figures would be meaningless.

        Args:
            role: whose options to use.
            path: file or folder.
            gold: gold corpus of a prediction; supplies the texts of brat annotation files that come without.

        Raises:
            InputError: no such path, no known format, or no such mapping.
            CorpusError: faults in the corpus, or labels that the mapping refuses.
            ConfigError: an invalid layout key or mapping.
        """
        own = self.own[role]
        corpus = load(
            path,
            self.quiet,
            group_by=self.group_by,
            discontinuous=self.discontinuous,
            format=own.format or self.shared.format or "auto",
            layout=self.shared.layout,
            own_layout=(f"--{role}-layout", own.layout or ()),
            require_entities=False,
            skip_invalid=self.skip_invalid,
            texts=None if gold is None else {document.doc_id: document.text for document in gold},
        ).corpus
        mapping = own.mapping or self.shared.mapping
        mapped = corpus if mapping is None else map_labels(corpus, load_mapping(mapping))[0]
        warning = _warning(role, path, mapped, gold)
        if warning is not None:
            tell(f"warning: {warning}", self.quiet)
        return mapped


def _warning(role: Role, path: Path, corpus: Corpus, gold: Corpus | None) -> str | None:
    """Why the figures would be meaningless; None if they are not. Labels are named, text is not."""
    labels = corpus.label_counts()
    if gold is None:
        return None if labels else f"{path}: no entities, so recall is undefined and only false positives are counted"
    wanted = gold.label_counts()
    if not wanted or not labels or wanted.keys() & labels.keys():
        return None
    return (
        f"{path}: shares no label with gold, so all scores that compare labels are zero; gold has {_named(wanted)}; "
        f"{role} has {_named(labels)}; give them the same names with --gold-mapping or --{role}-mapping"
    )


def _named(labels: Mapping[str, int]) -> str:
    """The labels; only their number if they are implausible, since they may be words of the text."""
    if not are_plausible(labels):
        return f"{len(labels)} that are implausible as labels"
    shown = sorted(labels)[:SHOWN_LABELS]
    more = len(labels) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")
