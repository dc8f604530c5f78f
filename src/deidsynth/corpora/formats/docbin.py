"""spaCy's DocBin: ``.spacy`` files, as ``spacy train`` reads and ``spacy convert`` writes them.

A source is a ``.spacy`` file or a folder of them. Entities are ``doc.ents``; in a file without any, the spans of the
only group of each document. Of everything else in the file nothing is read.
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from deidsynth.corpora.document_files import Source, find_sources, heads_of, looks_like, write_each
from deidsynth.corpora.formats.spacy_docs import GroupsError, docs_of, id_of, spacy_for, spans_of
from deidsynth.corpora.opening import Allowance
from deidsynth.corpora.records import ReadResult, Record, read_bytes
from deidsynth.documents import Corpus, Document, Split
from deidsynth.errors import Problem, TooLargeError

NAME = "docbin"
SUFFIX = ".spacy"

_KEYS = (b"\xa5attrs", b"\xa6tokens")
"""The first keys of what is inside, with their lengths."""
_HEAD_BYTES = 1 << 16
_CHUNK_BYTES = 1 << 12  # unpacks to a thousand times as much at most
_READ = ("ENT_IOB", "ENT_TYPE")


def sniff(path: Path) -> bool:
    """Whether the path looks like a DocBin."""
    return looks_like(path, SUFFIX, _looks)


def read_records(path: Path) -> ReadResult:
    """Raw records and problems of a file or a folder; the line of a record is its number in the file.

    Raises:
        MissingExtraError: spaCy is not installed.
    """
    spacy, result = spacy_for("reading spaCy's DocBin"), ReadResult(NAME)
    for source in find_sources(path, SUFFIX, _looks, result):
        _read(spacy, source, result)
    result.skipped = +result.skipped
    return result


def write(corpus: Corpus, path: Path, splits: Mapping[str, Split] | None) -> Counter[str]:
    """Counts of what the format cannot store, after writing the corpus into a new file or folder.

    Args:
        corpus: what to write; the id of a document becomes ``user_data["doc_id"]``.
        path: a name that ends in ``.spacy`` becomes a file, any other a folder with a file for each split.
        splits: split of every document id, or None; only a folder can store them.

    Raises:
        MissingExtraError: spaCy is not installed.
        UnrepresentableError: splits for a single file, or a text that spaCy does not give back.
        StorageError: the disk is full or not writable.
    """
    spacy = spacy_for("writing spaCy's DocBin")

    def write_file(documents: list[Document], file: Path) -> None:
        docs = docs_of(corpus.with_documents(documents))
        file.write_bytes(spacy.tokens.DocBin(attrs=_READ, store_user_data=True, docs=docs).to_bytes())

    return write_each(corpus, path, splits, SUFFIX, write_file)


def _looks(path: Path) -> bool | None:
    for head in heads_of(path):
        try:
            start = zlib.decompressobj().decompress(head, _HEAD_BYTES)
        except zlib.error:
            return None
        return all(key in start for key in _KEYS)
    return None


def _read(spacy: Any, source: Source, result: ReadResult) -> None:
    """Add the records of a file, or its problems."""
    place, data = str(source.path), read_bytes(source.path)
    if isinstance(data, Problem):
        result.problems.append(data)
        return
    try:
        _refuse_large(data, place)
        docs = list(_docs(spacy, data))
    except TooLargeError as error:
        result.problems.append(error.problem)
    except MemoryError:
        raise
    except Exception as error:  # spaCy says what is wrong with whatever error comes up inside
        message = f"no DocBin that can be read ({type(error).__name__}); write it again with spaCy 3"
        result.problems.append(Problem(place, message, code="malformed"))
    else:
        _take(docs, source, result)


def _take(docs: list[Any], source: Source, result: ReadResult) -> None:
    """Add the records of documents, or their problems."""
    place, use_ents = str(source.path), any(doc.ents for doc in docs)
    result.skipped["span_groups"] += sum(len(group) > 0 for doc in docs for group in doc.spans.values() if use_ents)
    origin, annotation, language = source.provenance
    for number, doc in enumerate(docs, start=1):
        try:
            spans = spans_of(doc, use_ents=use_ents)
        except GroupsError as error:
            result.problems.append(Problem(place, str(error), number, "malformed"))
            continue
        doc_id = id_of(doc, f"{source.name}-{number}")
        result.records.append(
            Record(doc_id, doc.text, spans, place, number, None, source.split, origin, annotation, language=language)
        )


def _refuse_large(data: bytes, place: str) -> None:
    """Refuse a file that unpacks to too much.

    Raises:
        TooLargeError: it does.
    """
    allowance, unpacking = Allowance(place), zlib.decompressobj()
    for start in range(0, len(data), _CHUNK_BYTES):
        allowance.take(len(unpacking.decompress(data[start : start + _CHUNK_BYTES])))
        if unpacking.eof:
            return


def _docs(spacy: Any, data: bytes) -> Iterator[Any]:
    """The documents of a file with their entities and spans, and nothing else."""
    packed = spacy.tokens.DocBin().from_bytes(data)
    symbols = spacy.attrs.IDS
    wanted = {symbols[name] for name in ("ORTH", *_READ)}
    kept = [place for place, attribute in enumerate(packed.attrs) if attribute in wanted]
    packed.attrs = [packed.attrs[place] for place in kept]
    packed.tokens = [tokens[:, kept] for tokens in packed.tokens]
    for doc in packed.get_docs(spacy.vocab.Vocab()):
        _look_up(doc)
        yield doc


def _look_up(doc: Any) -> None:
    """Have spaCy look up what will be taken from a document, so that what is damaged comes up now."""
    spans = [*doc.ents, *(span for group in doc.spans.values() for span in group)]
    places = [(span.start_char, span.end_char, span.label_) for span in spans]
    for text in (doc.text, *(label for _, _, label in places)):
        text.encode("utf-8")  # a lone surrogate cannot be in a text
