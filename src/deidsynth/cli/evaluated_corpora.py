"""The corpora that ``deidsynth evaluate`` compares, each read with its own options."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Annotated, Any, Literal

import typer

from deidsynth.cli.inputs import load
from deidsynth.cli.options import Discontinuous
from deidsynth.cli.terminal import tell
from deidsynth.corpora import load_mapping
from deidsynth.corpora.label_sets import are_plausible
from deidsynth.documents import Corpus
from deidsynth.metrics.matching import with_ids_of

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

    def read(self, role: Role, path: Path, gold: Corpus | None = None, gold_path: Path | None = None) -> Corpus:
        """The corpus at a path with mapped labels; a warning says if its figures would be meaningless.

        Args:
            role: whose options to use.
            path: file or folder.
            gold: gold corpus of a prediction; supplies the texts of brat annotation files that come without, and the
                ids of documents that have the same text and whose ids differ only by file name.
            gold_path: where it was read.

        Raises:
            InputError: no such path, no known format, or no such mapping.
            CorpusError: faults in the corpus, or labels that the mapping refuses.
            ConfigError: an invalid layout key or mapping.
        """
        own = self.own[role]
        mapping = own.mapping or self.shared.mapping
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
            mapping=None if mapping is None else load_mapping(mapping),
        ).corpus
        if gold is not None:
            own_names, gold_names = _named_by_file(path, corpus), _named_by_file(gold_path, gold)
            documents, n_renamed = with_ids_of(
                gold.documents,
                corpus.documents,
                lambda gold_id, own_id: (
                    own_id in own_names or gold_id in gold_names or PurePath(own_id).stem == PurePath(gold_id).stem
                ),
            )
            corpus = corpus.with_documents(documents)
            if n_renamed:
                tell(f"{path}: matched {n_renamed} documents to gold by their text, since the ids differ", self.quiet)
        warning = _warning(role, path, corpus, gold)
        if warning is not None:
            tell(f"warning: {warning}", self.quiet)
        return corpus


def _named_by_file(path: Path | None, corpus: Corpus) -> frozenset[str]:
    """The ids that come from the names of files: ``NAME``, or ``NAME-NUMBER`` in a file of many documents."""
    stems = {file.stem for file in (() if path is None else (path, *path.rglob("*")))}
    ids = (document.doc_id for document in corpus)
    return frozenset(doc_id for doc_id in ids if doc_id in stems or re.sub("-[0-9]+$", "", doc_id) in stems)


def _warning(role: Role, path: Path, corpus: Corpus, gold: Corpus | None) -> str | None:
    """Why the figures would be meaningless; None if they are not. Labels are named, text is not."""
    labels = corpus.label_counts()
    if gold is None:
        return None if labels else f"{path}: no entities, so recall is undefined and only false positives are counted"
    wanted = gold.label_counts()
    common = wanted.keys() & labels.keys()
    if not wanted or not labels or labels.keys() <= wanted.keys():
        return None
    if common and 2 * len(common) >= len(wanted.keys() | labels.keys()):
        return None
    if common:
        n_labels = len(wanted.keys() | labels.keys())
        return (
            f"{path}: only {len(common)} of {n_labels} labels are common with gold, so scores that compare labels are "
            f"low; only gold has {_named(_without(wanted, common))}; only {role} has "
            f"{_named(_without(labels, common))}; give them the same names with --gold-mapping or --{role}-mapping"
        )
    return (
        f"{path}: shares no label with gold, so all scores that compare labels are zero; gold has {_named(wanted)}; "
        f"{role} has {_named(labels)}; give them the same names with --gold-mapping or --{role}-mapping"
    )


def _without(labels: Mapping[str, int], known: Collection[str]) -> dict[str, int]:
    return {label: count for label, count in labels.items() if label not in known}


def _named(labels: Mapping[str, int]) -> str:
    """The labels; only their number if they are implausible, since they may be words of the text."""
    if not are_plausible(labels):
        return f"{len(labels)} that are implausible as labels"
    shown = sorted(labels)[:SHOWN_LABELS]
    more = len(labels) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")
