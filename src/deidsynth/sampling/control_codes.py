"""Control codes for samples: those of the training documents, without any of their text."""

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
    """The control codes of a training document.

    Args:
        codes: its control codes.
        labels: of its entities.
        number: of the document; None if only counts of control codes are known.
    """

    codes: tuple[str, ...]
    labels: frozenset[str]
    number: int | None = None


def givers_of(settings: ModelSettings, documents: Sequence[Document]) -> list[CodeGiver]:
    """The sources of control codes: the training documents of a model, else the counts saved with the model.

    Args:
        settings: of the model.
        documents: that the model was adapted to; those without text are skipped.
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
    """The requests, each with the control codes of a training document if the model has control codes.

    Args:
        requests: in order of their numbers.
        knows_control_codes: whether the model was adapted with control codes.
        choice: ``balanced``: the same share for every label; otherwise the documents in turn, in shuffled order.
        givers: the documents.
        seed: of the shuffling.

    Raises:
        ConfigError: control codes are configured, but the model has none.
        InputError: there are no documents.
    """
    if not knows_control_codes:
        if choice is not None:
            raise ConfigError(
                [
                    "prompts.control_codes: the model has no control codes; leave it out, or adapt "
                    "a model with adapt.control_codes"
                ]
            )
        return list(requests)
    if not givers:
        raise InputError(
            "the model needs control codes of its training documents, but has no "
            "counts of them; give the documents with --train CORPUS, or adapt the model again"
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
