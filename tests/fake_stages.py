"""Stages that count documents instead of computing, for the command line from corpus to report."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from deidsynth.config import StageConfig
from deidsynth.corpora import make_splits, read_jsonl, write_jsonl
from deidsynth.documents import Corpus, Document, Entity
from deidsynth.metrics import Counts
from deidsynth.stages.specification import StageContext
from made_audits import MadeAudit
from run_reports import memorization, recall, scores

NAMES = ("select", "pseudonymize", "adapt", "synthesize", "train", "annotate", "evaluate", "memorization", "audit")


class FakeStage:
    """A stage that counts documents instead of computing, and remembers what it was given."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.seen: list[dict[str, Any]] = []
        self.error: BaseException | None = None

    def run(
        self, config: StageConfig, inputs: Mapping[str, Path], output: Path, context: StageContext
    ) -> Mapping[str, Any]:
        found = {role: sorted(path.name for path in folder.iterdir()) for role, folder in inputs.items()}
        corpora = {role: read_jsonl(folder / "corpus.jsonl") for role, folder in inputs.items() if self._holds(folder)}
        self.seen.append({"config": config, "files": found, "corpora": corpora, "context": context})
        if self.error is not None:
            raise self.error
        facts: dict[str, Any] = {"n_documents": 0}
        if self.name in {"adapt", "train"}:
            (output / "model").mkdir(exist_ok=True)
            silver = self.name == "train" and corpora["corpus"].annotation == "silver"
            (output / "model" / "config.json").write_text(json.dumps({"silver": silver}), encoding="utf-8")
            (output / "curve.jsonl").write_text("", encoding="utf-8")
        elif self.name == "evaluate":
            silver = json.loads((inputs["model"] / "model" / "config.json").read_text(encoding="utf-8"))["silver"]
            (output / "scores.json").write_text(
                json.dumps(scores(Counts(1, 1, 1) if silver else Counts(3, 1, 1))), encoding="utf-8"
            )
            gold = corpora["corpus"]
            found = [gold[0].with_entities(()), *gold[1:]] if silver else gold
            write_target(gold.with_documents(found), output / "predictions.jsonl")
        elif self.name == "memorization":
            found = memorization(recall(0.25), recall(0.125), [])
            (output / "memorization.json").write_text(json.dumps(found), encoding="utf-8")
        elif self.name == "audit":
            MadeAudit().run(config, inputs, output, context)
        else:
            corpus = self._corpus(config, inputs, corpora)
            write_target(corpus, output / "corpus.jsonl")
            facts = {"n_documents": len(corpus)}
        return facts

    def _holds(self, folder: Path) -> bool:
        return (folder / "corpus.jsonl").is_file()

    def _corpus(self, config: Any, inputs: Mapping[str, Path], corpora: Mapping[str, Corpus]) -> Corpus:
        if self.name == "select":
            parts = json.loads((inputs["corpus"] / "parts.json").read_text(encoding="utf-8"))
            return make_splits(read_jsonl(inputs["corpus"] / "documents.jsonl"), parts, config.split)[config.part]
        if self.name == "pseudonymize":
            return corpora["corpus"]
        source = corpora["train"] if self.name == "synthesize" else corpora["texts"]
        made = [Document(f"s{number}", "Hej Bo", (Entity(4, 6, "NAME"),)) for number in range(len(source))]
        return Corpus(tuple(made), origin="synthetic", annotation="silver")


def write_target(corpus: Corpus, path: Path) -> None:
    """Write a file that an earlier attempt may have left."""
    path.unlink(missing_ok=True)
    write_jsonl(corpus, path)
