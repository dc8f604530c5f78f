"""How the report tells the stages of a run: their titles, their boxes in its drawing and the words for their facts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from deidsynth.report import formats
from deidsynth.report.content import Box

_DOCUMENTS = ("n_documents", "n_entities")


@dataclass(frozen=True, slots=True)
class StageWords:
    """What is said of a stage.

    Args:
        box: of the drawing, where all nodes of the stage belong to one.
        boxes: by node, where they do not.
        titles: by node.
        facts: words for facts whose name is not enough.
        headline: names of the facts that tell most.
    """

    box: Box | None = None
    boxes: Mapping[str, Box] = field(default_factory=dict)
    titles: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[str, str] = field(default_factory=dict)
    headline: tuple[str, ...] = ()


STAGES: Mapping[str, StageWords] = {
    "import": StageWords("corpus", titles={"import": "Read the corpus"}, headline=_DOCUMENTS),
    "select": StageWords(
        "corpus",
        titles={
            "select-train": "Set training notes apart",
            "select-validation": "Set validation notes apart",
            "select-test": "Set test notes apart",
        },
        headline=_DOCUMENTS,
    ),
    "base": StageWords(titles={"adapt": "Adapt the language model"}, facts={"n_tokens_seen": "tokens read"}),
    "adapt": StageWords(
        "adapt",
        titles={"adapt": "Adapt the language model"},
        facts={"n_tokens_seen": "tokens read"},
        headline=("bits_per_character", "validation_loss"),
    ),
    "synthesize": StageWords(
        "synthesize",
        titles={"synthesize": "Write synthetic notes"},
        facts={
            "n_without_eos": "cut off at the length limit",
            "n_empty": "empty notes",
            "n_malformed": "notes with broken entity marks",
            "n_overlong": "notes too long without an end",
            "n_loops": "notes caught in a loop",
            "n_in_foreign_script": "notes in a foreign script",
            "n_in_other_language": "notes in another language",
            "n_near_repeats": "notes that repeat another one",
            "n_with_long_runs": "notes with a long copied run",
            "n_with_identifying_runs": "notes with two identifiers in one copied run",
            "n_asked": "notes asked for",
            "n_sampled": "notes sampled",
            "n_rejected": "notes rejected",
            "n_missing": "notes missing",
        },
        headline=("n_documents", "tokens_per_second"),
    ),
    "train": StageWords(
        boxes={"gold": "train_gold", "synthetic": "train_synthetic"},
        titles={"gold": "Train the gold model", "synthetic": "Train the synthetic model"},
        facts={
            "validation_f1": "validation F1",
            "n_cut_entities": "entities cut by a chunk’s end",
            "n_lost_entities": "entities that no token holds",
            "n_misaligned_entities": "entities that tags cannot give back exactly",
            "n_boundaries_within_words": "entity ends inside a word",
            "n_tokens_filled_in": "tokens read for filling in",
            "n_tokens_tagged": "tokens read for tagging",
        },
        headline=("n_documents", "n_entities", "validation_f1"),
    ),
    "annotate": StageWords(
        "annotate",
        titles={
            "annotate": "Label the synthetic notes",
            "annotate-machine": "Label the synthetic notes a second time",
        },
        headline=_DOCUMENTS,
    ),
    "annotate-inline": StageWords("annotate", titles={"annotate": "Label the synthetic notes"}, headline=_DOCUMENTS),
    "evaluate": StageWords(
        "evaluate",
        titles={"evaluate-gold": "Score the gold model", "evaluate-synthetic": "Score the synthetic model"},
        facts={"strict_f1": "strict F1", "token_f1": "token F1"},
        headline=("strict_f1", "token_f1"),
    ),
    "overlap": StageWords(
        titles={"overlap": "Compare the wording"},
        facts={
            "n_notes_checked": "notes checked",
            "n_notes_passing": "notes that may be shown",
            "n_notes_with_long_runs": "notes with a long copied run",
            "n_notes_with_rare_entities": "notes with a rare real value",
            "recall_train": "wording of training notes that recurs",
            "recall_held_out": "wording of unseen notes that recurs",
        },
        headline=("n_notes_passing",),
    ),
}


def words_for(name: str, stage: str) -> dict[str, Any]:
    """``title``, ``box``, ``fact_titles`` and ``headline`` of a node in the report."""
    words = STAGES.get(stage, StageWords())
    return {
        "title": words.titles.get(name, formats.title(name)),
        "box": words.boxes.get(name, words.box),
        "fact_titles": dict(words.facts),
        "headline": words.headline,
    }
