"""Evaluate: score a trained tagger against gold entities."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from deidsynth.config import EvaluateConfig
from deidsynth.corpora import read_jsonl, write_jsonl
from deidsynth.files import write_json
from deidsynth.metrics import score
from deidsynth.models.tagger.token_classifier import load_tagger
from deidsynth.stages.artifacts import CORPUS, MODEL, PREDICTIONS, SCORES
from deidsynth.stages.specification import StageContext
from deidsynth.stages.work.prediction import predicted


class Evaluate:
    """``model`` and ``corpus`` in; ``scores.json`` and ``predictions.jsonl`` out."""

    def run(
        self, config: EvaluateConfig, inputs: Mapping[str, Path], output: Path, context: StageContext
    ) -> Mapping[str, Any]:
        """Predict and score."""
        gold = read_jsonl(inputs["corpus"] / CORPUS)
        tagger = load_tagger(str(inputs["model"] / MODEL))
        with context.progress.task("evaluate", len(gold), "documents") as task:
            found = predicted(tagger, gold.documents, config.annotate, context, task)
        write_jsonl(replace(gold.with_documents(found), annotation="silver"), output / PREDICTIONS)
        scores = score(gold.documents, found)
        write_json(output / SCORES, scores.to_dict())
        return {"n_documents": len(gold), "strict_f1": scores.strict.f1, "token_f1": scores.token.f1}
