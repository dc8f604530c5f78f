"""Documents of two corpora that are the same texts under different ids."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace

from deidsynth.documents import Document


def with_ids_of(
    gold: Sequence[Document],
    predicted: Sequence[Document],
    may_be_same: Callable[[str, str], bool] = lambda *_: True,
) -> tuple[list[Document], int]:
    """The predicted documents with the ids of the gold ones that have the same text, and how many ids changed.

    A document whose id and text are those of a gold document keeps its id. Of several documents with one text, the
    first goes with the first, provided that there are as many on both sides; where there are not, or the text is in
    gold nowhere, the id is kept, and scoring refuses it. No id changes if two documents would get the same one.

    Args:
        gold: with the ids that are wanted.
        predicted: documents whose ids may change.
        may_be_same: whether a gold and a predicted id may name one document.

    >>> [each.doc_id for each in with_ids_of([Document("a", "x")], [Document("a.txt", "x")])[0]]
    ['a']
    """
    ids = {document.doc_id: document.text for document in gold}
    settled = {document.doc_id for document in predicted if ids.get(document.doc_id) == document.text}
    free, asking = defaultdict[str, list[str]](list), defaultdict[str, list[str]](list)
    for document in gold:
        if document.doc_id not in settled:
            free[document.text].append(document.doc_id)
    for document in predicted:
        if document.doc_id not in settled:
            asking[document.text].append(document.doc_id)
    names = {
        old: new
        for text, olds in asking.items()
        if len(olds) == len(free[text])
        for old, new in zip(olds, free[text], strict=True)
        if may_be_same(new, old)
    }
    renamed = [
        replace(document, doc_id=names[document.doc_id])
        if document.doc_id not in settled and document.doc_id in names
        else document
        for document in predicted
    ]
    if len({document.doc_id for document in renamed}) < len(renamed):
        return list(predicted), 0
    return renamed, len(names)
