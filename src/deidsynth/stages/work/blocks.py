"""Documents annotated in blocks, which survive a killed run and can be annotated in several processes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from deidsynth.config import AnnotateConfig
from deidsynth.corpora import read_jsonl, write_jsonl
from deidsynth.documents import Corpus, Document
from deidsynth.models.tagger.prediction import DOCUMENTS_AT_ONCE
from deidsynth.models.tagger.token_classifier import Tagger, load_tagger
from deidsynth.progress import Progress, SilentProgress
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
        tagger: Tagger | None = None
        documents: list[Document] = []
        total = sum(len(corpus.documents[_place(number)]) for number in numbers)
        with self.context.progress.task(self.name, total, "documents") as task:
            for number in numbers:
                if self._file(number).exists():
                    found = list(read_jsonl(self._file(number)))
                    task.advance(len(found))
                else:
                    tagger = tagger or load_tagger(str(self.model / MODEL))
                    found = predicted(tagger, corpus.documents[_place(number)], self.config, self.context, task)
                    write_jsonl(corpus.with_documents(found), self._file(number))
                documents += found
        return documents

    def _file(self, number: int) -> Path:
        return self.kept / f"block-{number:06d}.jsonl"


def _place(number: int) -> slice:
    return slice(number * DOCUMENTS_AT_ONCE, (number + 1) * DOCUMENTS_AT_ONCE)


def _annotate(blocks: Blocks, numbers: Sequence[int], listener: Progress) -> None:
    """Annotate some blocks in a process of its own."""
    blocks.heard_by(listener).annotated(read_jsonl(blocks.texts / CORPUS), numbers)
