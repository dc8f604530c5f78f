"""A file beside the documents that states what their format cannot: origin, annotation and language."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

from deidsynth.corpora.records import ANNOTATIONS, ORIGINS, ReadResult, one_of
from deidsynth.documents import Annotation, Corpus, Origin, language_code
from deidsynth.errors import Problem

PROVENANCE_FILE = "deidsynth.json"


class Provenance(NamedTuple):
    """What the file states; None for what it does not."""

    origin: Origin | None = None
    annotation: Annotation | None = None
    language: str | None = None


def read_provenance(folder: Path, result: ReadResult) -> Provenance:
    """The provenance stated by the file in a folder; a fault is added to the problems of the result."""
    path = folder / PROVENANCE_FILE
    if not path.exists():
        return Provenance()
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        return Provenance(
            one_of(data.get("origin"), ORIGINS),
            one_of(data.get("annotation"), ANNOTATIONS),
            language_code(data.get("language")),
        )
    except (OSError, ValueError, AttributeError, RecursionError):
        message = (
            f'expected an object with "origin" (one of {", ".join(ORIGINS)}), "annotation" '
            f'(one of {", ".join(ANNOTATIONS)}) and optionally "language" (such as es); fix or remove the file'
        )
        result.problems.append(Problem(str(path), message, code="provenance"))
        return Provenance()


def write_provenance(corpus: Corpus, folder: Path) -> None:
    """Write the provenance file into a folder."""
    language = {} if corpus.language is None else {"language": corpus.language}
    data = json.dumps({"origin": corpus.origin, "annotation": corpus.annotation, **language})
    (folder / PROVENANCE_FILE).write_text(data + "\n", encoding="utf-8")
