"""An engine without a model, for tests and dry runs: it continues each prompt with invented words."""

from __future__ import annotations

import random
from collections.abc import Sequence

from deidsynth.sampling.engine import Request, Sample, SamplingSettings


class FakeEngine:
    """Continues a prompt with words from a list.

    Args:
        words: what to draw from.
        n_words: drawn for each document.
    """

    def __init__(self, words: Sequence[str], n_words: int = 20) -> None:
        self._words = list(words)
        self._n_words = n_words

    def sample_batch(self, requests: Sequence[Request], settings: SamplingSettings, seed: int) -> list[Sample]:
        """The documents of one batch."""
        chance = random.Random(seed)
        n_words = min(self._n_words, settings.max_length_tokens)
        samples = []
        for request in requests:
            drawn = " ".join(chance.choice(self._words) for _ in range(n_words))
            text = f"{request.prompt} {drawn}".strip()
            samples.append(
                Sample(request.index, text, request.prompt_number, len(request.prompt), len(text.split()), True, seed)
            )
        return samples
