"""Out to a person: queues of documents in the form of an annotation tool, and the record of what was sent."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from deidsynth.corpora.output import refuse_lost_characters
from deidsynth.digests import digest
from deidsynth.documents import Document, Entity
from deidsynth.errors import InputError
from deidsynth.files import whole_folder
from deidsynth.locks import hold_output
from deidsynth.review.candidates import Candidate, Candidates
from deidsynth.review.queues import DEFAULT_SIZE, Queue, Sizes, choose
from deidsynth.review.sent import Sent, SentDocument
from deidsynth.review.tools import tool_of
from deidsynth.workflow.alone import refuse_occupied

MARK = "CHECK"
"""The label of the word that a document is in the queue ``outside`` for, unless the tagger has such a label."""


def export_review(
    candidates: Candidates,
    output: Path,
    format: str,
    *,
    sizes: Sizes | None = None,
    seed: int = 1,
    tell: Callable[[str], None] = lambda _: None,
) -> Sent:
    """The record of what was sent, after writing it and the queues into a new private folder.

    Args:
        candidates: all documents with what the tagger thinks of them.
        output: absent or an empty folder; nobody but its owner can look into it (0700).
        format: ``label-studio``, ``brat``, ``cas`` (INCEpTION) or ``doccano``.
        sizes: of the queues; by default 50 documents each, of ``outside`` none where it is not known.
        seed: of the blind slice.
        tell: called with what killed commands left there.

    Raises:
        InputError: an unknown format, fewer documents than asked for, a queue that is not known, or an output that is
            not empty.
        UnrepresentableError: the format cannot hold a text, or a text is not read back (no reader of corpora gives such
            a one; the number that is told is the candidate's); nothing is written.
        OutputInUseError: another command is writing to the output.
        StorageError: the disk is full or not writable.
    """
    tool = tool_of(format)
    sizes = sizes or Sizes(outside=DEFAULT_SIZE if candidates.knows_outside else 0)
    if sizes.outside and not candidates.knows_outside:
        raise InputError(
            "a corpus that was annotated before does not say how certain its tagger was outside of entities; give the "
            "model (--model), or --outside 0"
        )
    queues = choose(candidates.documents, sizes, seed)
    mark = MARK
    while mark in candidates.labels:
        mark += "_"
    sent = _record(candidates, queues, format, seed, mark)
    texts = {each.document.doc_id: each.document.text for queue in queues.values() for each in queue}
    for number, each in enumerate(candidates.documents, start=1):
        if each.document.doc_id in texts:
            refuse_lost_characters(each.document, number)
    labels = [*candidates.labels, mark] if queues["outside"] else candidates.labels
    with hold_output(output, tell):
        refuse_occupied(output)
        with whole_folder(output, private=True) as folder:
            for queue in queues:
                shown = [_shown(each, texts[each.doc_id], mark) for each in sent.documents if each.queue == queue]
                if shown:
                    corpus = replace(candidates.like, documents=tuple(shown), annotation="silver")
                    tool.write(corpus, folder / f"{queue}{tool.suffix}")
            for name, text in tool.settings(labels).items():
                (folder / name).write_text(text, encoding="utf-8")
            sent.write(folder)
    return sent


def _record(
    candidates: Candidates, queues: Mapping[Queue, Sequence[Candidate]], format: str, seed: int, mark: str
) -> Sent:
    documents = []
    for queue, chosen in queues.items():
        for number, each in enumerate(chosen, start=1):
            document, outside = each.document, each.outside if queue == "outside" else None
            documents.append(
                SentDocument(
                    name=f"{queue}-{number:04d}",
                    doc_id=document.doc_id,
                    queue=queue,
                    text=digest(document.text),
                    n_chars=len(document.text),
                    predicted=list(document.entities),
                    mark=None if outside is None else replace(outside, label=mark),
                    group=document.group,
                )
            )
    return Sent(
        format=format,
        seed=seed,
        model=candidates.model,
        origin=candidates.like.origin,
        language=candidates.like.language,
        labels=list(candidates.labels),
        mark=mark,
        n_candidates=len(candidates.documents),
        documents=documents,
        lineage=candidates.lineage,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _shown(sent: SentDocument, text: str, mark: str) -> Document:
    """The document as the tool shows it: under its name there, of the blind slice without entities."""
    found = sent.predicted_document(text)
    entities = [] if sent.queue == "blind" else list(found.entities)
    if sent.mark is not None:
        uncertainty = None if sent.mark.score is None else round(1 - sent.mark.score, 6)
        entities.append(Entity(sent.mark.start, sent.mark.end, mark, uncertainty))
    return replace(found, doc_id=sent.name, entities=tuple(entities), group=None)
