"""Documents annotated in blocks, which survive a killed run and can be annotated in several processes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain, islice
from pathlib import Path

from deidsynth.config import AnnotateConfig
from deidsynth.corpora import read_jsonl, write_jsonl
from deidsynth.documents import Corpus, Document
from deidsynth.models.tagger.prediction import DOCUMENTS_AT_ONCE
from deidsynth.models.tagger.token_classifier import load_tagger
from deidsynth.progress import Progress, SilentProgress, Task
from deidsynth.stages.artifacts import CORPUS, MODEL
from deidsynth.stages.specification import StageContext
from deidsynth.stages.work.prediction import predicted
from deidsynth.stages.work.small_models import is_small, one_thread, spread


def n_blocks(corpus: Corpus) -> int:
    """The number of blocks of a corpus: documents that the tagger processes together are in one."""
    return -(-len(corpus) // DOCUMENTS_AT_ONCE)


@dataclass(frozen=True, slots=True)
class Blocks:
    """The blocks of a corpus, annotated and kept.

    Args:
        config: of the annotation.
        texts: folder with the corpus.
        model: folder with the tagger.
        kept: folder of the finished blocks.
        context: device, precision, progress.
        name: of the progress task.
    """

    config: AnnotateConfig
    texts: Path
    model: Path
    kept: Path
    context: StageContext
    name: str

    def annotated(self, corpus: Corpus, numbers: Sequence[int]) -> list[Document]:
        """The annotated documents of some blocks; finished blocks are reused.

        Args:
            corpus: that of the folder ``texts``.
            numbers: of the blocks, zero-based.
        """
        small = is_small(self.model / MODEL, self.context.device)
        if small:
            missing = [number for number in numbers if not self._file(number).exists()]
            bare = replace(self, context=replace(self.context, progress=SilentProgress()))
            n_documents = sum(len(corpus.documents[_place(number)]) for number in missing)
            spread(missing, partial(_annotate, bare), self.context.progress, self.name, n_documents)
        with one_thread(wanted=small):
            return self._annotated(corpus, numbers)

    def heard_by(self, listener: Progress) -> Blocks:
        """The same blocks with another listener."""
        return replace(self, context=replace(self.context, progress=listener))

    def _annotated(self, corpus: Corpus, numbers: Sequence[int]) -> list[Document]:
        """The annotated documents of some blocks, one after another."""
        missing = [number for number in numbers if not self._file(number).exists()]
        documents: list[Document] = []
        total = sum(len(corpus.documents[_place(number)]) for number in numbers)
        with self.context.progress.task(self.name, total, "documents") as task:
            fresh = self._predicted([corpus.documents[_place(number)] for number in missing], task)
            for number in numbers:
                if number in missing:
                    found = list(islice(fresh, len(corpus.documents[_place(number)])))
                    write_jsonl(corpus.with_documents(found), self._file(number))
                else:
                    found = list(read_jsonl(self._file(number)))
                    task.advance(len(found))
                documents += found
        return documents

    def _predicted(self, blocks: Sequence[Sequence[Document]], task: Task) -> Iterator[Document]:
        """The annotated documents of missing blocks; the tagger is loaded for the first.

        On a GPU they are one stream, in which a block is decoded beside the forward pass of the next. On a CPU each
        block is on its own, so that its scores do not depend on which blocks were missing.
        """
        if not blocks:
            return
        tagger = load_tagger(str(self.model / MODEL))
        streams = blocks if self.context.device == "cpu" else [chain.from_iterable(blocks)]
        for stream in streams:
            yield from predicted(tagger, stream, self.config, self.context, task)

    def _file(self, number: int) -> Path:
        return self.kept / f"block-{number:06d}.jsonl"


def _place(number: int) -> slice:
    return slice(number * DOCUMENTS_AT_ONCE, (number + 1) * DOCUMENTS_AT_ONCE)


def _annotate(blocks: Blocks, numbers: Sequence[int], listener: Progress) -> None:
    """Annotate some blocks in a process of its own."""
    blocks.heard_by(listener).annotated(read_jsonl(blocks.texts / CORPUS), numbers)
