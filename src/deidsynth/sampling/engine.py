"""The protocol of engines: prompts in, sampled texts out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Protocol, Self

from deidsynth.documents import Entity


@dataclass(frozen=True, slots=True)
class SamplingSettings:
    """Decoding parameters.

    Args:
        temperature: above 0; 1 does not change the distribution.
        top_p: probability mass of the nucleus.
        top_k: number of most likely tokens; 0: off.
        min_p: minimum probability, relative to the most likely token; 0: off.
        repetition_penalty: divides the positive logits of tokens that already occurred, multiplies negative ones;
            1: off.
        stop: stop strings; a document is cut before them.
        max_length_tokens: maximum length of a document, including the prompt, without EOS.
        batch_size: documents per batch.
    """

    temperature: float = 1.0
    top_p: float = 0.95
    top_k: int = 0
    min_p: float = 0.0
    repetition_penalty: float = 1.0
    stop: tuple[str, ...] = ()
    max_length_tokens: int = 2048
    batch_size: int = 64

    @property
    def is_plain(self) -> bool:
        """Whether only temperature, ``top_p`` and ``top_k`` are set."""
        return self.min_p == 0.0 and self.repetition_penalty == 1.0


@dataclass(frozen=True, slots=True, repr=False)
class Request:
    """One document to sample.

    Args:
        index: its number in the corpus.
        prompt: its first characters; may be empty.
        prompt_number: number of the prompt.
        entities: of the prompt, for a model with inline entity tags.
        is_open: whether the last of them continues after the prompt.
        control_codes: special tokens before the prompt.
        control_codes_document: number of the training document they come from; None without control codes.
    """

    index: int
    prompt: str
    prompt_number: int
    entities: tuple[Entity, ...] = ()
    is_open: bool = False
    control_codes: tuple[str, ...] = ()
    control_codes_document: int | None = None


@dataclass(frozen=True, slots=True, repr=False)
class Sample:
    """One sampled document.

    Args:
        index: of its request.
        text: prompt and continuation.
        prompt_number: of its request.
        prompt_characters: length of the prompt region at the start of the text.
        n_tokens: of control codes, prompt and continuation as sampled, including inline entity tags, without
            EOS.
        ended: whether it ended with EOS or a stop string; otherwise it was truncated.
        seed: of its batch.
        entities: that the model wrote; none for plain text.
        n_special_tokens: inline entity tags and control codes sampled after the prompt.
        repairs: number of repairs of each kind; None for plain text.
        control_codes_document: of its request.
    """

    index: int
    text: str
    prompt_number: int
    prompt_characters: int
    n_tokens: int
    ended: bool
    seed: int
    entities: tuple[Entity, ...] = ()
    n_special_tokens: int = 0
    repairs: Mapping[str, int] | None = None
    control_codes_document: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON, with the text; fields that do not apply to plain text are left out."""
        plain = asdict(self)
        if self.repairs is None:
            del plain["entities"], plain["n_special_tokens"], plain["repairs"]
        if self.control_codes_document is None:
            del plain["control_codes_document"]
        return plain

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Self:
        """The sample from the result of ``to_dict``."""
        return cls(**{**plain, "entities": tuple(Entity(**each) for each in plain.get("entities", ()))})


class Engine(Protocol):
    """Samples documents in batches. The same requests and seed give the same samples."""

    def sample_batch(self, requests: Sequence[Request], settings: SamplingSettings, seed: int) -> list[Sample]:
        """The documents of one batch, in order of the requests; stop strings may be ignored."""


def sample(
    engine: Engine, requests: Sequence[Request], settings: SamplingSettings, seed: int, number: int
) -> list[Sample]:
    """The samples of one batch, cut at stop strings; determined by its requests, its number and the run's seed."""
    drawn = engine.sample_batch(requests, settings, batch_seed(seed, number))
    return [stopped(each, settings.stop) for each in drawn]


def stopped(sample: Sample, stop: Sequence[str]) -> Sample:
    """The sample, cut before the first stop string after its prompt, with the entities that end before it."""
    places = [place for text in stop if (place := sample.text.find(text, sample.prompt_characters)) >= 0]
    if not places:
        return sample
    kept = tuple(entity for entity in sample.entities if entity.end <= min(places))
    return replace(sample, text=sample.text[: min(places)], entities=kept, ended=True)


def batch_seed(seed: int, number: int) -> int:
    """The seed of a batch, from the run's seed and the batch's number."""
    return (seed * 1_000_003 + number) % 2**31
