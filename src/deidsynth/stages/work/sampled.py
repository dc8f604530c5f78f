"""Output of sampling: the kept documents, a row without text for each sampled document, and counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from deidsynth.corpora import write_jsonl
from deidsynth.documents import Corpus, Document
from deidsynth.errors import CorpusError
from deidsynth.files import write_lines
from deidsynth.models.language_model.added_tokens import REPAIRS
from deidsynth.sampling.engine import Sample
from deidsynth.sampling.filters import FACTS, Verdict, counts
from deidsynth.stages.artifacts import CORPUS, SAMPLES

_PRIVATE = ("text", "entities")


def write_sampled(
    judged: Sequence[tuple[Sample, Verdict]], output: Path, *, with_entities: bool, language: str | None
) -> dict[str, Any]:
    """Write the kept documents, and a row without text for each sampled document.

    Args:
        judged: samples with their verdicts, in order of their numbers.
        output: folder of the artifact.
        with_entities: whether the entities that the model wrote are kept.
        language: of the texts, if known.

    Returns:
        Counts of documents and findings; if the model writes inline entity tags, also of tags and repairs.

    Raises:
        CorpusError: no document is kept.
    """
    found = counts([each for each, _ in judged], [verdict for _, verdict in judged])
    width = len(str(len(judged)))
    documents, rows = [], []
    for each, verdict in judged:
        doc_id = f"synthetic-{each.index + 1:0{width}d}"
        if verdict.kept:
            documents.append(Document(doc_id, each.text, each.entities if with_entities else ()))
        plain = {key: value for key, value in each.to_dict().items() if key not in _PRIVATE}
        rows.append({"doc_id": doc_id, **plain, **asdict(verdict)})
    if not documents:
        raise _nothing_is_left(found)
    corpus = Corpus(tuple(documents), origin="synthetic", annotation="silver", language=language)
    write_jsonl(corpus, output / CORPUS)
    write_lines(output / SAMPLES, rows)
    return {
        "n_documents": len(documents),
        **({"n_entities": corpus.n_entities} if with_entities else {}),
        **found,
        **_repairs([each for each, _ in judged]),
        "n_tokens": sum(each.n_tokens for each, _ in judged),
    }


def _repairs(samples: Sequence[Sample]) -> dict[str, int]:
    """Counts of inline entity tags and repairs in all samples; empty if the model writes plain text."""
    made = [each.repairs for each in samples if each.repairs is not None]
    if not made:
        return {}
    repaired = {fact: sum(repairs.get(kind, 0) for repairs in made) for kind, fact in REPAIRS.items()}
    return {"n_special_tokens": sum(each.n_special_tokens for each in samples), **repaired}


def _nothing_is_left(found: Mapping[str, Any]) -> CorpusError:
    if found["n_empty"] == found["n_sampled"]:
        return CorpusError("every sampled text is empty; adapt for more epochs or lower adapt.learning_rate")
    told = ", ".join(f"{fact}: {found[fact]}" for fact in FACTS.values() if found.get(fact))
    return CorpusError(
        f"the filters rejected all sampled texts ({told}); change adapt.epochs, relax synthesize.filters, or set "
        "synthesize.filters.mode: count to keep such texts"
    )
