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
from deidsynth.stages.artifacts import CORPUS, PREDICTIONS, SCORES
from deidsynth.stages.specification import StageContext
from deidsynth.stages.work.blocks import Blocks, n_blocks


class Evaluate:
    """``model`` and ``corpus`` in; ``scores.json`` and ``predictions.jsonl`` out."""

    def run(
        self, config: EvaluateConfig, inputs: Mapping[str, Path], output: Path, context: StageContext
    ) -> Mapping[str, Any]:
        """Predict and score."""
        gold = read_jsonl(inputs["corpus"] / CORPUS)
        blocks = Blocks(config.annotate, inputs["corpus"], inputs["model"], context.scratch, context, "evaluate")
        found = blocks.annotated(gold, range(n_blocks(gold)))
        write_jsonl(replace(gold.with_documents(found), annotation="silver"), output / PREDICTIONS)
        scores = score(gold.documents, found)
        write_json(output / SCORES, scores.to_dict())
        return {"n_documents": len(gold), "strict_f1": scores.strict.f1, "token_f1": scores.token.f1}
