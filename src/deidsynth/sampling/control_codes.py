"""Which control codes each sample gets: those of the training documents, without a character of their text."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from deidsynth.documents import Document
from deidsynth.errors import ConfigError, InputError
from deidsynth.models.language_model.added_tokens import AddedTokens
from deidsynth.sampling.engine import Request
from deidsynth.sampling.prompts import label_turns


def with_control_codes(
    requests: Sequence[Request],
    added_tokens: AddedTokens,
    choice: Literal["gold", "balanced"] | None,
    documents: Sequence[Document],
    seed: int,
) -> list[Request]:
    """The requests, each with the control codes of a training document where the model knows any.

    Args:
        requests: in the order of their numbers.
        added_tokens: of the model.
        choice: ``balanced``: every label gets the same share; else the documents take turns in a shuffled order.
        documents: those that the model was adapted to; those without text have none to give.
        seed: of the orders.

    Raises:
        ConfigError: control codes are asked for, and the model knows none.
        InputError: no training document is there.
    """
    if not added_tokens.control_codes:
        if choice is not None:
            raise ConfigError(
                ["prompts.control_codes: the model knows none; leave it out, or adapt one with adapt.control_codes"]
            )
        return list(requests)
    numbers = [number for number, document in enumerate(documents) if document.text]
    if not numbers:
        raise InputError(
            "the model was adapted with control codes, which come from its training documents; give them with --train "
            "CORPUS"
        )
    if choice == "balanced":
        givers = [documents[number] for number in numbers]
        turns = [numbers[turn] for turn in label_turns(givers, seed=seed, n_turns=len(requests))]
    else:
        random.Random(seed).shuffle(numbers)
        turns = [numbers[place % len(numbers)] for place in range(len(requests))]
    return [
        replace(
            request,
            control_codes=added_tokens.control_codes_of(documents[number]),
            control_codes_document=number,
        )
        for request, number in zip(requests, turns, strict=True)
    ]
