"""Synthesize: new texts sampled from the adapted language model, without those that break a rule."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from deidsynth.config import StageConfig, SynthesizeConfig
from deidsynth.corpora import read_jsonl
from deidsynth.errors import ConfigError
from deidsynth.models.causal_lm import load_causal_lm
from deidsynth.models.codec import Codec
from deidsynth.models.markup import Markup, malformed_share
from deidsynth.sampling.endpoint import EndpointEngine
from deidsynth.sampling.engine import Engine, Request, Sample, SamplingSettings, sample
from deidsynth.sampling.filters import Filters, Verdict, replacements
from deidsynth.sampling.headers import with_headers
from deidsynth.sampling.local import LocalEngine
from deidsynth.sampling.prompts import in_batches, make_prompts, make_requests, prompt_turns
from deidsynth.stages.artifacts import CORPUS, MODEL, read_lines, write_lines
from deidsynth.stages.sampled import write_sampled
from deidsynth.stages.stage import StageContext


class Synthesize:
    """``model``, ``prompts`` and ``train`` in; ``corpus.jsonl`` and ``samples.jsonl`` out.

    The corpus has entities where the model writes them (``annotations: inline`` or ``agreement``), else none.

    A batch is the unit that is kept when a run is killed; one that was under way is done again whole. Verdicts on
    documents are not kept: they follow from the batches.
    """

    name = "synthesize"
    version = 2
    config_type: type[StageConfig] = SynthesizeConfig

    def run(
        self, config: SynthesizeConfig, inputs: Mapping[str, Path], output: Path, context: StageContext
    ) -> Mapping[str, Any]:
        """Sample the documents; their records carry the numbers of prompt and header, never the prompt.

        Raises:
            ConfigError: the model does not write the entities or know the headers that are asked for.
        """
        markup = _markup(config, inputs)
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
        requests = with_headers(requests, markup, config.prompts.headers, train, context.seed)
        while requests:
            sampled = batches.take(requests, "synthesize: replace" if judged else "synthesize")
            fresh = [(each, _judge(filters, each)) for each in sampled]
            judged += fresh
            said = [(request, verdict) for request, (_, verdict) in zip(requests, fresh, strict=True)]
            requests = replacements(config.filters, said, asked=asked, sampled=len(judged))
        written = write_sampled(judged, output, with_entities=config.annotations != "machine")
        facts = {**written, "n_prompts": len(prompts), "tokens_per_second": batches.tokens_per_second}
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
                write_lines(_batch_file(scratch, first + len(done)), [each.to_dict() for each in batch])
                done.append(batch)
                self._n_tokens += sum(each.n_tokens for each in batch)
                self._seconds = before + time.monotonic() - began
                task.advance(len(batch), tokens_per_second=self.tokens_per_second or 0.0)
        return sorted((each for batch in done for each in batch), key=lambda each: each.index)


def _markup(config: SynthesizeConfig, inputs: Mapping[str, Path]) -> Markup:
    markup = Markup() if config.endpoint.base_url is not None else Markup.load(inputs["model"] / MODEL)
    if config.annotations != "machine" and not markup.inline:
        raise ConfigError(
            [
                f"annotations: {config.annotations}: the model writes no entities; adapt one with "
                "adapt.annotations: inline"
            ]
        )
    return markup


def _judge(filters: Filters, sample: Sample) -> Verdict:
    return filters.judge(sample.text, sample.prompt_characters, malformed_share(sample.n_marks, sample.repairs or {}))


def _engine(config: SynthesizeConfig, inputs: Mapping[str, Path], context: StageContext) -> Engine:
    if config.endpoint.base_url is not None:
        return EndpointEngine(config.endpoint)
    model, tokenizer = load_causal_lm(str(inputs["model"] / MODEL), context.device, context.precision)
    return LocalEngine(model, tokenizer, Codec(tokenizer, _markup(config, inputs)))


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


def _batch_file(scratch: Path, number: int) -> Path:
    return scratch / f"batch-{number:06d}.jsonl"


def _finished_batches(scratch: Path, batches: Sequence[Sequence[Request]], first: int) -> list[list[Sample]]:
    """The batches of an earlier, killed attempt from a number on, up to the first that is not there."""
    done: list[list[Sample]] = []
    for number in range(first, len(batches)):
        file = _batch_file(scratch, number)
        if not file.exists():
            break
        done.append([Sample.from_dict(row) for row in read_lines(file)])
    return done
