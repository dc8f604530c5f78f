"""What samples begin with. Prompts are private: they may hold a patient's name."""

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
    """What a sample begins with.

    Args:
        text: its first characters; may be empty.
        entities: of the text.
        is_open: whether the last of them goes on behind the text.
    """

    text: str
    entities: tuple[Entity, ...] = ()
    is_open: bool = False


def first_words(document: Document, n_words: int) -> Document:
    """The start of a document up to the end of its first words, with the entities that begin there.

    An entity that begins inside the region but ends after it is cut at the region's end.
    """
    ends = [match.end() for match in _WORD.finditer(document.text)][:n_words]
    end = ends[-1] if ends else 0
    kept = [replace(entity, end=min(entity.end, end)) for entity in document.entities if entity.start < end]
    return Document(document.doc_id, document.text[:end], tuple(kept), document.group)


def with_surrogates(document: Document, surrogates: Surrogates) -> Document:
    """The document with every entity replaced by an invented value of its label."""
    return document.replace_entities(lambda entity: surrogates.value(entity.label, like=document.surface(entity)))


def make_prompts(
    config: PromptConfig, documents: Sequence[Document], *, language: str | None, seed: int
) -> list[Prompt]:
    """The prompts of a run.

    Args:
        config: where they come from, and what happens to PII in them.
        documents: the validation documents.
        language: of the invented values; None where it is not known.
        seed: of the invented values.

    Raises:
        CorpusError: no prompt is left.
        ConfigError: invented values are needed, and their language is not known.
        InputError: the prompt file is missing, empty or not UTF-8.
    """
    if config.source == "bos":
        return [Prompt("")]
    if config.source == "file":
        return [Prompt(line) for line in _file_prompts(Path(config.file or ""))]
    beginnings = _beginnings(config, documents)
    if not beginnings:
        raise CorpusError(
            "no validation document gives a prompt; use prompts.source: bos, another prompts.pii or more documents"
        )
    surrogates = _surrogates(config, beginnings, language, seed)
    prompts = []
    for whole, start in beginnings:
        cut = any(entity.start < len(start.text) < entity.end for entity in whole.entities)
        shown = with_surrogates(start, surrogates) if surrogates is not None else start
        is_open = cut and bool(shown.entities) and shown.entities[-1].end == len(shown.text)
        prompts.append(Prompt(shown.text, shown.entities, is_open))
    return prompts


def _surrogates(
    config: PromptConfig, beginnings: Sequence[tuple[Document, Document]], language: str | None, seed: int
) -> Surrogates | None:
    """What makes the invented values; None where none are needed."""
    if config.pii != "surrogate" or not any(start.entities for _, start in beginnings):
        return None
    if language is None:
        raise ConfigError(
            [
                "prompts.language: the language of the prompts is not known, so no invented values can take the place "
                "of the names in them; give it, such as --language es"
            ]
        )
    return Surrogates(language, seed)


def _beginnings(config: PromptConfig, documents: Sequence[Document]) -> list[tuple[Document, Document]]:
    """The documents that give a prompt, and their first words."""
    pairs = [(document, first_words(document, config.words)) for document in documents]
    return [(whole, start) for whole, start in pairs if start.text and (config.pii != "drop" or not start.entities)]


def label_turns(labels_of: Sequence[Collection[str]], *, seed: int, n_turns: int) -> list[int]:
    """Numbers of documents: the labels take turns, and so do the documents of a label, in a shuffled order.

    Args:
        labels_of: the labels of each document; those without any count as those of one more label.
        seed: of the orders.
        n_turns: how many numbers there will be.
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
        raise InputError(f"{path}: no such prompt file; give a text file with one prompt a line") from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: the prompt file is not UTF-8; save it as UTF-8") from None
    except OSError as error:
        raise InputError(f"{path}: the prompt file cannot be read ({error.strerror})") from None
    prompts = [line for line in lines if line.strip()]
    if not prompts:
        raise InputError(f"{path}: the prompt file holds no prompt; write one a line")
    return prompts


def make_requests(prompts: Sequence[Prompt], n_documents: int) -> list[Request]:
    """One request for each document, the prompts taken in turn."""
    chosen = [(index % len(prompts), prompts[index % len(prompts)]) for index in range(n_documents)]
    return [
        Request(index, prompt.text, number, prompt.entities, prompt.is_open)
        for index, (number, prompt) in enumerate(chosen)
    ]


def in_batches(requests: Sequence[Request], size: int) -> list[list[Request]]:
    """Batches of requests, those with prompts of like length together."""
    order = sorted(requests, key=lambda request: (len(request.prompt), request.index))
    return [order[at : at + size] for at in range(0, len(order), size)]
