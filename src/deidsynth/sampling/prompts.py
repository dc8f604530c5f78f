"""Prompts of samples. They are private, as they may contain a patient's name."""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from deidsynth.config import PromptConfig
from deidsynth.documents import Document, Entity
from deidsynth.errors import ConfigError, CorpusError, InputError
from deidsynth.sampling.engine import Request
from deidsynth.surrogates import Surrogates

_WORD = re.compile(r"\S+")


@dataclass(frozen=True, slots=True, repr=False)
class Prompt:
    """The start of a sample.

    Args:
        text: its first characters; may be empty.
        entities: of the text.
        is_open: whether the last of them continues after the text.
    """

    text: str
    entities: tuple[Entity, ...] = ()
    is_open: bool = False


def first_words(document: Document, n_words: int) -> Document:
    """The start of a document up to the end of its first words, with the entities that start there.

    An entity that starts inside the region but ends after it is cut at the end of the region.
    """
    ends = [match.end() for match in _WORD.finditer(document.text)][:n_words]
    end = ends[-1] if ends else 0
    kept = [replace(entity, end=min(entity.end, end)) for entity in document.entities if entity.start < end]
    return Document(document.doc_id, document.text[:end], tuple(kept), document.group)


def before_unknown(document: Document, surrogates: Surrogates) -> Document:
    """The document up to its first entity for which no value can be invented, which the language model then writes."""
    unknown = next((entity for entity in document.entities if not surrogates.knows(entity.label)), None)
    if unknown is None:
        return document
    kept = tuple(entity for entity in document.entities if entity.end <= unknown.start)
    end = max([len(document.text[: unknown.start].rstrip()), *(entity.end for entity in kept)])
    return Document(document.doc_id, document.text[:end], kept, document.group)


def with_surrogates(document: Document, surrogates: Surrogates) -> Document:
    """The document with every entity replaced by a surrogate of its label."""
    return document.replace_entities(lambda entity: surrogates.value(entity.label, like=document.surface(entity)))


def make_prompts(
    config: PromptConfig, documents: Sequence[Document], *, language: str | None, seed: int
) -> list[Prompt]:
    """The prompts of a run.

    Args:
        config: where they come from, and what happens to PII in them.
        documents: the validation documents.
        language: of the surrogates; None if unknown.
        seed: of the surrogates.

    Raises:
        CorpusError: no prompt is left.
        ConfigError: surrogates are needed, but the language is unknown.
        InputError: the prompt file is missing, empty or not UTF-8.
    """
    if config.source == "bos":
        return [Prompt("")]
    if config.source == "file":
        return [Prompt(line) for line in _file_prompts(Path(config.file or ""))]
    beginnings = _beginnings(config, documents)
    if not beginnings:
        raise CorpusError(
            "no validation document provides a prompt; use prompts.source: bos, another prompts.pii or more documents"
        )
    surrogates = _surrogates(config, beginnings, language, seed)
    prompts = []
    for whole, first in beginnings:
        start = first if surrogates is None else before_unknown(first, surrogates)
        cut = any(entity.start < len(start.text) < entity.end for entity in whole.entities)
        shown = with_surrogates(start, surrogates) if surrogates is not None else start
        is_open = cut and bool(shown.entities) and shown.entities[-1].end == len(shown.text)
        prompts.append(Prompt(shown.text, shown.entities, is_open))
    return prompts


def _surrogates(
    config: PromptConfig, beginnings: Sequence[tuple[Document, Document]], language: str | None, seed: int
) -> Surrogates | None:
    """The source of surrogates; None if none are needed."""
    if config.pii != "surrogate" or not any(start.entities for _, start in beginnings):
        return None
    if language is None:
        raise ConfigError(
            [
                "prompts.language: the language of the prompts is unknown, so the names in them cannot be replaced "
                "by surrogates; set it, for example with --language es"
            ]
        )
    return Surrogates(language, seed, labels=config.labels)


def _beginnings(config: PromptConfig, documents: Sequence[Document]) -> list[tuple[Document, Document]]:
    """The documents that provide a prompt, with their first words."""
    pairs = [(document, first_words(document, config.words)) for document in documents]
    return [(whole, start) for whole, start in pairs if start.text and (config.pii != "drop" or not start.entities)]


def label_turns(labels_of: Sequence[Collection[str]], *, seed: int, n_turns: int) -> list[int]:
    """Indices of documents: labels in turn, and for each label its documents in turn, in shuffled order.

    Args:
        labels_of: the labels of each document; documents without labels form one more class.
        seed: of the shuffling.
        n_turns: number of indices.
    """
    holders: defaultdict[str, list[int]] = defaultdict(list)
    for number, found in enumerate(labels_of):
        for label in found or {""}:
            holders[label].append(number)
    labels = sorted(holders)
    chance = random.Random(seed)
    chance.shuffle(labels)
    for label in labels:
        chance.shuffle(holders[label])
    turns = []
    for turn in range(n_turns):
        cycle, place = divmod(turn, len(labels))
        of_label = holders[labels[place]]
        turns.append(of_label[cycle % len(of_label)])
    return turns


def _file_prompts(path: Path) -> list[str]:
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except FileNotFoundError:
        raise InputError(f"{path}: no such prompt file; give a text file with one prompt per line") from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: the prompt file is not UTF-8; save it as UTF-8") from None
    except OSError as error:
        raise InputError(f"{path}: the prompt file cannot be read ({error.strerror})") from None
    prompts = [line for line in lines if line.strip()]
    if not prompts:
        raise InputError(f"{path}: the prompt file is empty; write one prompt per line")
    return prompts


def make_requests(prompts: Sequence[Prompt], n_documents: int) -> list[Request]:
    """One request for each document, with the prompts in turn."""
    chosen = [(index % len(prompts), prompts[index % len(prompts)]) for index in range(n_documents)]
    return [
        Request(index, prompt.text, number, prompt.entities, prompt.is_open)
        for index, (number, prompt) in enumerate(chosen)
    ]


def in_batches(requests: Sequence[Request], size: int) -> list[list[Request]]:
    """Batches of requests with prompts of similar length."""
    order = sorted(requests, key=lambda request: (len(request.prompt), request.index))
    return [order[at : at + size] for at in range(0, len(order), size)]
