"""Which header each sample gets: those of the training documents, without a character of their text."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from deidsynth.documents import Document
from deidsynth.errors import ConfigError, InputError
from deidsynth.models.language_model.markup import Markup
from deidsynth.sampling.engine import Request
from deidsynth.sampling.prompts import label_turns


def with_headers(
    requests: Sequence[Request],
    markup: Markup,
    headers: Literal["gold", "balanced"] | None,
    documents: Sequence[Document],
    seed: int,
) -> list[Request]:
    """The requests, each with the header of a training document where the model knows headers.

    Args:
        requests: in the order of their numbers.
        markup: of the model.
        headers: ``balanced``: every label gets the same share; else the documents take turns in a shuffled order.
        documents: those that the model was adapted to; those without text have no header to give.
        seed: of the orders.

    Raises:
        ConfigError: headers are asked for, and the model knows none.
        InputError: no training document is there.
    """
    if not markup.header:
        if headers is not None:
            raise ConfigError(
                ["prompts.control_codes: the model knows none; leave it out, or adapt one with adapt.control_codes"]
            )
        return list(requests)
    numbers = [number for number, document in enumerate(documents) if document.text]
    if not numbers:
        raise InputError(
            "the model was adapted with headers, which come from its training documents; give them with --train CORPUS"
        )
    if headers == "balanced":
        givers = [documents[number] for number in numbers]
        turns = [numbers[turn] for turn in label_turns(givers, seed=seed, n_turns=len(requests))]
    else:
        random.Random(seed).shuffle(numbers)
        turns = [numbers[place % len(numbers)] for place in range(len(requests))]
    return [
        replace(request, header=markup.header_of(documents[number]), header_number=number)
        for request, number in zip(requests, turns, strict=True)
    ]
