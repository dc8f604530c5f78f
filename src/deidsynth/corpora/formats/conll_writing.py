"""Writing CoNLL-style columns: token, white space after it, tag."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from pathlib import Path

from deidsynth.config import ColumnsLayout
from deidsynth.corpora.folders import by_split, left_out
from deidsynth.corpora.formats.conll import escape
from deidsynth.corpora.output import refuse_surrogates
from deidsynth.documents import Corpus, Document, Split
from deidsynth.errors import UnrepresentableError
from deidsynth.files import whole_folder, write_atomically
from deidsynth.tagging import tags_of_spans

WRITTEN_SUFFIX = ".conll"

_WRITTEN_TOKEN = re.compile(r"[^\W_]+|\S")


def write(corpus: Corpus, path: Path, splits: Mapping[str, Split] | None, layout: ColumnsLayout) -> Counter[str]:
    """Counts of what columns cannot store, after writing the corpus.

    Args:
        corpus: what to write.
        path: a name that ends in ``.conll`` becomes a file, any other a folder with a file for each split.
        splits: split of every document id, or None; only a folder can store them.
        layout: the scheme of the tags.

    Raises:
        UnrepresentableError: splits for a single file, entities with leading or trailing white space, an id with a line
            break, a text of only white space, or one that UTF-8 cannot encode.
        StorageError: the disk is full or not writable.
    """
    refuse_surrogates(corpus)
    private = corpus.origin == "real"
    chosen = by_split(corpus, splits)
    written = {split: "".join(_lines(documents, layout, corpus)) for split, documents in chosen.items()}
    if path.suffix == WRITTEN_SUFFIX:
        if splits:
            raise UnrepresentableError(f"{path}: one file cannot store splits; give a folder as TARGET to keep them")
        write_atomically(path, "".join(written.values()), private=private)
    else:
        with whole_folder(path, private=private) as temporary:
            for split, text in written.items():
                file = temporary / f"{split or 'corpus'}{WRITTEN_SUFFIX}"
                file.write_text(text, encoding="utf-8", newline="")
    return left_out(corpus, "scores", "groups", "provenance")


def _lines(documents: Iterable[Document], layout: ColumnsLayout, corpus: Corpus) -> Iterator[str]:
    numbers = {document.doc_id: number for number, document in enumerate(corpus, start=1)}
    for document in documents:
        problem = _refusal(document)
        if problem:
            raise UnrepresentableError(f"document number {numbers[document.doc_id]} {problem}")
        yield f"# newdoc id = {document.doc_id}\n"
        tokens = written_tokens(document)
        first_of, end_of = ({span[side]: at for at, span in enumerate(tokens)} for side in (0, 1))
        spans = [(first_of[each.start], end_of[each.end] + 1, each.label) for each in document.entities]
        tags = tags_of_spans(spans, len(tokens), layout.scheme)
        inside = {place for first, last, _ in spans for place in range(first, last - 1)}
        for place, (start, end) in enumerate(tokens):
            following = tokens[place + 1][0] if place + 1 < len(tokens) else len(document.text)
            gap = document.text[end:following]
            breaks = place + 1 == len(tokens) or ("\n" in gap and place not in inside)
            usual = {" ": "_", "": "SpaceAfter=No"}
            said = usual[gap] if gap in usual and not breaks else f"SpacesAfter={escape(gap)}"
            if place == 0 and start:
                said = f"SpacesBefore={escape(document.text[:start])}|SpacesAfter={escape(gap)}"
            yield f"{document.text[start:end]}\t{said}\t{tags[place]}\n"
            if breaks:
                yield "\n"
        if not tokens:
            yield "\n"


def written_tokens(document: Document) -> list[tuple[int, int]]:
    """Tokens (runs of letters and digits, or one other non-blank character), cut wherever an entity begins or ends."""
    cuts = sorted({0, len(document.text)} | {place for each in document.entities for place in (each.start, each.end)})
    return [
        match.span() for start, end in pairwise(cuts) for match in _WRITTEN_TOKEN.finditer(document.text, start, end)
    ]


def _refusal(document: Document) -> str | None:
    """Why columns cannot store a document, or None."""
    if document.text and not document.text.strip():
        return "is only white space, which columns cannot store; leave it out or write jsonl"
    if not document.doc_id.isprintable() or document.doc_id != document.doc_id.strip():
        return "has an id with a line break or with leading or trailing blanks; rename it or write jsonl"
    if any(document.surface(each) != document.surface(each).strip() for each in document.entities):
        return "has an entity with leading or trailing white space, which columns cannot store; trim it or write jsonl"
    return None
