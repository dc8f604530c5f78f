"""Memorization: how much training text reappears in the synthetic text, and which notes may be shown."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from deidsynth.config import MemorizationConfig
from deidsynth.corpora import read_jsonl
from deidsynth.documents import Corpus
from deidsynth.files import write_json
from deidsynth.privacy import RareValues, VerbatimIndex, ngram_recall
from deidsynth.stages.artifacts import CORPUS, MEMORIZATION
from deidsynth.stages.specification import StageContext


class Memorization:
    """``texts``, ``train``, ``validation`` and ``held_out`` in; ``memorization.json`` out."""

    def run(
        self, config: MemorizationConfig, inputs: Mapping[str, Path], output: Path, context: StageContext
    ) -> Mapping[str, Any]:
        """Write n-gram recall and the indices of the notes that may be shown.

        Notes that may be shown hold no long verbatim run of training text, and no identifying value that is rare in it,
        or that validation or test notes have and that is rare in all of them together.
        """
        roles = ("texts", "train", "validation", "held_out")
        texts, train, validation, held_out = (read_jsonl(inputs[role] / CORPUS) for role in roles)
        synthetic = [document.text for document in texts]
        index = VerbatimIndex(
            [document.text for document in train],
            [document.unit for document in train],
            max_run_words=config.max_run_words,
            min_groups=config.min_groups,
        )
        rare = [_rare_values(config, *corpora) for corpora in ((train,), (train, validation, held_out))]
        shown, n_verbatim, n_rare = [], 0, 0
        with context.progress.task("memorization", len(synthetic), "documents") as task:
            for number, text in enumerate(synthetic):
                verbatim, replayed = not index.passes(text), any(values.occur_in(text) for values in rare)
                n_verbatim += verbatim
                n_rare += replayed
                if text.strip() and not verbatim and not replayed:
                    shown.append(number)
                task.advance(1)
        recall = {
            "train": ngram_recall([document.text for document in train], synthetic, config.n),
            "held_out": ngram_recall([document.text for document in held_out], synthetic, config.n),
        }
        result = {
            "n": config.n,
            **recall,
            "n_notes_checked": len(synthetic),
            "n_notes_passing": len(shown),
            "max_run_words": config.max_run_words,
            "min_groups": config.min_groups,
            "min_entity_characters": config.min_entity_characters,
            "n_notes_with_long_runs": n_verbatim,
            "n_notes_with_rare_entities": n_rare,
            "shown": shown,
        }
        write_json(output / MEMORIZATION, result)
        return {
            "n_notes_checked": len(synthetic),
            "n_notes_with_long_runs": n_verbatim,
            "n_notes_with_rare_entities": n_rare,
            "n_notes_passing": len(shown),
            "recall_train": recall["train"]["recall"],
            "recall_held_out": recall["held_out"]["recall"],
        }


def _rare_values(config: MemorizationConfig, *corpora: Corpus) -> RareValues:
    """The identifying values that few groups of some corpora together have."""
    documents = [document for corpus in corpora for document in corpus]
    values = ((document.surface(entity), document.unit) for document in documents for entity in document.entities)
    return RareValues(values, min_characters=config.min_entity_characters, min_groups=config.min_groups)
