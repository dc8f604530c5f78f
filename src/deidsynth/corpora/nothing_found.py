"""Errors of a corpus that was read and holds no document, or no entity."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from deidsynth.corpora.conversions import left_out, told
from deidsynth.corpora.formats.column_roles import NO_ENTITY_COLUMN
from deidsynth.corpora.records import ReadResult
from deidsynth.errors import CorpusError, Problem


def why_empty(result: ReadResult) -> str:
    """The message about a source without documents or problems: what was skipped, if anything was.

    Args:
        result: as read.
    """
    if lines := told(left_out(result.skipped)):
        return f"no documents found in format {result.format}: {lines[0]}, and there is nothing else"
    return f"no documents found; is this the right folder, and is its format {result.format}?"


def no_entities(path: Path, n_documents: int, problems: Sequence[Problem]) -> CorpusError:
    """The error of a corpus without any entity, or without any that has no fault."""
    faulty = [replace(each, of_entity=False) for each in problems if each.of_entity]
    if faulty:
        return CorpusError([Problem(str(path), "no entity is left, since all were left out; fix them"), *faulty])
    return CorpusError(f"{path}: none of the {n_documents} documents has an entity; give an annotated corpus")


def refuse_unlabeled(problems: Sequence[Problem]) -> None:
    """Refuse a table that was read without its entities because their column is unknown.

    Args:
        problems: found while reading.

    Raises:
        CorpusError: unused columns may contain the entities; the message names them.
    """
    found = [problem for problem in problems if problem.code == NO_ENTITY_COLUMN]
    if found:
        raise CorpusError(found)
