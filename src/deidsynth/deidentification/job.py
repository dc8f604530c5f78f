"""De-identifying inputs of any size: shard by shard, each finished before the next, so that a kill loses one.

Where surrogates must avoid what was found elsewhere, a first pass finds everything and a second one replaces it.
"""

from __future__ import annotations

import json
from collections.abc import Container, Iterator, Sequence
from itertools import chain, islice

from deidsynth.deidentification.counting import Counts
from deidsynth.deidentification.deidentified import Deidentified
from deidsynth.deidentification.first_pass import found_again, line_of, surfaces_of
from deidsynth.deidentification.found import Found
from deidsynth.deidentification.inputs.rows import Row, Source, Written
from deidsynth.deidentification.partial import Partial
from deidsynth.deidentification.runtime import CHARACTERS_AT_ONCE, DOCUMENTS_AT_ONCE, Deidentifier, Failure
from deidsynth.deidentification.scope_surfaces import ScopeSurfaces
from deidsynth.documents import Document
from deidsynth.progress import Progress, Task

OUTPUT = "output"
"""The folder with what will leave, in that of what has been done so far."""
MAP = "private"
"""The folder with the mapping from replacements to originals, there."""
FAILURES = "failures.jsonl"
_FOUND, _LINES, _SURFACES = "found.jsonl", "lines", "surfaces.sqlite"
_N_FOUND, _N_WRITTEN, _COUNTS = "n_found_shards", "n_written_shards", "counts"
_MOST_ROWS = 1024  # of a shard, whose rows may be without documents
_LOST = "another text of the same row could not be de-identified"


class Job:
    """De-identification of some inputs into a folder of what has been done so far.

    Args:
        deidentifier: with its model and policy.
        sources: the inputs.
        partial: where everything is written.
        with_map: whether to write the mapping from replacements to originals.
        progress: who listens.
    """

    def __init__(
        self,
        deidentifier: Deidentifier,
        sources: Sequence[Source],
        partial: Partial,
        *,
        with_map: bool,
        progress: Progress,
    ) -> None:
        self._deidentifier, self._sources, self._partial = deidentifier, sources, partial
        self._with_map, self._progress = with_map, progress
        self._in_lines = {target for source in sources if source.finish is not None for target in source.targets}
        self._counts = self.counts_of(partial)

    @staticmethod
    def counts_of(partial: Partial) -> Counts:
        """The counts of all that is finished."""
        return Counts.of(partial.state.get(_COUNTS, {}))

    @property
    def n_shards(self) -> int:
        """How many shards are finished, in both passes."""
        return self._n_finished(_N_FOUND) + self._n_finished(_N_WRITTEN)

    def run(self) -> None:
        """Find, replace and write everything that is not yet.

        Raises:
            InputError: an input changed meanwhile.
            ModelNotUsableError: the model gives no numbers.
            StorageError: the disk is full or cannot be written.
        """
        scope = self._deidentifier.policy.scope
        if not self._deidentifier.needs_scope_surfaces or scope == "document":
            self._replace(None)
        else:
            with ScopeSurfaces(self._partial.path(_SURFACES), scope) as surfaces:
                self._find(surfaces)
                self._replace(surfaces)
        for source in self._sources:
            if source.finish is None:
                continue
            for target in source.targets:
                lines = self._partial.path(f"{_LINES}/{target}")
                lines.touch()
                source.finish(lines, self._partial.path(f"{OUTPUT}/{target}"))

    def _find(self, surfaces: ScopeSurfaces) -> None:
        """Find everything, and keep offsets in lines, and surfaces by their scope."""
        n_finished = self._n_finished(_N_FOUND)
        with self._task("find (pass 1 of 2)") as task:
            for number, rows in enumerate(self._shards(), start=1):
                documents = _documents(rows)
                if number > n_finished:
                    for found in self._deidentifier.find_each(documents):
                        self._partial.add(_FOUND, line_of(found))
                        if isinstance(found, Found):
                            kinds = self._deidentifier.policy.kinds
                            surfaces.add(found.document.group, surfaces_of(found.document, kinds))
                    surfaces.finish_shard()
                    self._partial.finish_shard({_N_FOUND: number})
                task.advance(len(documents))

    def _replace(self, surfaces: ScopeSurfaces | None) -> None:
        """Replace what was found, finding it first unless that was done, and write the rows."""
        n_finished, n_before = self._n_finished(_N_WRITTEN), 0
        kept = self._partial.lines(_FOUND)

        def avoided(document: Document) -> Container[str]:
            return () if surfaces is None else surfaces.of(document.group)

        with self._task("deidentify" if surfaces is None else "replace (pass 2 of 2)") as task:
            for number, rows in enumerate(self._shards(), start=1):
                documents = _documents(rows)
                lines = list(islice(kept, len(documents)))
                if number > n_finished:
                    found = (
                        self._deidentifier.find_each(documents) if surfaces is None else found_again(documents, lines)
                    )
                    made = iter(self._deidentifier.replace_each(found, avoided))
                    for row in rows:
                        self._settle(row, list(islice(made, len(row.documents))), n_before)
                        n_before += _n_numbers(row)
                    self._partial.finish_shard({_N_WRITTEN: number, _COUNTS: self._counts.plain()})
                else:
                    for row in rows:
                        row.passed_over()
                        n_before += _n_numbers(row)
                task.advance(len(documents))
        for target in (target for source in self._sources for target in source.targets):
            self._add(Written(target, ""))  # a file is there even if nothing is in it
        self._partial.finish_shard({})

    def _settle(self, row: Row, made: Sequence[Deidentified | Failure], n_before: int) -> None:
        """Write a row, and name what of it is not written."""
        reasons = {at: each.reason for at, each in enumerate(made) if isinstance(each, Failure)}
        if reasons and row.is_whole:
            reasons = {at: reasons.get(at, _LOST) for at in range(len(made))}
        if row.problem is not None:
            reasons[0] = row.problem
        for at, reason in sorted(reasons.items()):
            self._counts.n_failed += 1
            line = {"document": n_before + at + 1, "place": row.place, "reason": reason}
            self._partial.add(FAILURES, json.dumps(line, ensure_ascii=False) + "\n")
        if row.problem is not None or (reasons and row.is_whole):
            row.passed_over()
            return
        results = [None if isinstance(each, Failure) else each for each in made]
        written = row.written(results)
        self._add(written)
        self._counts.add(results)
        self._counts.n_renamed += written.is_renamed
        for number, (document, each) in enumerate(zip(row.documents, results, strict=True), start=n_before + 1):
            if self._with_map and each is not None:
                self._partial.add(f"{MAP}/map.jsonl", _mapped(row, written, number, document, each))

    def _add(self, written: Written) -> None:
        name = f"{_LINES if written.target in self._in_lines else OUTPUT}/{written.target}"
        (self._partial.add if written.is_added else self._partial.put)(name, written.content)

    def _n_finished(self, of: str) -> int:
        return int(self._partial.state.get(of, 0))

    def _task(self, name: str) -> Task:
        numbers = [source.n_documents for source in self._sources]
        known = [number for number in numbers if number is not None]
        return self._progress.task(name, sum(known) if len(known) == len(numbers) else None, "documents")

    def _shards(self) -> Iterator[list[Row]]:
        """Rows that are finished together; which ones depends on the input alone."""
        some: list[Row] = []
        n_documents = n_characters = 0
        for row in chain.from_iterable(source.rows() for source in self._sources):
            some.append(row)
            n_documents += len(row.documents)
            n_characters += sum(len(document.text) for document in row.documents)
            if n_documents >= DOCUMENTS_AT_ONCE or n_characters >= CHARACTERS_AT_ONCE or len(some) >= _MOST_ROWS:
                yield some
                some, n_documents, n_characters = [], 0, 0
        if some:
            yield some


def _documents(rows: Sequence[Row]) -> list[Document]:
    return [document for row in rows for document in row.documents]


def _n_numbers(row: Row) -> int:
    """How many documents of the input a row is; what cannot be read is one."""
    return 1 if row.problem is not None else len(row.documents)


def _mapped(row: Row, written: Written, number: int, document: Document, made: Deidentified) -> str:
    """The line of the private map for a document."""
    replaced = [
        {
            "start": each.start,
            "end": each.end,
            "new_start": each.new_start,
            "new_end": each.new_end,
            "label": each.label,
            "action": each.action,
            "source": each.source,
            "surface": document.text[each.start : each.end],
            "replacement": made.text[each.new_start : each.new_end],
        }
        for each in made.replacements
    ]
    line = {"document": number, "place": row.place, "file": written.target, "replaced": replaced}
    return json.dumps(line, ensure_ascii=False) + "\n"
