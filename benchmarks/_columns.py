"""The Swedish news corpora as documents: sentences in columns, joined into texts by a declared rule.

Tokens are joined with one blank, and ``SENTENCES`` consecutive sentences with line feeds make one document. Neighboring
tokens of one raw label, without B-/I-, make one entity.
"""

from __future__ import annotations

import re
from pathlib import Path

from deidsynth.documents import Corpus, Document, Entity

SENTENCES = 7

Sentence = list[tuple[str, str]]
"""Token and tag."""


def read_sentences(path: Path, token_column: int, tag_column: int) -> list[Sentence]:
    """The sentences of a file with tabs or blanks between columns; empty lines part them.

    Comments (``# ``) and lines whose token is white space are passed over.
    """
    sentences: list[Sentence] = [[]]
    for line in path.read_text(encoding="utf-8").split("\n"):  # a token may hold other line ends
        columns = [column for column in re.split(r"[ \t]+", line.strip("\r")) if column.strip()]
        if not columns:
            sentences.append([])
        elif not line.startswith("# ") and len(columns) > max(token_column, tag_column):
            sentences[-1].append((columns[token_column], columns[tag_column]))
    return [sentence for sentence in sentences if sentence]


def spans(tags: list[str]) -> list[tuple[int, int, str]]:
    """Entities as first token, token after the last, label; tags are raw labels or IOB2, ``0`` and ``O`` outside."""
    found: list[tuple[int, int, str]] = []
    previous = ""
    for place, tag in enumerate(tags):
        prefix, _, label = tag.partition("-") if tag[:2] in ("B-", "I-") else ("", "", "" if tag in ("0", "O") else tag)
        if label and label == previous and prefix != "B":
            found[-1] = (found[-1][0], place + 1, label)
        elif label:
            found.append((place, place + 1, label))
        previous = label
    return found


def documents(sentences: list[Sentence], name: str, labels: set[str] | None = None) -> Corpus:
    """A corpus of documents of ``SENTENCES`` sentences each.

    Args:
        sentences: tokens and tags.
        name: document ids are ``NAME-1`` and so on.
        labels: the entities to keep; None keeps all.
    """
    made: list[Document] = []
    for number, first in enumerate(range(0, len(sentences), SENTENCES), 1):
        text, entities = "", list[Entity]()
        for sentence in sentences[first : first + SENTENCES]:
            text += "\n" if text else ""
            starts, ends = [], []
            for place, (token, _) in enumerate(sentence):
                text += " " if place else ""
                starts.append(len(text))
                text += token
                ends.append(len(text))
            for begin, end, label in spans([tag for _, tag in sentence]):
                if labels is None or label in labels:
                    entities.append(Entity(starts[begin], ends[end - 1], label))
        made.append(Document(f"{name}-{number}", text, tuple(entities)))
    return Corpus(tuple(made), language="sv")
