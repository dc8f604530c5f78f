"""Select: one split of the imported corpus, or a nested share of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from deidsynth.config import SelectConfig
from deidsynth.corpora import make_fold, make_splits, read_jsonl, take_fraction, write_jsonl
from deidsynth.stages.artifacts import CORPUS, DOCUMENTS, PARTS
from deidsynth.stages.specification import StageContext


class Select:
    """``corpus`` in; the requested split out."""

    def run(
        self, config: SelectConfig, inputs: Mapping[str, Path], output: Path, context: StageContext
    ) -> Mapping[str, Any]:
        """Write ``corpus.jsonl``."""
        folder = inputs["corpus"]
        corpus = read_jsonl(folder / DOCUMENTS)
        parts = json.loads((folder / PARTS).read_text(encoding="utf-8"))
        if config.fold is None:
            part = make_splits(corpus, parts, config.split)[config.part]
        else:
            part = make_fold(corpus, parts, config.split, config.fold)[config.part]
        if config.fraction < 1.0:
            part = take_fraction(part, config.fraction, config.split.seed)
        write_jsonl(part, output / CORPUS)
        return {"n_documents": len(part), "n_entities": part.n_entities}
