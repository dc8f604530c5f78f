"""Synthesize: sample new texts from the adapted language model and filter them."""

from __future__ import annotations

import functools
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from deidsynth.config import SynthesizeConfig
from deidsynth.corpora import read_jsonl
from deidsynth.documents import Document
from deidsynth.errors import ConfigError
from deidsynth.files import read_lines, write_lines
from deidsynth.models.language_model.added_tokens import AddedTokens, malformed_share
from deidsynth.models.language_model.causal_lm import load_causal_lm
from deidsynth.models.language_model.codec import Codec
from deidsynth.models.loading import load_any_tokenizer
from deidsynth.models.settings_file import ModelSettings
from deidsynth.progress import Progress, SilentProgress
from deidsynth.sampling import continuous
from deidsynth.sampling.control_codes import givers_of, with_control_codes
from deidsynth.sampling.endpoint import EndpointEngine
from deidsynth.sampling.engine import Engine, Request, Sample, SamplingSettings, sample
from deidsynth.sampling.filters import Filters, Verdict, replacements
from deidsynth.sampling.local import LocalEngine
from deidsynth.sampling.prompts import in_batches, make_prompts, make_requests
from deidsynth.sampling.sent_prompts import TokenIdPrompts
from deidsynth.sampling.token_prompts import TokenPrompts
from deidsynth.sampling.vllm import VllmEngine
from deidsynth.stages.artifacts import CORPUS, MODEL
from deidsynth.stages.specification import StageContext
from deidsynth.stages.work.parts import pieces_of
from deidsynth.stages.work.reading import read_copies, read_normalized
from deidsynth.stages.work.sampled import write_sampled
from deidsynth.stages.work.small_models import is_small, one_thread, spread

NumberedBatch = tuple[int, Sequence[Request]]
"""A batch with its number, which decides its seed."""


class Synthesize:
    """``model``, ``prompts`` and ``train`` in; ``corpus.jsonl`` and ``samples.jsonl`` out.

    The corpus has entities if the model writes inline entity tags (``annotations: inline`` or ``agreement``).

    Finished batches survive a killed run; an unfinished batch is sampled again. Batches are independent of each
    other: a small model samples them in several processes, and those requested first can be divided into parts. The
    replacements of rejected documents depend on all earlier verdicts. Verdicts are not stored, because they follow
    from the batches.
    """

    def run(
        self, config: SynthesizeConfig, inputs: Mapping[str, Path], output: Path, context: StageContext
    ) -> Mapping[str, Any]:
        """Sample the documents; their records hold the numbers of prompt and control codes, never the prompt.

        Raises:
            ConfigError: the model lacks the inline entity tags or control codes that the configuration needs.
        """
        train = read_normalized(inputs["train"] / CORPUS).documents
        requests, n_prompts = _first_requests(config, inputs, train, context.seed)
        asked = len(requests)
        copies = [document for copy in read_copies(inputs["train"]) for document in copy]
        filters = Filters(config.filters, [*train, *copies])
        if config.filters.mode != "off" and not filters.compares:
            context.progress.message(
                "there is no training text to compare with, so copied text cannot be detected: give the "
                "training corpus (--train, or train= in Python)"
            )
        batches = _Batches(config, inputs, context, context.scratch)
        judged: list[tuple[Sample, Verdict]] = []
        while requests:
            sampled = batches.take(requests, "synthesize: replace" if judged else "synthesize")
            fresh = [(each, _judge(filters, each)) for each in sampled]
            judged += fresh
            said = [(request, verdict) for request, (_, verdict) in zip(requests, fresh, strict=True)]
            requests = replacements(config.filters, said, asked=asked, sampled=len(judged))
        with_entities = config.annotations != "machine"
        written = write_sampled(judged, output, with_entities=with_entities, language=_language(config, inputs))
        facts = {**written, "n_prompts": n_prompts, "tokens_per_second": batches.tokens_per_second}
        missing = asked - int(facts["n_documents"])
        if missing > 0 and config.filters.mode == "reject":
            context.progress.message(
                f"{missing} of {asked} texts are missing because the filters rejected {facts['n_rejected']} of "
                f"{facts['n_sampled']}; adapt longer, or raise synthesize.filters.max_sampled_ratio"
            )
        return {**facts, "n_asked": asked, "n_missing": missing}

    def run_part(
        self,
        config: SynthesizeConfig,
        inputs: Mapping[str, Path],
        output: Path,
        context: StageContext,
        part: int,
        n_parts: int,
    ) -> Mapping[str, Any]:
        """Sample consecutive batches of those requested first; ``run`` then finds them.

        A server is left to ``run``: it does its own batching and would get the requests of all parts at once.

        Args:
            config: as for ``run``.
            inputs: as for ``run``.
            output: gets a file for each batch.
            context: as for ``run``.
            part: zero-based.
            n_parts: number of parts; the number of batches differs by at most one.
        """
        if config.endpoint.base_url is not None:
            return {"n_sampled": 0}
        train = read_normalized(inputs["train"] / CORPUS).documents
        requests, _ = _first_requests(config, inputs, train, context.seed)
        batches = _Batches(config, inputs, context, output)
        sampled = batches.take(requests, "synthesize", (part, n_parts))
        return {"n_sampled": len(sampled), "tokens_per_second": batches.tokens_per_second}


def _language(config: SynthesizeConfig, inputs: Mapping[str, Path]) -> str | None:
    """The language of prompts and texts: as configured, else that of the corpora, else that of the model."""
    corpora = (read_jsonl(inputs[role] / CORPUS) for role in ("prompts", "train"))
    known = config.prompts.language or next((each.language for each in corpora if each.language is not None), None)
    return known or _settings_of_model(config, inputs).language


def _first_requests(
    config: SynthesizeConfig, inputs: Mapping[str, Path], train: Sequence[Document], seed: int
) -> tuple[list[Request], int]:
    """The initial requests, before any rejection, in order of their numbers, and the number of prompts."""
    settings = _settings_of_model(config, inputs)
    prompt_documents = read_normalized(inputs["prompts"] / CORPUS).documents
    prompts = make_prompts(config.prompts, prompt_documents, language=_language(config, inputs), seed=seed)
    per_prompt = config.samples_per_prompt
    asked = max(1, round(config.volume_ratio * len(train))) if per_prompt is None else per_prompt * len(prompts)
    requests = make_requests(prompts, asked)
    knows = bool(settings.added_tokens and settings.added_tokens.control_codes)
    givers = givers_of(settings, train) if knows else []
    return with_control_codes(requests, knows, config.prompts.control_codes, givers, seed), len(prompts)


class _Batches:
    """Samples requests in batches, and keeps each batch in a folder for reuse.

    Args:
        config: decoding parameters and batch size.
        inputs: folder of each input artifact; the model is loaded for the first missing batch.
        context: seed and progress.
        kept: folder of the batches.
    """

    def __init__(self, config: SynthesizeConfig, inputs: Mapping[str, Path], context: StageContext, kept: Path) -> None:
        self._config, self._inputs, self._context, self._kept = config, inputs, context, kept
        self._load = functools.cache(functools.partial(_engine, config, inputs, context))
        self._n_batches, self._n_tokens, self._seconds = 0, 0, 0.0
        is_shared = config.endpoint.base_url is None and config.engine != "vllm"
        self._is_small = is_shared and is_small(inputs["model"] / MODEL, context.device)

    @property
    def tokens_per_second(self) -> float | None:
        """Sampling speed of this process; None if all batches were already there."""
        return round(self._n_tokens / self._seconds, 1) if self._n_tokens and self._seconds else None

    def take(self, requests: Sequence[Request], task_name: str, part: tuple[int, int] = (0, 1)) -> list[Sample]:
        """The samples of some requests, in order of their numbers; batch numbers continue.

        Args:
            requests: in order of their numbers.
            task_name: for progress.
            part: zero-based number of the part whose batches are sampled, and the number of parts.
        """
        batches = in_batches(requests, self._config.batch_size)
        first, self._n_batches = self._n_batches, self._n_batches + len(batches)
        wanted = [(first + number, batches[number]) for number in pieces_of(*part, len(batches))]
        if self._is_small:
            self._spread(wanted, task_name)
        with one_thread(wanted=self._is_small):
            taken = self.sampled(wanted, task_name)
        return sorted(taken, key=lambda each: each.index)

    def _spread(self, batches: Sequence[NumberedBatch], task_name: str) -> None:
        """Sample those of some batches that are missing in several processes."""
        missing = [(number, batch) for number, batch in batches if not self._file(number).exists()]
        bare = replace(self._context, progress=SilentProgress())
        work = functools.partial(_sample, self._config, self._inputs, bare, self._kept)
        began = time.monotonic()
        spread(missing, work, self._context.progress, task_name, sum(len(batch) for _, batch in missing))
        made = [each for number, _ in missing if self._file(number).exists() for each in self._read(number)]
        if made:
            self._n_tokens += sum(each.n_tokens for each in made)
            self._seconds += time.monotonic() - began

    def sampled(self, batches: Sequence[NumberedBatch], task_name: str) -> list[Sample]:
        """The samples of some batches, of which those that are missing are sampled here, one after another."""
        taken: list[Sample] = []
        with self._context.progress.task(task_name, sum(len(batch) for _, batch in batches), "documents") as task:
            for number, batch in batches:
                taken += self._batch(number, batch)
                task.advance(len(batch), tokens_per_second=self.tokens_per_second or 0.0)
        return taken

    def _batch(self, number: int, requests: Sequence[Request]) -> list[Sample]:
        """The samples of one batch, from the folder or sampled now."""
        if self._file(number).exists():
            return self._read(number)
        engine = self._load()
        began = time.monotonic()
        samples = sample(engine, requests, _settings(self._config), self._context.seed, number)
        write_lines(self._file(number), [each.to_dict() for each in samples])
        self._n_tokens += sum(each.n_tokens for each in samples)
        self._seconds += time.monotonic() - began
        return samples

    def _file(self, number: int) -> Path:
        return self._kept / f"batch-{number:06d}.jsonl"

    def _read(self, number: int) -> list[Sample]:
        return [Sample.from_dict(row) for row in read_lines(self._file(number))]


def _sample(
    config: SynthesizeConfig,
    inputs: Mapping[str, Path],
    context: StageContext,
    kept: Path,
    batches: Sequence[NumberedBatch],
    listener: Progress,
) -> None:
    """Sample batches into a folder, in a process of its own."""
    _Batches(config, inputs, replace(context, progress=listener), kept).sampled(batches, "synthesize")


def _settings_of_model(config: SynthesizeConfig, inputs: Mapping[str, Path]) -> ModelSettings:
    only_text = config.endpoint.takes_only_text
    settings = ModelSettings() if only_text else ModelSettings.load(inputs["model"] / MODEL)
    writes_entities = settings.added_tokens is not None and settings.added_tokens.inline
    if config.annotations != "machine" and not writes_entities:
        raise ConfigError(
            [
                f"annotations: {config.annotations}: the model writes no inline entity tags; adapt one with "
                "adapt.annotations: inline"
            ]
        )
    return settings


def _judge(filters: Filters, sample: Sample) -> Verdict:
    malformed = malformed_share(sample.n_special_tokens, sample.repairs or {})
    return filters.judge(sample.text, sample.prompt_characters, malformed, ended=sample.ended)


def _engine(config: SynthesizeConfig, inputs: Mapping[str, Path], context: StageContext) -> Engine:
    if config.endpoint.takes_only_text:
        return EndpointEngine(config.endpoint)
    folder, added = str(inputs["model"] / MODEL), _settings_of_model(config, inputs).added_tokens or AddedTokens()
    if config.endpoint.base_url is not None or config.engine == "vllm":
        known = load_any_tokenizer(folder)
        codec = Codec(known, added)
        if config.engine == "vllm":
            longest = config.max_length_tokens
            return VllmEngine(Path(folder), known, codec, longest, context.precision, context.scratch)
        return EndpointEngine(config.endpoint, TokenIdPrompts(TokenPrompts(known, codec)))
    model, tokenizer = load_causal_lm(folder, context.device, context.precision)
    codec, can_page = Codec(tokenizer, added), continuous.supports(model)
    if config.engine == "continuous" and not can_page:
        raise ConfigError(["engine: continuous: the model's attention cannot be exchanged; use engine: generate"])
    if config.engine == "continuous" or (config.engine == "auto" and can_page and continuous.is_fast(context.device)):
        return continuous.ContinuousEngine(model, tokenizer, codec)
    return LocalEngine(model, tokenizer, codec)


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
