"""A toy stage, all of it in one file: what it is, how it works, and where it stands in a run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from deidsynth.config import StageConfig
from deidsynth.corpora import read_jsonl
from deidsynth.stages.artifacts import CORPUS
from deidsynth.stages.specification import StageContext, StageSpec
from deidsynth.workflow.pipeline_plan import NodeName
from deidsynth.workflow.plan import Node, Plan


class CountWordsConfig(StageConfig):
    """Settings of the toy.

    Args:
        min_letters: shorter words do not count.
    """

    min_letters: int = 1


class CountWords:
    """A corpus in, the number of words of every document out; every count is kept as soon as it is known."""

    def run(
        self, config: CountWordsConfig, inputs: Mapping[str, Path], output: Path, context: StageContext
    ) -> Mapping[str, Any]:
        corpus = read_jsonl(inputs["texts"] / CORPUS)
        kept = context.scratch / "counts.json"
        counts: list[int] = json.loads(kept.read_text()) if kept.exists() else []
        n_kept = len(counts)
        with context.progress.task("count-words", len(corpus), "documents") as task:
            for document in list(corpus)[n_kept:]:
                counts.append(sum(len(word) >= config.min_letters for word in document.text.split()))
                kept.write_text(json.dumps(counts))
                task.advance()
        (output / "counts.json").write_text(json.dumps(counts))
        return {"n_words": sum(counts), "n_kept": n_kept}


COUNT_WORDS = StageSpec(
    name="count-words",
    version=1,
    config_type=CountWordsConfig,
    implementation="toy_stage:CountWords",
    inputs={"texts": "a corpus"},
    outputs={"counts": "counts.json"},
    title="Count the words of the notes",
    facts={"n_words": "words of two letters or more", "n_kept": "notes counted before"},
    headline=("n_words",),
    is_light=True,
)


def with_count(plan: Plan) -> Plan:
    """The plan of a run and a node that counts the words of its synthetic corpus."""
    config = CountWordsConfig(min_letters=2)
    inputs, published = {"texts": NodeName.ANNOTATE}, {"counts": "synthetic/counts.json"}
    return Plan((*plan, Node("count", COUNT_WORDS.name, config, inputs, published=published)))
