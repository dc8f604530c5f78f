"""A synthetic corpus to be read: its notes with flags, filtered and a page at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from deidsynth.corpora.formats.jsonl import read_jsonl
from deidsynth.documents import Corpus, Document
from deidsynth.errors import InputError
from deidsynth.report.content import RunReport
from deidsynth.server.messages import EntityOut, Flag, NoteOut, NotesOut
from deidsynth.workflow.pipeline_plan import SYNTHETIC_CORPUS

Order = Literal["corpus", "least_certain"]

_REPORT = "report.json"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which notes are asked for.

    Args:
        label: that one of its entities has; any if None.
        max_score: that such an entity has at most; any if None.
        flag: of the note; any if None.
        order: of the notes: as in the corpus, or by their lowest score.
    """

    label: str | None = None
    max_score: float | None = None
    flag: Flag | None = None
    order: Order = "corpus"


class CorpusView:
    """A synthetic corpus with a flag for each note.

    Args:
        corpus: to be read.
        flags: of its notes, in their order.
    """

    def __init__(self, corpus: Corpus, flags: Sequence[Flag]) -> None:
        self._notes = tuple(zip(corpus, flags, strict=True))
        self._labels = corpus.label_counts()
        self._counts = Counter(flags)

    def find(self, wanted: Wanted, offset: int, limit: int) -> NotesOut:
        """The notes that are asked for, from ``offset`` on, ``limit`` at most."""
        found = []
        for number, (document, flag) in enumerate(self._notes, start=1):
            lowest = _lowest(document, wanted)
            if lowest is not None and wanted.flag in (None, flag):
                found.append((lowest, number, document, flag))
        if wanted.order == "least_certain":
            found.sort(key=lambda each: each[:2])
        return NotesOut(
            n_documents=len(self._notes),
            n_found=len(found),
            counts={flag: self._counts[flag] for flag in ("passed", "flagged", "not_checked")},
            labels=self._labels,
            notes=[
                NoteOut(
                    number=number,
                    doc_id=document.doc_id,
                    text=document.text,
                    entities=[EntityOut.model_validate(entity) for entity in document.entities],
                    flag=flag,
                )
                for _, number, document, flag in found[offset : offset + limit]
            ],
        )


def _lowest(document: Document, wanted: Wanted) -> float | None:
    """The lowest score of the entities asked for, 1 where none has a score; None if the note is not asked for."""
    entities = [each for each in document.entities if wanted.label in (None, each.label)]
    scores = [each.score for each in entities if each.score is not None]
    if wanted.max_score is not None:
        scores = [score for score in scores if score <= wanted.max_score]
        return min(scores, default=None)
    if wanted.label is not None and not entities:
        return None
    return min(scores, default=1.0)


def read_corpus_view(path: Path) -> CorpusView:
    """The synthetic corpus at a path, with flags from the report of the run that it is in, if it is in one.

    Args:
        path: a ``.jsonl`` file, or the folder of a run.

    Raises:
        InputError: no such file, or its texts are not known to be synthetic or invented.
        CorpusError: the file has faults.
        IntegrityError: the report of its run is damaged, or of another version.
    """
    file = path / SYNTHETIC_CORPUS if path.is_dir() else path
    corpus = read_jsonl(file)
    if corpus.origin == "real":
        raise InputError(
            f"{file}: its texts are not known to be synthetic, so the page does not show them; give the corpus that a "
            'run wrote, or lines with "origin": "synthetic"'
        )
    return CorpusView(corpus, _flags(file, len(corpus)))


def _flags(file: Path, n_documents: int) -> list[Flag]:
    """The flags of the notes, from ``report.json`` one folder up."""
    report = file.resolve().parent.parent / _REPORT
    unknown: list[Flag] = ["not_checked"] * n_documents
    if file.name != "corpus.jsonl" or not report.is_file():
        return unknown
    memorization = RunReport.read(report).memorization
    if memorization.n_notes_checked != n_documents:
        return unknown
    shown = set(memorization.shown)
    return ["passed" if number in shown else "flagged" for number in range(n_documents)]
