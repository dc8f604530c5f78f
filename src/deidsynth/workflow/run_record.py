"""The record of a run folder, ``run.json``: what the run is made of, with digests, its own included."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, ClassVar

from pydantic import ConfigDict, TypeAdapter

from deidsynth.digests import digest
from deidsynth.errors import InputError, IntegrityError
from deidsynth.workflow.store.manifest import STRICT

RECORD = "run.json"
CONFIG = "run.yaml"
REPORTS = ("report.json", "report.html")
SCHEMA_VERSION = 1


@dataclass(frozen=True, slots=True)
class Published:
    """A copy in the run folder: its artifact, and digest and size of its files by relative path.

    Args:
        key: of the artifact.
        content_digest: of the artifact.
        files: of the copy; a single file has the empty path.
        manifest: digest of the manifest beside the copy; empty in records of before it was recorded.
    """

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    key: str
    content_digest: str
    files: dict[str, dict[str, Any]]
    manifest: str = ""


@dataclass(frozen=True, slots=True)
class RunRecord:
    """The content of ``run.json``.

    Args:
        store: the store's folder, as an absolute path.
        created: when the record was last changed; UTC, ISO 8601.
        artifacts: stage, key and content digest of every node at the time of the copies, by name; empty while they are
            being made.
        published: the copies, by relative path.
        report: digest of the inputs of the report; None if there is no report.
        planned: stage and key of every node of the latest run, by name; an interrupted run has only some of them.
        files: digest of every other file of the run, by relative path.
        record_digest: of all other fields; empty in records of before it was recorded.
    """

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    store: str | None = None
    created: str = ""
    artifacts: dict[str, dict[str, str]] = field(default_factory=dict)
    published: dict[str, Published] = field(default_factory=dict)
    report: str | None = None
    planned: dict[str, dict[str, str]] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    record_digest: str = ""

    @property
    def is_early(self) -> bool:
        """Whether the record is of before digests of the record and of the other files were recorded."""
        return not self.record_digest

    @property
    def is_unfinished(self) -> bool:
        """Whether a run of the folder was interrupted, or is under way."""
        made = {name: {"stage": entry["stage"], "key": entry["key"]} for name, entry in self.artifacts.items()}
        if not made or not self.planned:
            return not made
        lacks = not self.is_early and not self.files.keys() >= {CONFIG, *REPORTS}
        return made != self.planned or self.report is None or lacks

    def without_files(self, names: Iterable[str]) -> RunRecord:
        """The record without these files."""
        left_out = set(names)
        return replace(self, files={name: value for name, value in self.files.items() if name not in left_out})

    def to_json(self) -> str:
        """The text of the file, with the digest of this content."""
        data = {name: value for name, value in asdict(self).items() if name != "record_digest"}
        data = {"schema_version": SCHEMA_VERSION, **data}
        return json.dumps({**data, "record_digest": digest(data)}, indent=2) + "\n"


_RECORD: TypeAdapter[RunRecord] = TypeAdapter(RunRecord)
_NEEDED = {each.name for each in fields(RunRecord)} - {"planned", "files", "record_digest"}


def read_record(folder: Path) -> RunRecord:
    """The record of a run folder; ``is_whole`` says whether it is what was written.

    Raises:
        InputError: it is not a run folder.
        IntegrityError: the record is damaged, or cannot be read.
    """
    place = folder / RECORD
    try:
        data = json.loads(place.read_text(encoding="utf-8"))
        if data.pop("schema_version") != SCHEMA_VERSION or not data.keys() >= _NEEDED:
            raise ValueError
        record = _RECORD.validate_json(json.dumps(data))
        if any(
            not entry.keys() >= {"stage", "key"} for entry in (*record.artifacts.values(), *record.planned.values())
        ):
            raise ValueError
    except (FileNotFoundError, NotADirectoryError):
        raise InputError(f"{folder}: not a run folder (it has no {RECORD}); give the folder of a run") from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise IntegrityError(
            f"{place}: not a readable record of a run; remove it and the copies next to it, and run again: "
            "the artifacts are in the store"
        ) from None
    return record


def is_whole(record: RunRecord, folder: Path) -> bool:
    """Whether a record, as read from a folder, is byte for byte what was written; an early one counts as whole."""
    return record.is_early or (folder / RECORD).read_bytes() == record.to_json().encode("utf-8")
