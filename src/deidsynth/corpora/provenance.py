"""Files beside documents and models that state what these cannot: origin, annotation, language, lineage."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from deidsynth.corpora.opening import opened
from deidsynth.corpora.output import Source
from deidsynth.corpora.records import ANNOTATIONS, ORIGINS, ReadResult, one_of
from deidsynth.documents import Annotation, Origin
from deidsynth.errors import Problem
from deidsynth.files import MANIFEST, manifest_beside
from deidsynth.languages import language_code
from deidsynth.plain_data import read_json

PROVENANCE_FILE = "deidsynth.json"

Lineage = dict[str, list[dict[str, Any]]]
"""Sources by kind of data; each with its key, whether it is direct, and the stages on the way."""


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
        with opened(path) as file:
            data = read_json(file.read().decode("utf-8"))
        return Provenance(
            one_of(data.get("origin"), ORIGINS),
            one_of(data.get("annotation"), ANNOTATIONS),
            language_code(data.get("language")),
        )
    except (OSError, ValueError, AttributeError, RecursionError):
        message = (
            f'expected an object with "origin" (one of {", ".join(ORIGINS)}), "annotation" '
            f'(one of {", ".join(ANNOTATIONS)}) and optionally "language" (such as es), each once; fix or remove it'
        )
        result.problems.append(Problem(str(path), message, code="provenance"))
        return Provenance()


def write_provenance(corpus: Source, folder: Path) -> None:
    """Write the provenance file into a folder."""
    language = {} if corpus.language is None else {"language": corpus.language}
    data = json.dumps({"origin": corpus.origin, "annotation": corpus.annotation, **language})
    (folder / PROVENANCE_FILE).write_text(data + "\n", encoding="utf-8")


def lineage_beside(path: Path) -> Lineage | None:
    """The data that an artifact goes back to, the stage that made it last; None if no manifest says so.

    Args:
        path: an artifact's folder, a file or folder in one, or what was taken out of one with its manifest beside it.
    """
    path = path if path.name else path.absolute()  # the current folder has a name, too
    if not path.name:
        return None
    inside = f"{path.name}/"
    for place in (path / MANIFEST, manifest_beside(path), path.parent / MANIFEST):
        try:
            with opened(place) as file:
                made = json.load(file)
            is_of_path = place.parent != path.parent or place.name != MANIFEST
            if is_of_path or any(name == path.name or name.startswith(inside) for name in made["files"]):
                return extended(made["lineage"], made["stage"])
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            continue
    return None


def extended(lineage: Mapping[str, Iterable[Mapping[str, Any]]], *stages: str) -> Lineage:
    """The lineage of what these stages, one after another, made from something with this one."""
    return {
        kind: [{**entry, "via": [*entry["via"], *stages], "direct": False} for entry in entries]
        for kind, entries in lineage.items()
    }


def merged(*lineages: Lineage | None) -> Lineage | None:
    """All sources of several lineages; None if none of them is known."""
    if all(lineage is None for lineage in lineages):
        return None
    found: Lineage = {}
    for lineage in lineages:
        for kind, entries in (lineage or {}).items():
            found.setdefault(kind, []).extend(entries)
    return found
