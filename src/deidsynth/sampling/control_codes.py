"""Which control codes each sample gets: those of the training documents, without a character of their text."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from deidsynth.documents import Document
from deidsynth.errors import ConfigError, InputError
from deidsynth.models.language_model.added_tokens import AddedTokens
from deidsynth.models.settings_file import ModelSettings
from deidsynth.sampling.engine import Request
from deidsynth.sampling.prompts import label_turns


@dataclass(frozen=True, slots=True)
class CodeGiver:
    """A training document as far as control codes go.

    Args:
        codes: its control codes.
        labels: of its entities.
        number: of the document; None where only counts of control codes are known.
    """

    codes: tuple[str, ...]
    labels: frozenset[str]
    number: int | None = None


def givers_of(settings: ModelSettings, documents: Sequence[Document]) -> list[CodeGiver]:
    """The training documents of a model, or, where they are not given, what the model keeps of them: counts.

    Args:
        settings: of the model.
        documents: those that the model was adapted to; those without text have none to give.
    """
    added = settings.added_tokens or AddedTokens()
    given = [
        CodeGiver(added.control_codes_of(document), frozenset(entity.label for entity in document.entities), number)
        for number, document in enumerate(documents)
        if document.text
    ]
    return given or list(_counted(settings, added))


def _counted(settings: ModelSettings, added: AddedTokens) -> Iterable[CodeGiver]:
    for codes, count in settings.control_codes:
        for _ in range(count):
            yield CodeGiver(codes, added.labels_named_in(codes))


def with_control_codes(
    requests: Sequence[Request],
    knows_control_codes: bool,
    choice: Literal["gold", "balanced"] | None,
    givers: Sequence[CodeGiver],
    seed: int,
) -> list[Request]:
    """The requests, each with the control codes of a training document where the model knows any.

    Args:
        requests: in the order of their numbers.
        knows_control_codes: whether the model was adapted with some.
        choice: ``balanced``: every label gets the same share; else the documents take turns in a shuffled order.
        givers: the documents.
        seed: of the orders.

    Raises:
        ConfigError: control codes are asked for, and the model knows none.
        InputError: there are no documents.
    """
    if not knows_control_codes:
        if choice is not None:
            raise ConfigError(
                ["prompts.control_codes: the model knows none; leave it out, or adapt one with adapt.control_codes"]
            )
        return list(requests)
    if not givers:
        raise InputError(
            "the model was adapted with control codes, which come from its training documents, and does not hold their "
            "counts; give the documents with --train CORPUS, or adapt the model again"
        )
    if choice == "balanced":
        turns = label_turns([each.labels for each in givers], seed=seed, n_turns=len(requests))
    else:
        order = list(range(len(givers)))
        random.Random(seed).shuffle(order)
        turns = [order[place % len(order)] for place in range(len(requests))]
    return [
        replace(request, control_codes=givers[turn].codes, control_codes_document=givers[turn].number)
        for request, turn in zip(requests, turns, strict=True)
    ]
