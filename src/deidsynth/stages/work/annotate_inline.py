"""Annotate inline: use the entities that the language model wrote, optionally only where a tagger agrees."""

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
    """``texts`` with entities in, optionally ``machine``, the same texts annotated by a tagger; ``corpus.jsonl`` out.

    Documents are kept or dropped as a whole, and kept documents have the entities that the language model wrote:
    dropping single entities would teach the tagger that they are not entities.
    """

    def run(
        self, config: AnnotateInlineConfig, inputs: Mapping[str, Path], output: Path, context: StageContext
    ) -> Mapping[str, Any]:
        """Keep documents with sufficient agreement in strict F1; two annotations without entities agree.

        Raises:
            CorpusError: no document is kept, or the two corpora hold different documents.
        """
        corpus = read_jsonl(inputs["texts"] / CORPUS)
        documents = list(corpus.documents)
        facts: dict[str, Any] = {}
        if config.agreement is not None:
            machine = read_jsonl(inputs["machine"] / CORPUS)
            documents, facts = _agreeing(documents, machine.documents, config.agreement)
            if not documents:
                raise CorpusError(
                    f"the language model and the gold model agree on none of {len(corpus)} texts; lower "
                    "synthesize.agreement, adapt for more epochs, or set synthesize.annotations: machine"
                )
            if facts["n_disagreeing"]:
                context.progress.message(
                    f"{facts['n_disagreeing']} of {len(corpus)} texts are dropped: the gold model annotates them "
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
    """The documents whose two annotations agree, and the mean agreement of all documents.

    Args:
        inline: with the language model's entities.
        machine: the same documents in the same order with the gold model's.
        least: minimum strict F1.
    """
    if [(each.doc_id, each.text) for each in inline] != [(each.doc_id, each.text) for each in machine]:
        raise CorpusError("the two annotations are of different documents; run again")
    counted = [strict(one, other) for one, other in zip(machine, inline, strict=True)]
    agreed = [1.0 if counts.f1 is None else counts.f1 for counts in counted]
    kept = [document for document, f1 in zip(inline, agreed, strict=True) if f1 >= least]
    return kept, {
        "n_compared": len(inline),
        "n_disagreeing": len(inline) - len(kept),
        "n_identical": sum(f1 == 1.0 for f1 in agreed),
        "agreement_f1": sum(counted, Counts()).f1,
    }
