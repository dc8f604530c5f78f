"""The corpus after a review: which of its documents a person saw, and what data they go back to."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from deidsynth.corpora.formats import jsonl
from deidsynth.corpora.loading import corpus_of_artifact
from deidsynth.corpora.provenance import Lineage, merged
from deidsynth.digests import file_digest
from deidsynth.documents import Corpus, Document
from deidsynth.errors import InputError
from deidsynth.files import manifest_beside, whole_file, write_atomically
from deidsynth.locks import hold_output
from deidsynth.review.candidates import lineage_of_texts
from deidsynth.workflow.store import Manifest
from deidsynth.workflow.store.manifest import FileRecord, artifact_key, package_versions, source_commit

STAGE, VERSION = "review", 1


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
    """The ids of the documents that a person saw, as the lines of a corpus say that others come from a tagger.

    Args:
        path: of a corpus; formats other than JSON lines say nothing about single documents.
    """
    path = corpus_of_artifact(path)
    if not jsonl.sniff(path):
        return frozenset()
    records = jsonl.read_records(path).records
    gold = frozenset(record.doc_id for record in records if record.annotation == "gold")
    return gold if any(record.annotation == "silver" for record in records) else frozenset()


def write_reviewed(reviewed: Corpus, rest: Rest | None, output: Path, tell: Callable[[str], None]) -> tuple[int, int]:
    """Number of documents, and of those that a person saw, after writing them with their manifest beside.

    Args:
        reviewed: documents that came back, with their lineage.
        rest: the others; None for none.
        output: a new file.
        tell: called with what killed commands left beside it.

    Raises:
        InputError: the output is there already.
        OutputInUseError: another command is writing to it.
        StorageError: the disk is full or not writable.
    """
    parts = [reviewed, *([] if rest is None else rest.parts(set(reviewed.doc_ids)))]
    seen = [doc_id for part in parts if part.annotation == "gold" for doc_id in part.doc_ids]
    n_documents = sum(map(len, parts))
    lineage = merged(
        None if reviewed.lineage is None else dict(reviewed.lineage),
        None if rest is None else lineage_of_texts(rest.corpus),
    )
    with hold_output(output, tell):
        if output.exists():
            raise InputError(f"{output}: exists already; remove it or choose another file")
        with whole_file(output, private=any(part.origin == "real" for part in parts)) as temporary:
            jsonl.write_parts(parts, temporary)
            manifest = _manifest(output.name, temporary, seen, n_documents, lineage or {})
            write_atomically(manifest_beside(output), manifest.to_json(), private=manifest.may_be_of_real_text)
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
        facts={"n_documents": n_documents, "n_seen_by_a_person": len(seen), "seen_by_a_person": list(seen)},
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        versions=package_versions(),
        git_commit=source_commit(),
    ).with_files({name: FileRecord(source, written.stat().st_size)})
