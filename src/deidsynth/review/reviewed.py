"""The corpus after a review: which of its documents a person saw, and what data they go back to."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from deidsynth.corpora.formats import jsonl
from deidsynth.corpora.loading import corpus_of_artifact
from deidsynth.corpora.output import encodable
from deidsynth.corpora.provenance import Lineage, merged
from deidsynth.corpora.records import ReadResult
from deidsynth.digests import file_digest
from deidsynth.documents import Corpus, Document
from deidsynth.errors import InputError, IntegrityError
from deidsynth.files import manifest_beside, whole_file, write_atomically
from deidsynth.locks import hold_output
from deidsynth.review.candidates import lineage_of_texts
from deidsynth.workflow.alone import is_private, refuse_existing
from deidsynth.workflow.store import Manifest
from deidsynth.workflow.store.manifest import FileRecord, artifact_key, package_versions, read_manifest, source_commit

STAGE, VERSION = "review", 1
SEEN = "seen_by_a_person"
"""Fact of the manifest: the ids of the documents that a person saw."""


@dataclass(frozen=True, slots=True, repr=False)
class Rest:
    """The documents that were not sent.

    Args:
        corpus: annotated by a tagger.
        seen: ids of those that a person saw in an earlier review.
    """

    corpus: Corpus
    seen: Collection[str] = frozenset()

    def refuse_other_texts(self, reviewed: Sequence[Document]) -> None:
        """Refuse a corpus in which the id of a reviewed document has another text.

        Raises:
            InputError: there is such a document.
        """
        texts = {document.doc_id: document.text for document in self.corpus}
        n_others = sum(texts.get(document.doc_id, document.text) != document.text for document in reviewed)
        if n_others:
            raise InputError(
                f"--rest: {n_others} documents have the ids of reviewed ones, but other texts; give the corpus that "
                "the reviewed documents are from"
            )

    def parts(self, without: Collection[str]) -> list[Corpus]:
        """The documents that a person saw before and the others, as two corpora, without some ids."""
        left = [document for document in self.corpus if document.doc_id not in without]
        seen = [document for document in left if document.doc_id in self.seen]
        others = [document for document in left if document.doc_id not in self.seen]
        kept = self.corpus
        return [
            Corpus(tuple(seen), kept.origin, "gold", kept.language),
            Corpus(tuple(others), kept.origin, kept.annotation, kept.language),
        ]


def seen_by_person(path: Path) -> frozenset[str]:
    """The ids of the documents that a person saw in a review: those that the manifest of a review beside it lists.

    Without such a manifest they are those whose lines say gold where other lines say silver; gold alone may have been
    gold from the beginning.

    Args:
        path: of a corpus; formats other than JSON lines say nothing about single documents.
    """
    path = corpus_of_artifact(path)
    if not jsonl.sniff(path):
        return frozenset()
    listed = _listed_beside(path)
    if listed is not None:
        return listed
    gold, others = set[str](), False
    for record in jsonl.stream_records(path, ReadResult(jsonl.NAME)):
        if record.annotation == "gold":
            gold.add(record.doc_id)
        others = others or record.annotation == "silver"
    return frozenset(gold) if others else frozenset()


def _listed_beside(path: Path) -> frozenset[str] | None:
    """The ids that the manifest of a review beside a corpus lists; None if there is no such manifest."""
    with suppress(IntegrityError):
        manifest = read_manifest(manifest_beside(path))
        listed = manifest.facts.get(SEEN)
        if manifest.stage == STAGE and isinstance(listed, list):
            return frozenset(map(str, listed))
    return None


def write_reviewed(reviewed: Corpus, rest: Rest | None, output: Path, tell: Callable[[str], None]) -> tuple[int, int]:
    """Number of documents, and of those that a person saw, after writing them with their manifest beside.

    Args:
        reviewed: documents that came back, with their lineage.
        rest: the others; None for none.
        output: a new file.
        tell: called with what killed commands left beside it.

    Raises:
        InputError: the output is there already.
        UnrepresentableError: a text has a lone surrogate, which UTF-8 cannot encode; nothing is written.
        OutputInUseError: another command is writing to it.
        StorageError: the disk is full or not writable.
    """
    parts = [reviewed, *([] if rest is None else rest.parts(set(reviewed.doc_ids)))]
    seen = [doc_id for part in parts if part.annotation == "gold" for doc_id in part.doc_ids]
    n_documents = sum(map(len, parts))
    lineage = (
        merged(
            None if reviewed.lineage is None else dict(reviewed.lineage),
            None if rest is None else lineage_of_texts(rest.corpus),
        )
        or {}
    )
    private = is_private(parts, lineage)
    with hold_output(output, tell):
        refuse_existing(output)
        with whole_file(output, private=private) as temporary:
            with temporary.open("w", encoding="utf-8", newline="\n") as file:
                for part in parts:
                    file.writelines(jsonl.line_of(document, part) for document in encodable(part))
            manifest = _manifest(output.name, temporary, seen, n_documents, lineage)
            write_atomically(manifest_beside(output), manifest.to_json(), private=private)
    return n_documents, len(seen)


def _manifest(name: str, written: Path, seen: Sequence[str], n_documents: int, lineage: Lineage) -> Manifest:
    """The manifest of a corpus of this name; its facts list the documents that a person saw."""
    source = file_digest(written)
    key = artifact_key(
        stage=STAGE, stage_version=VERSION, config={}, seed=None, precision=None, inputs={}, source=source
    )
    return Manifest(
        key=key,
        stage=STAGE,
        stage_version=VERSION,
        name=STAGE,
        config={},
        seed=None,
        precision=None,
        inputs={},
        lineage=lineage,
        source=source,
        facts={"n_documents": n_documents, "n_seen_by_a_person": len(seen), SEEN: list(seen)},
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        versions=package_versions(),
        git_commit=source_commit(),
    ).with_files({name: FileRecord(source, written.stat().st_size)})
