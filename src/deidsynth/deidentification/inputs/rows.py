"""Rows: what is read, de-identified and written as a whole, whatever it was read from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from deidsynth.deidentification.deidentified import Deidentified
from deidsynth.deidentification.inputs.json_survey import Survey
from deidsynth.documents import Document

Results = Sequence[Deidentified | None]
"""What became of the documents of a row; None of those that are not written."""


@dataclass(frozen=True, slots=True, repr=False)
class Written:
    """What is written for a row.

    Args:
        target: the file, below the output.
        content: of the whole file, or what is added to it.
        is_added: whether it is added.
        is_renamed: whether the name of the document was hidden.
    """

    target: str
    content: str
    is_added: bool = True
    is_renamed: bool = False


@dataclass(frozen=True, slots=True, repr=False)
class Row:
    """The documents of one place of an input, and how they are put back.

    Args:
        place: where it is, to be named to the user.
        written: what is written once its documents are de-identified.
        documents: their group is the patient.
        problem: why it cannot be read; then nothing is written.
        is_whole: whether nothing is written if one of its documents cannot be; otherwise the rest is.
        passed_over: called in place of ``written`` where it was written before, or is not to be.
    """

    place: str
    written: Callable[[Results], Written]
    documents: tuple[Document, ...] = ()
    problem: str | None = None
    is_whole: bool = True
    passed_over: Callable[[], object] = lambda: None

    def __repr__(self) -> str:
        return f"Row(place={self.place!r}, n_documents={len(self.documents)})"


@dataclass(frozen=True, slots=True)
class Source:
    """An input.

    Args:
        path: of it.
        rows: reads it anew.
        targets: the files that it is written to, as far as they are known beforehand: they are there in any case.
        n_documents: how many there are, if known.
        finish: for what cannot be written piece by piece: makes the output file of what the rows wrote.
        kept: names of columns that stay as they are.
        survey: of JSON, what its values have.
        is_private: whether its texts are real.
    """

    path: Path
    rows: Callable[[], Iterator[Row]]
    targets: tuple[str, ...] = ()
    n_documents: int | None = None
    finish: Callable[[Path, Path], None] | None = None
    kept: tuple[str, ...] = ()
    survey: Survey | None = None
    is_private: bool = True


def unreadable(place: str, problem: str) -> Row:
    """A row that cannot be read, for a reason that says what to do and quotes nothing."""
    return Row(place, _refuse, problem=problem)


def _refuse(_: Results) -> Written:
    raise AssertionError("a row with a problem is never written")


def plain(place: str, target: str, content: str) -> Row:
    """A row without documents, which is written as it is."""
    return Row(place, lambda _: Written(target, content))
