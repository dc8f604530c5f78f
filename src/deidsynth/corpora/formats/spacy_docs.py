"""Corpora from and to spaCy's ``Doc``: texts with ``doc.ents``, or with a group of spans.

spaCy's entities begin and end with tokens. Where a tokenizer has no token boundary at an entity, its token is divided,
so that every text and every entity survives.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import pairwise
from typing import Any

from deidsynth.corpora.output import refuse_lost_characters, refuse_surrogates
from deidsynth.corpora.records import RawSpan, ReadResult, Record, build_corpus, check_records
from deidsynth.documents import Annotation, Corpus, Document, Origin
from deidsynth.errors import CorpusError, MissingExtraError, Problem, UnrepresentableError
from deidsynth.languages import MULTILINGUAL

NAME = "docs"
DOC_ID = "doc_id"
"""Key of ``doc.user_data``."""

_NO_LANGUAGE = ("", MULTILINGUAL)


class GroupsError(Exception):
    """It is not clear which spans of a document are its entities; the message says what to do."""


def from_spacy(
    docs: Iterable[Any],
    *,
    span_group: str | None = None,
    language: str | None = None,
    origin: Origin | None = None,
    annotation: Annotation = "gold",
) -> Corpus:
    """The checked corpus of spaCy documents.

    Args:
        docs: of any pipeline; an id is ``doc.user_data["doc_id"]``, else the number of the document.
        span_group: where the entities are; by default in ``doc.ents`` or, if no document has any, in the only group of
            spans.
        language: ISO 639-1 code; by default that of the pipeline.
        origin: where the text comes from; by default ``real``.
        annotation: who made the entities: ``gold`` for people, ``silver`` where a pipeline predicted them.

    Raises:
        CorpusError: faults (all are listed, with the numbers of documents), or no documents.
    """
    result = ReadResult(NAME)
    given = list(docs)
    use_ents = any(doc.ents for doc in given)
    for number, doc in enumerate(given, start=1):
        try:
            spans = spans_of(doc, use_ents=use_ents, span_group=span_group)
        except GroupsError as error:
            result.problems.append(Problem(NAME, str(error), number, "malformed"))
        else:
            result.records.append(Record(id_of(doc, str(number)), doc.text, spans, NAME, number))
    result.problems += check_records(result.records)
    if not given:
        raise CorpusError(f"{NAME}: no documents found; give at least one")
    languages = {doc.lang_ for doc in given} - {*_NO_LANGUAGE}
    language = language or (languages.pop() if len(languages) == 1 else None)
    return replace(build_corpus(result, origin=origin, language=language), annotation=annotation)


def to_spacy(corpus: Corpus, nlp: Any = None) -> list[Any]:
    """The documents as spaCy's, with the entities as ``doc.ents`` and the id in ``doc.user_data["doc_id"]``.

    Args:
        corpus: scores and groups are left out.
        nlp: the pipeline whose tokenizer divides the texts; by default a blank one of the corpus's language. Tokens are
            divided further where an entity begins or ends inside of one.

    Raises:
        MissingExtraError: spaCy is not installed.
        UnrepresentableError: a text that spaCy does not give back, or that no format does.
    """
    spacy_for("making spaCy documents")
    refuse_surrogates(corpus)
    for number, document in enumerate(corpus, start=1):
        refuse_lost_characters(document, number)
    return list(docs_of(corpus, nlp))


def docs_of(corpus: Corpus, nlp: Any = None) -> Iterator[Any]:
    """The documents of ``to_spacy``, one by one; their characters were checked before."""
    spacy = spacy_for("making spaCy documents")
    pipeline = blank(corpus.language) if nlp is None else nlp
    for number, document in enumerate(corpus, start=1):
        doc = _doc(spacy, pipeline, document)
        if doc.text != document.text:
            raise UnrepresentableError(f"document number {number} is not given back by spaCy; write jsonl")
        yield doc


def spacy_for(feature: str) -> Any:
    """The library.

    Args:
        feature: what it is needed for.

    Raises:
        MissingExtraError: it is not installed.
    """
    try:
        return importlib.import_module("spacy")
    except ImportError:
        raise MissingExtraError(feature, "spacy") from None


def blank(language: str | None) -> Any:
    """A pipeline that only divides texts into tokens, by the rules of a language where spaCy has them."""
    spacy = spacy_for("a spaCy pipeline")
    try:
        return spacy.blank(language or MULTILINGUAL)
    except ImportError:
        return spacy.blank(MULTILINGUAL)


def id_of(doc: Any, otherwise: str) -> str:
    """The id of a document."""
    given = doc.user_data.get(DOC_ID)
    return str(given) if isinstance(given, str) or type(given) is int else otherwise


def spans_of(doc: Any, *, use_ents: bool, span_group: str | None = None) -> tuple[RawSpan, ...]:
    """The entities of a document.

    Args:
        doc: of spaCy.
        use_ents: whether they are in ``doc.ents`` where no group is named.
        span_group: in which they are.

    Raises:
        GroupsError: no group of that name, or several groups where none is named.
    """
    if span_group is not None:
        if span_group not in doc.spans:
            raise GroupsError(f"there is no group of spans {span_group!r}; name another, or leave span_group out")
        found = doc.spans[span_group]
    elif use_ents:
        found = doc.ents
    else:
        groups = [group for group in doc.spans.values() if len(group)]
        if len(groups) > 1:
            raise GroupsError(f"there are {len(groups)} groups of spans; leave one of them, or set doc.ents")
        found = groups[0] if groups else ()
    return tuple(RawSpan(span.start_char, span.end_char, span.label_) for span in found)


def _doc(spacy: Any, nlp: Any, document: Document) -> Any:
    """A document as spaCy's, whose tokens end where entities do."""
    words, spaces = _tokens(document, nlp.make_doc(document.text))
    doc = spacy.tokens.Doc(nlp.vocab, words=words, spaces=spaces)
    doc.user_data[DOC_ID] = document.doc_id
    doc.ents = [doc.char_span(each.start, each.end, label=each.label) for each in document.entities]
    return doc


def _tokens(document: Document, doc: Any) -> tuple[list[str], list[bool]]:
    """The tokens of a document, divided at its entities, and whether a blank follows each."""
    text = document.text
    starts, ends = {each.start for each in document.entities}, {each.end for each in document.entities}
    of_tokens = {place for token in doc for place in (token.idx, token.idx + len(token))}
    places = sorted({0, len(text), *starts, *ends, *of_tokens})
    words, spaces = list[str](), list[bool]()
    for start, end in pairwise(places):
        # A blank belongs to the token before it, unless an entity begins or ends with it.
        is_blank = text[start:end] == " " and start not in starts and end not in ends
        if is_blank and words and not spaces[-1]:
            spaces[-1] = True
        else:
            words.append(text[start:end])
            spaces.append(False)
    return words, spaces
