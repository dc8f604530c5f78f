"""``generate`` in segments, so that finished documents leave the batch instead of waiting for the longest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from transformers import GenerationConfig, LogitsProcessor, PreTrainedModel, RepetitionPenaltyLogitsProcessor

from deidsynth.models.language_model.packing import SpecialTokenIds
from deidsynth.sampling.engine import SamplingSettings
from deidsynth.sampling.nucleus import require_finite

STRETCH_TOKENS = 64


def continuations(
    model: PreTrainedModel,
    prompts: Sequence[Sequence[int]],
    special: SpecialTokenIds,
    settings: SamplingSettings,
    *,
    max_new_tokens: int,
    seed: int,
) -> list[list[int]]:
    """New token ids for each prompt, including EOS if it was sampled.

    After every segment, finished rows are dropped and the others continue from the cache.

    Args:
        model: in evaluation mode.
        prompts: token ids, including BOS; padded on the left.
        special: EOS and padding.
        settings: decoding parameters; ``top_k`` is always passed, because the default of ``generate`` is 50.
        max_new_tokens: maximum length of a continuation, including EOS.
        seed: of this batch.

    Raises:
        ModelNotUsableError: the logits are no numbers.
    """
    width = max(len(prompt) for prompt in prompts)
    device = model.device
    ids = torch.tensor([[special.pad] * (width - len(row)) + list(row) for row in prompts], device=device)
    mask = torch.tensor([[0] * (width - len(row)) + [1] * len(row) for row in prompts], device=device)
    rows = list(range(len(prompts)))
    result: list[list[int]] = [[] for _ in prompts]
    cache: Any = None
    done = 0
    torch.manual_seed(seed)
    while rows and done < max_new_tokens:
        stretch = min(STRETCH_TOKENS, max_new_tokens - done)
        with torch.inference_mode():
            output = model.generate(
                ids,
                attention_mask=mask,
                past_key_values=cache,
                generation_config=_generation_config(special, settings, stretch),
                logits_processor=_processors(special, settings),
            )
        fresh = output.sequences[:, ids.shape[1] :]
        done += fresh.shape[1]
        going: list[int] = []
        for place, (row, new) in enumerate(zip(rows, fresh.tolist(), strict=True)):
            ended = special.eos in new
            result[row] += new[: new.index(special.eos) + 1] if ended else new
            if not ended:
                going.append(place)
        kept = torch.tensor(going, dtype=torch.long, device=device)
        ids = output.sequences[kept]
        mask = torch.cat([mask[kept], mask.new_ones(len(going), fresh.shape[1])], dim=1)
        cache = _select(output.past_key_values, kept, everything=len(going) == len(rows))
        rows = [rows[place] for place in going]
    return result


def _generation_config(special: SpecialTokenIds, settings: SamplingSettings, max_new_tokens: int) -> GenerationConfig:
    return GenerationConfig(
        do_sample=True,
        temperature=settings.temperature,
        top_p=settings.top_p,
        top_k=settings.top_k,
        min_p=settings.min_p or None,
        max_new_tokens=max_new_tokens,
        bos_token_id=special.bos,
        eos_token_id=special.eos,
        pad_token_id=special.pad,
        suppress_tokens=[*special.suppressed] or None,
        return_dict_in_generate=True,
    )


def _processors(special: SpecialTokenIds, settings: SamplingSettings) -> list[LogitsProcessor]:
    if settings.repetition_penalty == 1.0:
        return [OnlyNumbers()]
    return [OnlyNumbers(), TextRepetitionPenalty(settings.repetition_penalty, special)]


class OnlyNumbers(LogitsProcessor):
    """Refuses logits that are no numbers, with which ``generate`` would fail in a way that depends on the device."""

    def __call__(self, input_ids: torch.LongTensor, scores: torch.FloatTensor) -> torch.FloatTensor:
        """The same logits. Shape (n_rows, vocabulary).

        Raises:
            ModelNotUsableError: they are no numbers.
        """
        require_finite(scores.logsumexp(-1))
        return scores


class TextRepetitionPenalty(LogitsProcessor):
    """transformers' repetition penalty, applied to text tokens only.

    Otherwise it would penalize inline entity tags. So it would BOS and padding before a text: one of
    them may be EOS (GPT-2), and padding would make the texts of a batch depend on each other's length.

    Args:
        penalty: above 1 discourages repetition.
        special: tokens that are not text.
    """

    def __init__(self, penalty: float, special: SpecialTokenIds) -> None:
        self._whole = RepetitionPenaltyLogitsProcessor(penalty)
        self._special = sorted({special.bos, special.eos, special.pad, *special.added})

    def __call__(self, input_ids: torch.LongTensor, scores: torch.FloatTensor) -> torch.FloatTensor:
        """Logits of the next token. Shape (n_rows, vocabulary)."""
        punished = self._whole(input_ids, scores)
        punished[:, self._special] = scores[:, self._special]
        return punished


def _select(cache: Any, rows: torch.Tensor, *, everything: bool) -> Any:
    """The cache of some rows; None if its type does not support selection, so that it is recomputed."""
    if everything or cache is None or not len(rows):
        return cache
    if not hasattr(cache, "batch_select_indices"):
        return None
    cache.batch_select_indices(rows)
    return cache
