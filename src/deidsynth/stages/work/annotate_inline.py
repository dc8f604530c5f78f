"""Annotate inline: the entities that the language model wrote are taken over, perhaps where a machine agrees only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from deidsynth.config import AnnotateInlineConfig
from deidsynth.corpora import read_jsonl, write_jsonl
from deidsynth.documents import Document
from deidsynth.errors import CorpusError
from deidsynth.metrics import Counts
from deidsynth.metrics.measures import strict
from deidsynth.stages.artifacts import CORPUS
from deidsynth.stages.specification import StageContext


class AnnotateInline:
    """``texts`` with their entities in, and where asked for ``machine``, the same with others; ``corpus.jsonl`` out.

    Whole documents are kept or left out, and those that are kept have the entities that the language model wrote: an
    entity taken from a text that the other annotator reads otherwise would teach that it is none.
    """

    def run(
        self, config: AnnotateInlineConfig, inputs: Mapping[str, Path], output: Path, context: StageContext
    ) -> Mapping[str, Any]:
        """Keep documents whose strict F1 is high enough; two annotations without any entity agree.

        Raises:
            CorpusError: no document is kept, or the two corpora are not of the same documents.
        """
        corpus = read_jsonl(inputs["texts"] / CORPUS)
        documents = list(corpus.documents)
        facts: dict[str, Any] = {}
        if config.agreement is not None:
            machine = read_jsonl(inputs["machine"] / CORPUS)
            documents, facts = _agreeing(documents, machine.documents, config.agreement)
            if not documents:
                raise CorpusError(
                    f"none of {len(corpus)} texts is annotated alike by the language model and the gold model; lower "
                    "synthesize.agreement, adapt for more epochs, or set synthesize.annotations: machine"
                )
            if facts["n_disagreeing"]:
                context.progress.message(
                    f"{facts['n_disagreeing']} of {len(corpus)} texts are left out: the gold model annotates them "
                    "otherwise"
                )
        kept = corpus.with_documents(documents)
        write_jsonl(kept, output / CORPUS)
        return {
            "n_documents": len(kept),
            "n_entities": kept.n_entities,
            "n_documents_without_entities": sum(not document.entities for document in kept),
            **facts,
        }


def _agreeing(
    inline: Sequence[Document], machine: Sequence[Document], least: float
) -> tuple[list[Document], dict[str, Any]]:
    """The documents whose two annotations agree so far, and how far all of them do.

    Args:
        inline: with the language model's entities.
        machine: the same documents in the same order with the gold model's.
        least: strict F1.
    """
    if [(each.doc_id, each.text) for each in inline] != [(each.doc_id, each.text) for each in machine]:
        raise CorpusError("the two annotations are not of the same documents; run again")
    counted = [strict(one, other) for one, other in zip(machine, inline, strict=True)]
    agreed = [1.0 if counts.f1 is None else counts.f1 for counts in counted]
    kept = [document for document, f1 in zip(inline, agreed, strict=True) if f1 >= least]
    return kept, {
        "n_compared": len(inline),
        "n_disagreeing": len(inline) - len(kept),
        "n_identical": sum(f1 == 1.0 for f1 in agreed),
        "agreement_f1": sum(counted, Counts()).f1,
    }
