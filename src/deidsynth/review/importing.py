"""Back from a person: the corrections checked against what was sent, the agreement, and a corpus to train on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from deidsynth.config import LayoutConfig
from deidsynth.corpora import LabelMapping, check_corpus
from deidsynth.corpora.formats import label_studio
from deidsynth.corpora.nothing_found import why_empty
from deidsynth.corpora.offset_units import UTF16_OFFSETS
from deidsynth.corpora.records import Discontinuous, ReadResult, document_of, refuse_faults
from deidsynth.documents import Corpus, Document
from deidsynth.errors import CorpusError
from deidsynth.review.agreement import Agreement, agreement
from deidsynth.review.matching import match
from deidsynth.review.queues import QUEUES, Queue
from deidsynth.review.reviewed import Rest, write_reviewed
from deidsynth.review.sent import Sent, SentDocument, read_sent


@dataclass(frozen=True, slots=True)
class Review:
    """What came back, and how far the tagger agreed with it.

    Args:
        queues: the agreement by queue.
        n_documents: written in all.
        n_seen: of these, seen by a person, in this review or before.
        n_not_submitted: tasks of Label Studio that nobody submitted; their documents stay unreviewed.
        n_empty_blind: documents of the blind slice that came back without any entity: nobody may have looked at them.
        new_labels: labels that were not among those sent, each of which may be a typo.
        source: what was read, with what else was left out of it.
    """

    queues: dict[Queue, Agreement]
    n_documents: int
    n_seen: int
    n_not_submitted: int
    n_empty_blind: int
    new_labels: tuple[str, ...]
    source: ReadResult

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        return {
            "n_documents": self.n_documents,
            "n_seen_by_a_person": self.n_seen,
            "n_not_submitted": self.n_not_submitted,
            "n_blind_without_entities": self.n_empty_blind,
            "new_labels": list(self.new_labels),
            "queues": {queue: each.to_dict() for queue, each in self.queues.items()},
        }


def import_review(
    sent: Path,
    corrected: Path,
    output: Path,
    *,
    format: str = "auto",
    discontinuous: Discontinuous = "refuse",
    layout: LayoutConfig | None = None,
    skip_invalid: bool = False,
    rest: Rest | None = None,
    tell: Callable[[str], None] = lambda _: None,
) -> Review:
    """The agreement between tagger and person, after writing the corrected documents as JSON lines.

    Every document that comes back counts as seen by a person; those that do not are not written, unless the rest has
    them. Marked words are no entities, and are left out.

    Args:
        sent: the folder of the export.
        corrected: what the tool exported.
        output: a new file; its manifest beside it says which documents a person saw, and what data they go back to.
        format: of the corrections; by default that of the export.
        discontinuous: as for ``load_corpus``.
        layout: see there.
        skip_invalid: see there.
        rest: documents that are written after those that came back, if they are not among them.
        tell: called with what killed commands left beside the output.

    Raises:
        InputError: not the folder of an export, nothing to read, or an output that is there already.
        CorpusError: all faults with their places: of entities, of texts that are not those sent, of documents that were
            not sent or are there twice.
        OutputInUseError: another command is writing to the output.
        StorageError: the disk is full or not writable.
    """
    record = read_sent(sent)
    result = _read(corrected, record, format, discontinuous, layout, skip_invalid)
    matches = match(result, record)
    refuse_faults([*result.problems, *matches.problems])
    pairs = [(each, _corrected(each, document_of(found))) for each, found in matches.pairs]
    if not pairs:
        raise CorpusError(f"{corrected}: {why_empty(result)}")
    if rest is not None:
        rest.refuse_other_texts([document for _, document in pairs])
    queues = {queue: _agreement(queue, record, pairs) for queue in QUEUES}
    documents = tuple(document for _, document in pairs)
    reviewed = Corpus(documents, record.origin, "gold", record.language, record.lineage)
    n_documents, n_seen = write_reviewed(reviewed, rest, output, tell)
    used = {entity.label for document in documents for entity in document.entities}
    return Review(
        queues=queues,
        n_documents=n_documents,
        n_seen=n_seen,
        n_not_submitted=result.skipped.pop(label_studio.NOT_SUBMITTED, 0),
        n_empty_blind=sum(each.queue == "blind" and not document.entities for each, document in pairs),
        new_labels=tuple(sorted(used - set(record.labels))),
        source=result,
    )


def _read(
    path: Path,
    sent: Sent,
    format: str,
    discontinuous: Discontinuous,
    layout: LayoutConfig | None,
    skip_invalid: bool,
) -> ReadResult:
    """The corrections as records, without marked words; offsets of an uncertain unit are a fault."""
    result = check_corpus(
        path,
        format=sent.format if format == "auto" else format,
        discontinuous=discontinuous,
        layout=layout,
        mapping=LabelMapping(labels={sent.mark: None}, others="keep"),
        skip_invalid=skip_invalid,
    )
    result.problems = [replace(each, fatal=each.fatal or each.code == UTF16_OFFSETS) for each in result.problems]
    return result


def _corrected(sent: SentDocument, found: Document) -> Document:
    """The document under its own id, with entities as gold has them: without scores."""
    return replace(found.without_scores(), doc_id=sent.doc_id, group=sent.group)


def _agreement(queue: Queue, sent: Sent, pairs: Sequence[tuple[SentDocument, Document]]) -> Agreement:
    n_sent = sum(each.queue == queue for each in sent.documents)
    chosen = [(each, document) for each, document in pairs if each.queue == queue]
    predicted = [each.predicted_document(document.text) for each, document in chosen]
    return agreement([document for _, document in chosen], predicted, n_sent, at_random=queue == "blind")
