"""Synthesize: new texts sampled from the adapted language model."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from deidsynth.config import StageConfig, SynthesizeConfig
from deidsynth.corpora import read_jsonl, write_jsonl
from deidsynth.documents import Corpus, Document
from deidsynth.errors import CorpusError
from deidsynth.models.causal_lm import load_causal_lm
from deidsynth.sampling.engine import Request, Sample, SamplingSettings, sample
from deidsynth.sampling.local import LocalEngine
from deidsynth.sampling.prompts import in_batches, make_prompts, make_requests
from deidsynth.stages.artifacts import CORPUS, MODEL, SAMPLES, read_lines, write_lines
from deidsynth.stages.stage import StageContext


class Synthesize:
    """``model``, ``prompts`` and ``train`` in; ``corpus.jsonl`` without entities and ``samples.jsonl`` out.

    A batch is the unit that is kept when a run is killed; one that was under way is done again whole.
    """

    name = "synthesize"
    version = 1
    config_type: type[StageConfig] = SynthesizeConfig

    def run(
        self, config: SynthesizeConfig, inputs: Mapping[str, Path], output: Path, context: StageContext
    ) -> Mapping[str, Any]:
        """Sample the documents; their records carry a prompt's number, never the prompt."""
        began = time.monotonic()
        prompt_corpus = read_jsonl(inputs["prompts"] / CORPUS)
        n_train = len(read_jsonl(inputs["train"] / CORPUS))
        prompts = make_prompts(
            config.prompts, prompt_corpus.documents, language=config.prompts.language, seed=context.seed
        )
        per_prompt = config.samples_per_prompt
        n_documents = max(1, round(config.volume * n_train)) if per_prompt is None else per_prompt * len(prompts)
        batches = in_batches(make_requests(prompts, n_documents), config.batch_size)
        done = _finished_batches(context.scratch, batches)
        model, tokenizer = load_causal_lm(str(inputs["model"] / MODEL), context.device, context.precision)
        settings = SamplingSettings(
            temperature=config.temperature,
            top_p=config.top_p,
            top_k=config.top_k,
            max_length_tokens=config.max_length_tokens,
            batch_size=config.batch_size,
        )
        n_new_tokens = 0
        with context.progress.task("synthesize", n_documents, "documents") as task:
            task.advance(sum(len(batch) for batch in done))
            for batch in sample(LocalEngine(model, tokenizer), batches, settings, context.seed, first=len(done)):
                write_lines(_batch_file(context.scratch, len(done)), [asdict(each) for each in batch])
                done.append(batch)
                n_new_tokens += sum(each.n_tokens for each in batch)
                task.advance(len(batch), tokens_per_second=n_new_tokens / (time.monotonic() - began))
        samples = sorted((each for batch in done for each in batch), key=lambda each: each.index)
        return self._write(samples, output, n_prompts=len(prompts), duration_seconds=time.monotonic() - began)

    def _write(
        self, samples: Sequence[Sample], output: Path, *, n_prompts: int, duration_seconds: float
    ) -> Mapping[str, Any]:
        kept = [each for each in samples if each.text.strip()]
        if not kept:
            raise CorpusError("every sampled text is empty; adapt for more epochs or lower adapt.learning_rate")
        width = len(str(len(samples)))
        documents = [Document(f"synthetic-{each.index + 1:0{width}d}", each.text) for each in kept]
        write_jsonl(Corpus(tuple(documents), origin="synthetic", annotation="silver"), output / CORPUS)
        rows = [{key: value for key, value in asdict(each).items() if key != "text"} for each in kept]
        named = [{"doc_id": document.doc_id, **row} for document, row in zip(documents, rows, strict=True)]
        write_lines(output / SAMPLES, named)
        n_tokens = sum(each.n_tokens for each in samples)
        return {
            "n_documents": len(kept),
            "n_empty": len(samples) - len(kept),
            "n_prompts": n_prompts,
            "n_tokens": n_tokens,
            "n_without_eos": sum(not each.ended for each in samples),
            "tokens_per_second": round(n_tokens / duration_seconds, 1),
        }


def _batch_file(scratch: Path, number: int) -> Path:
    return scratch / f"batch-{number:06d}.jsonl"


def _finished_batches(scratch: Path, batches: Sequence[Sequence[Request]]) -> list[list[Sample]]:
    """The batches of an earlier, killed attempt, from the first on without a gap."""
    done: list[list[Sample]] = []
    for number in range(len(batches)):
        file = _batch_file(scratch, number)
        if not file.exists():
            break
        done.append([Sample(**row) for row in read_lines(file)])
    return done
