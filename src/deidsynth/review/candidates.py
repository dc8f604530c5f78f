"""Documents that a person might look at, with what a tagger thinks of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from deidsynth.corpora import LoadedCorpus, content_digest
from deidsynth.corpora.provenance import Lineage, merged
from deidsynth.documents import Corpus, Document, Entity
from deidsynth.errors import InputError
from deidsynth.metrics.tokens import token_spans


@dataclass(frozen=True, slots=True)
class Candidate:
    """A document that a tagger has annotated.

    Args:
        document: with predicted entities and their scores.
        outside: the least certain word outside of entities, whose score is the probability that it belongs there; None
            if there is no such word, or if it is not known.
    """

    document: Document
    outside: Entity | None = None

    @property
    def least_score(self) -> float | None:
        """The score of the least certain entity; None without entities."""
        scores = (entity.score for entity in self.document.entities)
        return min((score for score in scores if score is not None), default=None)

    @property
    def least_outside(self) -> float | None:
        """The probability that the least certain word outside belongs there; None if there is none."""
        return None if self.outside is None else self.outside.score


@dataclass(frozen=True, slots=True, repr=False)
class Candidates:
    """All documents of a corpus, to choose from.

    Args:
        documents: annotated by a tagger.
        like: a corpus without documents, with the origin and language of the texts.
        labels: that entities may have.
        lineage: the data that texts and predictions go back to.
        model: digest of the tagger's folder, if it is known.
    """

    documents: Sequence[Candidate]
    like: Corpus
    labels: tuple[str, ...]
    lineage: Lineage
    model: str | None = None

    @property
    def knows_outside(self) -> bool:
        """Whether it is known what the tagger thought of words outside of entities."""
        return self.model is not None


def scored_candidates(corpus: Corpus) -> Candidates:
    """The documents of a corpus that a tagger has annotated; what it thought outside of entities is not known.

    Raises:
        InputError: entities without a score: a person made them, or a format that cannot hold scores.
    """
    n_without = sum(entity.score is None for document in corpus for entity in document.entities)
    if n_without or not corpus.n_entities:
        what = f"{n_without} of {corpus.n_entities} entities have no score" if n_without else "there are no entities"
        raise InputError(
            f"{what}, so it is not known what a tagger was unsure of; give the model (--model), or the JSON lines that "
            "deidsynth annotate wrote"
        )
    labels, lineage = corpus.label_scheme().labels, lineage_of_texts(corpus)
    return Candidates(list(map(Candidate, corpus)), corpus.with_documents(()), labels, lineage)


def predicted_candidates(
    corpus: Corpus,
    found: Iterable[tuple[Document, Entity | None]],
    labels: Iterable[str],
    model: str,
    model_lineage: Mapping[str, Any] | None,
) -> Candidates:
    """The documents as a tagger annotates them.

    Args:
        corpus: with the texts.
        found: for each document what ``predict_with_outside`` gives; the token becomes the word that it is part
            of, and counts as unknown where it overlaps an entity.
        labels: of the tagger.
        model: digest of its folder.
        model_lineage: the data that it was made from; None if that is not known.
    """
    documents = [Candidate(each, None if token is None else _word(each, token)) for each, token in found]
    unknown: Lineage = {"unknown_models": [{"source": model, "direct": False, "via": [], "parts": []}]}
    known = unknown if model_lineage is None else dict(model_lineage)
    lineage = merged(lineage_of_texts(corpus), known)
    return Candidates(documents, corpus.with_documents(()), tuple(sorted(labels)), lineage or {}, model)


def lineage_of_texts(corpus: Corpus) -> Lineage:
    """The data that a corpus goes back to: what its manifest says, and itself if it is real or nothing is known."""
    own: Lineage = {}
    if corpus.lineage is None or corpus.origin == "real":
        source = content_digest(LoadedCorpus(corpus, format="given"))
        own = {f"{corpus.origin}_data": [{"source": source, "direct": True, "via": [], "parts": []}]}
    return merged(None if corpus.lineage is None else dict(corpus.lineage), own) or {}


def _word(document: Document, token: Entity) -> Entity | None:
    """The words that a token touches; the token as it is where these reach into an entity, None where it does."""
    touched = [span for span in token_spans(document.text) if span[0] < token.end and token.start < span[1]]
    start = min((span[0] for span in touched), default=token.start)
    end = max((span[1] for span in touched), default=token.end)
    for word in (replace(token, start=start, end=end), token):
        if not any(entity.start < word.end and word.start < entity.end for entity in document.entities):
            return word
    return None
