"""A file beside the documents that states what their format cannot: where text and annotation come from."""

from __future__ import annotations

import json
from pathlib import Path

from deidsynth.corpora.records import ANNOTATIONS, ORIGINS, ReadResult, one_of
from deidsynth.documents import Annotation, Corpus, Origin
from deidsynth.errors import Problem

PROVENANCE_FILE = "deidsynth.json"

Provenance = tuple[Origin | None, Annotation | None]


def read_provenance(folder: Path, result: ReadResult) -> Provenance:
    """Origin and annotation stated by the file in a folder, None if not stated; a fault is added to the result."""
    path = folder / PROVENANCE_FILE
    if not path.exists():
        return None, None
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        return one_of(data.get("origin"), ORIGINS), one_of(data.get("annotation"), ANNOTATIONS)
    except (OSError, ValueError, AttributeError, RecursionError):
        message = (
            f'expected an object with "origin" (one of {", ".join(ORIGINS)}) and "annotation" '
            f"(one of {', '.join(ANNOTATIONS)}); fix or remove the file"
        )
        result.problems.append(Problem(str(path), message, code="provenance"))
        return None, None


def write_provenance(corpus: Corpus, folder: Path) -> None:
    """Write the provenance file into a folder."""
    data = json.dumps({"origin": corpus.origin, "annotation": corpus.annotation})
    (folder / PROVENANCE_FILE).write_text(data + "\n", encoding="utf-8")
