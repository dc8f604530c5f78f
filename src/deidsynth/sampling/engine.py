"""What an engine is: prompts in, a stream of texts out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Protocol, Self

from deidsynth.documents import Entity


@dataclass(frozen=True, slots=True)
class SamplingSettings:
    """How the next token is drawn.

    Args:
        temperature: above 0; 1 leaves the distribution as it is.
        top_p: nucleus: the smallest set of tokens that holds this mass.
        top_k: at most so many tokens; 0 is off.
        min_p: tokens less likely than this share of the likeliest one are out; 0 is off.
        repetition_penalty: divides the positive scores of tokens that stood before, multiplies the negative ones;
            1 is off.
        stop: texts before which a document is cut.
        max_length_tokens: longest document, prompt included, EOS not.
        batch_size: documents sampled together.
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
        """Whether temperature, ``top_p`` and ``top_k`` say all about the next token."""
        return self.min_p == 0.0 and self.repetition_penalty == 1.0


@dataclass(frozen=True, slots=True, repr=False)
class Request:
    """One document to sample.

    Args:
        index: its number in the corpus.
        prompt: its first characters; may be empty.
        prompt_number: which of the prompts that is.
        entities: of the prompt, for a model that writes entities.
        is_open: whether the last of them goes on behind the prompt.
        control_codes: special tokens before the prompt.
        control_codes_document: which of the training documents they are of; None without control codes.
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
        n_tokens: of control codes, prompt and continuation as they were drawn, inline entity tags included, EOS not
            counted.
        ended: whether the model ended it, by EOS or by a stop text; else it was cut off.
        seed: from which its batch was drawn.
        entities: that the model wrote; none where it writes plain text.
        n_special_tokens: inline entity tags and control codes, as they were drawn behind the prompt.
        repairs: how often each kind of repair of them was made; None where the model writes plain text.
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
        """Plain JSON, with the text; what plain text does not have is left out."""
        plain = asdict(self)
        if self.repairs is None:
            del plain["entities"], plain["n_special_tokens"], plain["repairs"]
        if self.control_codes_document is None:
            del plain["control_codes_document"]
        return plain

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Self:
        """What ``to_dict`` gave."""
        return cls(**{**plain, "entities": tuple(Entity(**each) for each in plain.get("entities", ()))})


class Engine(Protocol):
    """Samples documents in batches. A batch is a unit: the same requests and seed give the same samples."""

    def sample_batch(self, requests: Sequence[Request], settings: SamplingSettings, seed: int) -> list[Sample]:
        """The documents of one batch, in the order of the requests; stop texts need not be heeded."""


def sample(
    engine: Engine, requests: Sequence[Request], settings: SamplingSettings, seed: int, number: int
) -> list[Sample]:
    """The samples of one batch, cut at stop texts; they follow from its requests, its number and the run's seed."""
    drawn = engine.sample_batch(requests, settings, batch_seed(seed, number))
    return [stopped(each, settings.stop) for each in drawn]


def stopped(sample: Sample, stop: Sequence[str]) -> Sample:
    """The sample, cut before the first stop text behind its prompt, with the entities that end before it."""
    places = [place for text in stop if (place := sample.text.find(text, sample.prompt_characters)) >= 0]
    if not places:
        return sample
    kept = tuple(entity for entity in sample.entities if entity.end <= min(places))
    return replace(sample, text=sample.text[: min(places)], entities=kept, ended=True)


def batch_seed(seed: int, number: int) -> int:
    """The seed of a batch, from the run's seed and the batch's number."""
    return (seed * 1_000_003 + number) % 2**31
