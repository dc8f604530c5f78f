"""Synthesize: new texts sampled from the adapted language model, without those that break a rule."""

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
from deidsynth.sampling.endpoint import EndpointEngine
from deidsynth.sampling.engine import Engine, Request, Sample, SamplingSettings, sample
from deidsynth.sampling.filters import FACTS, Filters, Verdict, counts, replacements
from deidsynth.sampling.local import LocalEngine
from deidsynth.sampling.prompts import in_batches, make_prompts, make_requests, prompt_turns
from deidsynth.stages.artifacts import CORPUS, MODEL, SAMPLES, read_lines, write_lines
from deidsynth.stages.stage import StageContext


class Synthesize:
    """``model``, ``prompts`` and ``train`` in; ``corpus.jsonl`` without entities and ``samples.jsonl`` out.

    A batch is the unit that is kept when a run is killed; one that was under way is done again whole. Verdicts on
    documents are not kept: they follow from the batches.
    """

    name = "synthesize"
    version = 2
    config_type: type[StageConfig] = SynthesizeConfig

    def run(
        self, config: SynthesizeConfig, inputs: Mapping[str, Path], output: Path, context: StageContext
    ) -> Mapping[str, Any]:
        """Sample the documents; their records carry a prompt's number, never the prompt."""
        prompt_documents = read_jsonl(inputs["prompts"] / CORPUS).documents
        train = read_jsonl(inputs["train"] / CORPUS).documents
        prompts = make_prompts(config.prompts, prompt_documents, language=config.prompts.language, seed=context.seed)
        per_prompt = config.samples_per_prompt
        asked = max(1, round(config.volume * len(train))) if per_prompt is None else per_prompt * len(prompts)
        turns = prompt_turns(config.prompts, prompt_documents, seed=context.seed, n_documents=asked)
        filters = Filters(config.filters, train)
        if config.filters.mode != "off" and not filters.compares:
            context.progress.message("there is no training text to compare with: copies of it cannot be found")
        batches = _Batches(_engine(config, inputs, context), config, context)
        judged: list[tuple[Sample, Verdict]] = []
        requests = make_requests(prompts, asked, turns)
        while requests:
            sampled = batches.take(requests, "synthesize: replace" if judged else "synthesize")
            fresh = [(each, filters.judge(each.text, each.prompt_characters)) for each in sampled]
            judged += fresh
            requests = replacements(config.filters, fresh, prompts, asked=asked, sampled=len(judged))
        facts = {**_write(judged, output), "n_prompts": len(prompts), "tokens_per_second": batches.tokens_per_second}
        missing = asked - int(facts["n_documents"])
        if missing > 0 and config.filters.mode == "reject":
            context.progress.message(
                f"{missing} of {asked} texts are missing: the filters rejected {facts['n_rejected']} of "
                f"{facts['n_sampled']}; adapt for longer, raise synthesize.filters.budget, or see what was found"
            )
        return {**facts, "n_asked": asked, "n_missing": missing}


class _Batches:
    """Samples requests batch by batch and keeps every batch in the scratch folder, where it finds those of before.

    Args:
        engine: samples.
        config: how the next token is drawn, and the size of a batch.
        context: scratch folder, seed and listener.
    """

    def __init__(self, engine: Engine, config: SynthesizeConfig, context: StageContext) -> None:
        self._engine, self._config, self._context = engine, config, context
        self._batches: list[list[Request]] = []
        self._n_tokens, self._seconds = 0, 0.0

    @property
    def tokens_per_second(self) -> float | None:
        """Of what this process sampled; None where it found everything there."""
        return round(self._n_tokens / self._seconds, 1) if self._n_tokens and self._seconds else None

    def take(self, requests: Sequence[Request], task_name: str) -> list[Sample]:
        """The samples of some requests, in the order of their numbers; their batches are numbered on."""
        first = len(self._batches)
        self._batches += in_batches(requests, self._config.batch_size)
        scratch = self._context.scratch
        done = _finished_batches(scratch, self._batches, first)
        with self._context.progress.task(task_name, len(requests), "documents") as task:
            task.advance(sum(len(batch) for batch in done))
            began, before = time.monotonic(), self._seconds
            drawn = sample(
                self._engine, self._batches, _settings(self._config), self._context.seed, first=first + len(done)
            )
            for batch in drawn:
                write_lines(_batch_file(scratch, first + len(done)), [asdict(each) for each in batch])
                done.append(batch)
                self._n_tokens += sum(each.n_tokens for each in batch)
                self._seconds = before + time.monotonic() - began
                task.advance(len(batch), tokens_per_second=self.tokens_per_second or 0.0)
        return sorted((each for batch in done for each in batch), key=lambda each: each.index)


def _engine(config: SynthesizeConfig, inputs: Mapping[str, Path], context: StageContext) -> Engine:
    if config.endpoint.base_url is not None:
        return EndpointEngine(config.endpoint)
    return LocalEngine(*load_causal_lm(str(inputs["model"] / MODEL), context.device, context.precision))


def _settings(config: SynthesizeConfig) -> SamplingSettings:
    return SamplingSettings(
        temperature=config.temperature,
        top_p=config.top_p,
        top_k=config.top_k,
        min_p=config.min_p,
        repetition_penalty=config.repetition_penalty,
        stop=tuple(config.stop),
        max_length_tokens=config.max_length_tokens,
        batch_size=config.batch_size,
    )


def _write(judged: Sequence[tuple[Sample, Verdict]], output: Path) -> dict[str, Any]:
    """Write the documents that are kept, and a row without text for every one that was sampled.

    Raises:
        CorpusError: none is kept.
    """
    found = counts([each for each, _ in judged], [verdict for _, verdict in judged])
    width = len(str(len(judged)))
    documents, rows = [], []
    for each, verdict in judged:
        doc_id = f"synthetic-{each.index + 1:0{width}d}"
        if verdict.kept:
            documents.append(Document(doc_id, each.text))
        plain = {key: value for key, value in asdict(each).items() if key != "text"}
        rows.append({"doc_id": doc_id, **plain, **asdict(verdict)})
    if not documents:
        raise _nothing_is_left(found)
    write_jsonl(Corpus(tuple(documents), origin="synthetic", annotation="silver"), output / CORPUS)
    write_lines(output / SAMPLES, rows)
    return {"n_documents": len(documents), **found, "n_tokens": sum(each.n_tokens for each, _ in judged)}


def _nothing_is_left(found: Mapping[str, Any]) -> CorpusError:
    if found["n_empty"] == found["n_sampled"]:
        return CorpusError("every sampled text is empty; adapt for more epochs or lower adapt.learning_rate")
    told = ", ".join(f"{fact}: {found[fact]}" for fact in FACTS.values() if found[fact])
    return CorpusError(
        f"the filters reject every sampled text ({told}); adapt for other epochs, loosen synthesize.filters, or set "
        "synthesize.filters.mode: count to keep such texts"
    )


def _batch_file(scratch: Path, number: int) -> Path:
    return scratch / f"batch-{number:06d}.jsonl"


def _finished_batches(scratch: Path, batches: Sequence[Sequence[Request]], first: int) -> list[list[Sample]]:
    """The batches of an earlier, killed attempt from a number on, up to the first that is not there."""
    done: list[list[Sample]] = []
    for number in range(first, len(batches)):
        file = _batch_file(scratch, number)
        if not file.exists():
            break
        done.append([Sample(**row) for row in read_lines(file)])
    return done
