"""Studies with stages that only shift entities, so that no test needs a model."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from deidsynth.config import (
    AdaptConfig,
    AnnotateConfig,
    AnnotateInlineConfig,
    EvaluateConfig,
    MemorizationConfig,
    SelectConfig,
    SynthesizeConfig,
    TrainConfig,
)
from deidsynth.corpora import read_jsonl, write_jsonl
from deidsynth.documents import Corpus, Document, Entity
from deidsynth.errors import CorpusError
from deidsynth.stages.specification import StageContext

NAMES = ("Alva", "Bo", "Cia", "Dag")
STAGES = (
    "select", "pseudonymize", "base", "adapt", "synthesize", "train", "annotate", "annotate-inline", "evaluate",
    "memorization",
)  # fmt: skip


def notes(prefix: str, n_documents: int) -> list[Document]:
    """Notes with one name each, two of them in a group."""
    found = []
    for number in range(n_documents):
        text = f"Note {number} of {NAMES[number % 4]} today"
        entity = Entity(text.index("of") + 3, text.index(" today"), "NAME")
        found.append(Document(f"{prefix}{number}", text, (entity,), group=f"{prefix}g{number // 2}"))
    return found


@dataclass
class Fake:
    """Stands in for a stage; a tagger knows as much as its training documents are many."""

    name: str
    runs: list[Any] = field(default_factory=list)
    failures: dict[str, int] = field(default_factory=dict)

    def run(self, config: Any, inputs: Mapping[str, Path], output: Path, context: StageContext) -> Mapping[str, Any]:
        self.runs.append(config)
        run = getattr(self, "_" + self.name.replace("-", "_"))
        facts: Mapping[str, Any] = run(config, inputs, output, context) or {}
        return facts

    def _select(self, config: SelectConfig, inputs: Mapping[str, Path], output: Path, context: Any) -> Any:
        from deidsynth.stages.work.select import Select

        return Select().run(config, inputs, output, context)

    def _pseudonymize(self, config: Any, inputs: Mapping[str, Path], output: Path, context: Any) -> Any:
        from deidsynth.stages.work.pseudonymize import Pseudonymize

        return Pseudonymize().run(config, inputs, output, context)

    def _model(self, output: Path, content: object) -> None:
        (output / "model").mkdir(exist_ok=True)
        (output / "model" / "config.json").write_text(json.dumps(content))
        (output / "curve.jsonl").write_text("")

    def _base(self, config: AdaptConfig, inputs: Mapping[str, Path], output: Path, context: Any) -> None:
        assert not inputs
        self._model(output, {"n": 0})

    def _adapt(self, config: AdaptConfig, inputs: Mapping[str, Path], output: Path, context: Any) -> None:
        self._model(output, {"n": len(read_jsonl(inputs["train"] / "corpus.jsonl"))})

    def _synthesize(self, config: SynthesizeConfig, inputs: Mapping[str, Path], output: Path, context: Any) -> Any:
        if self.failures.get("left", 0) > 0:
            self.failures["left"] -= 1
            raise CorpusError("every sampled text is empty")
        count = round(config.volume_ratio * len(read_jsonl(inputs["train"] / "corpus.jsonl")))
        documents = tuple(Document(note.doc_id, note.text) for note in notes("synthetic-", count))
        write_jsonl(Corpus(documents, origin="synthetic", annotation="silver"), _fresh(output / "corpus.jsonl"))
        return {"n_documents": count}

    def _train(self, config: TrainConfig, inputs: Mapping[str, Path], output: Path, context: StageContext) -> None:
        corpus = read_jsonl(inputs["corpus"] / "corpus.jsonl")
        known = len(corpus) - (2 if corpus.annotation == "silver" else 0) + context.seed
        self._model(output, {"known": known})

    def _annotate(self, config: AnnotateConfig, inputs: Mapping[str, Path], output: Path, context: Any) -> Any:
        texts = read_jsonl(inputs["texts"] / "corpus.jsonl")
        known = json.loads((inputs["model"] / "model" / "config.json").read_text())["known"]
        write_jsonl(texts.with_documents(notes("synthetic-", known)), _fresh(output / "corpus.jsonl"))
        return {"n_documents": len(texts)}

    def _annotate_inline(
        self, config: AnnotateInlineConfig, inputs: Mapping[str, Path], output: Path, context: Any
    ) -> Any:
        texts = read_jsonl(inputs["texts"] / "corpus.jsonl")
        assert ("machine" in inputs) == (config.agreement is not None)
        kept = notes("synthetic-", len(texts) if config.agreement is None else len(texts) // 2)
        write_jsonl(texts.with_documents(kept), _fresh(output / "corpus.jsonl"))
        return {"n_documents": len(kept)}

    def _evaluate(self, config: EvaluateConfig, inputs: Mapping[str, Path], output: Path, context: Any) -> None:
        known = json.loads((inputs["model"] / "model" / "config.json").read_text())["known"]
        gold = read_jsonl(inputs["corpus"] / "corpus.jsonl")
        found = [
            document if number % 20 < known else Document(document.doc_id, document.text, (), document.group)
            for number, document in enumerate(gold)
        ]
        write_jsonl(gold.with_documents(found), _fresh(output / "predictions.jsonl"))
        (output / "scores.json").write_text("{}")

    def _memorization(self, config: MemorizationConfig, inputs: Mapping[str, Path], output: Path, context: Any) -> None:
        found = {"n": 5, "train": {"recall": 0.25}, "held_out": {"recall": 0.125}, "shown": [1]}
        (output / "memorization.json").write_text(json.dumps(found))


def _fresh(path: Path) -> Path:
    path.unlink(missing_ok=True)
    return path


@pytest.fixture
def fakes() -> dict[str, Fake]:
    """A fake for every stage, by name."""
    return {name: Fake(name) for name in STAGES}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder with a corpus of 40 training and 20 test notes in ``notes``."""
    (tmp_path / "notes").mkdir()
    write_jsonl(Corpus(tuple(notes("train-", 40)), origin="invented"), tmp_path / "notes" / "train.jsonl")
    write_jsonl(Corpus(tuple(notes("test-", 20)), origin="invented"), tmp_path / "notes" / "test.jsonl")
    return tmp_path


@pytest.fixture
def write_study(home: Path) -> Any:
    """A writer of study files on that corpus, its models from scratch."""

    def write(**data: Any) -> Path:
        base = {
            "corpus": {"path": str(home / "notes"), "language": "sv", "origin": "invented"},
            "adapt": {"base": "scratch"},
            "synthesize": {"volume_ratio": 1},
            "train": {"encoder": "scratch"},
            "precision": "fp32",
            "output": str(home / "runs" / "study"),
        }
        path = home / "study.yaml"
        path.write_text(yaml.safe_dump({"base": base, **data}), encoding="utf-8")
        return path

    return write
