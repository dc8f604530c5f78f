"""Run folders: the results of a run for the user.

run.yaml                     the resolved configuration
run.json                     identifies a run folder; its artifacts, and the digest of every published file
report.html, report.json
synthetic/corpus.jsonl
models/{lm,gold,synthetic}   copies from the store, ordinary model folders
test/                        private (0700, files 0600): the test notes, which are real text
  test.jsonl                 with their gold entities
  {gold,synthetic}/predictions.jsonl    with what each model predicted
  errors.html                gold beside predicted, for people
NAME.manifest.json           beside each copy: how it was made, and from which data
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from deidsynth.config import StageConfig, dump
from deidsynth.digests import file_digest
from deidsynth.errors import InputError, IntegrityError, OtherVersionError, OutputInUseError
from deidsynth.files import (
    fsync_path,
    is_temporary,
    make_private_folder,
    manifest_beside,
    replace_tree,
    storage_errors,
    temporary_beside,
    write_atomically,
)
from deidsynth.locks import hold_lock
from deidsynth.report.content import RunReport
from deidsynth.workflow.store import Artifact, Store
from deidsynth.workflow.store.store import compare_files

RECORD = "run.json"
_LEVELS = 3
SCHEMA_VERSION = 1
_LOCK = ".lock"


@dataclass(frozen=True, slots=True)
class Published:
    """A copy in the run folder: its artifact, and digest and size of its files by relative path."""

    key: str
    content_digest: str
    files: dict[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class RunRecord:
    """The content of ``run.json``.

    Args:
        store: the store's folder, as an absolute path.
        created: when the record was last changed; UTC, ISO 8601.
        artifacts: stage, key and content digest of every node at the time of the copies, by name.
        published: the copies, by relative path.
        report: digest of the inputs of the report; None if there is no report.
        planned: stage and key of every node of the latest run, by name; an interrupted run has only some of them.
    """

    store: str | None = None
    created: str = ""
    artifacts: dict[str, dict[str, str]] = field(default_factory=dict)
    published: dict[str, Published] = field(default_factory=dict)
    report: str | None = None
    planned: dict[str, dict[str, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Publication:
    """A copy to make: ``subpath`` of an artifact to ``target`` in the run folder; a private file is created 0600."""

    target: str
    artifact: Artifact
    subpath: str
    private: bool = False


class RunFolder:
    """The folder of one run, created (0700) when it is first claimed."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __repr__(self) -> str:
        return f"RunFolder({str(self.path)!r})"

    @contextmanager
    def claim(self) -> Iterator[None]:
        """A context in which no other run writes to the folder.

        Raises:
            InputError: the folder contains something other than a run, or is a file.
            OutputInUseError: another run has claimed it.
        """
        self.check_free()
        make_private_folder(self.path)
        with hold_lock(self.path / _LOCK, self._refuse):
            if not (self.path / RECORD).exists():
                self._write_record(RunRecord())
            yield

    def check_free(self) -> None:
        """Check that the folder is absent, empty or a run folder.

        Raises:
            InputError: it contains something other than a run, or is a file.
        """
        if self.path.exists() and not self.path.is_dir():
            raise InputError(f"{self.path}: a file, not a folder; choose another --output")
        if not self.path.exists() or (self.path / RECORD).exists():
            return
        if {entry.name for entry in self.path.iterdir() if not is_temporary(entry.name)} - {_LOCK}:
            raise InputError(
                f"{self.path}: not empty and not a run folder (it has no {RECORD}); choose a new folder with --output"
            )

    def _refuse(self, process: str) -> None:
        raise OutputInUseError(
            f"{self.path}: another run (process {process}) is using this folder; wait until it ends, "
            "or choose another one with --output"
        )

    def record(self) -> RunRecord:
        """The record of the folder.

        Raises:
            InputError: it is not a run folder.
            IntegrityError: the record is damaged.
        """
        place = self.path / RECORD
        try:
            data = json.loads(place.read_text(encoding="utf-8"))
            if data.pop("schema_version") != SCHEMA_VERSION:
                raise ValueError
            data["published"] = {target: Published(**entry) for target, entry in data["published"].items()}
            return RunRecord(**data)
        except (FileNotFoundError, NotADirectoryError):
            raise InputError(f"{self.path}: not a run folder (it has no {RECORD}); give the folder of a run") from None
        except (ValueError, KeyError, TypeError, AttributeError):
            raise IntegrityError(
                f"{place}: not a readable record of a run; remove it and the copies next to it, and run again: "
                "the artifacts are in the store"
            ) from None

    def _write_record(self, record: RunRecord) -> None:
        data = {"schema_version": SCHEMA_VERSION, **asdict(record)}
        write_atomically(self.path / RECORD, json.dumps(data, indent=2) + "\n")

    def write_config(self, config: StageConfig) -> bool:
        """Write ``run.yaml``; returns whether it changed."""
        text = dump(config)
        place = self.path / "run.yaml"
        if place.is_file() and place.read_text(encoding="utf-8") == text:
            return False
        write_atomically(place, text)
        return True

    def write_plan(self, planned: Mapping[str, Mapping[str, str]], store: Store) -> None:
        """Record the planned artifacts of a run, so that an interrupted run can report what is missing.

        Args:
            planned: stage and key of every node, by name.
            store: where the artifacts will be.
        """
        record = self.record()
        plain = {name: dict(entry) for name, entry in planned.items()}
        new = replace(record, store=str(store.root.resolve()), planned=plain)
        if new != record:
            self._write_record(replace(new, created=_now()))

    def publish(
        self, publications: Sequence[Publication], *, store: Store, artifacts: Mapping[str, Artifact]
    ) -> list[str]:
        """Copy artifacts into the folder atomically; returns the targets that changed.

        Args:
            publications: copies to make; existing copies of the same content are kept.
            store: recorded, so that the run can be verified.
            artifacts: all artifacts of the run by node name, also recorded for verification.
        """
        record = self.record()
        published, changed = {}, []
        for each in publications:
            published[each.target] = entry = _entry(each)
            place = self.path / each.target
            is_there = self._is_there(each.target, entry) and manifest_beside(place).is_file()
            if record.published.get(each.target) != entry or not is_there:
                self._copy(each.artifact.path / each.subpath, place, each.private)
                write_atomically(manifest_beside(place), each.artifact.manifest.to_json(), private=each.private)
                changed.append(each.target)
        named = {
            name: {"stage": artifact.manifest.stage, "key": artifact.key, "content_digest": artifact.content_digest}
            for name, artifact in artifacts.items()
        }
        new = replace(record, store=str(store.root.resolve()), artifacts=named, published=published)
        if new != record:
            self._write_record(replace(new, created=_now()))
        return changed

    def _is_there(self, target: str, entry: Published) -> bool:
        place = self.path / target
        sizes = {name: record["size"] for name, record in entry.files.items()}
        if "" in sizes:
            return place.is_file() and place.stat().st_size == sizes[""]
        found = {path.relative_to(place).as_posix(): path for path in place.rglob("*") if path.is_file()}
        return found.keys() == sizes.keys() and all(found[name].stat().st_size == sizes[name] for name in found)

    def _copy(self, source: Path, target: Path, private: bool) -> None:
        for folder in reversed(target.parent.relative_to(self.path).parents):
            make_private_folder(self.path / folder)
        make_private_folder(target.parent)
        with storage_errors(target):
            temporary = temporary_beside(target)
            if private:
                temporary.touch(mode=0o600)
            if source.is_dir():
                shutil.copytree(source, temporary)
                for path in temporary.rglob("*"):
                    fsync_path(path)
            else:
                shutil.copyfile(source, temporary)
                fsync_path(temporary)
            replace_tree(temporary, target)

    def has_report(self, made_from: str) -> bool:
        """Whether the existing reports were made from inputs with this digest."""
        there = (self.path / "report.json").is_file() and (self.path / "report.html").is_file()
        return there and self.record().report == made_from

    def write_report(self, report: RunReport, html: str, made_from: str) -> None:
        """Write ``report.json`` and ``report.html``."""
        write_atomically(self.path / "report.json", report.to_json())
        write_atomically(self.path / "report.html", html)
        record = self.record()
        self._write_record(replace(record, created=_now(), report=made_from))

    def report(self) -> RunReport:
        """The report of the run.

        Raises:
            InputError: not a run folder, or the run is not finished.
            IntegrityError: the file is damaged, or has another version.
        """
        self.record()
        try:
            return RunReport.read(self.path / "report.json")
        except FileNotFoundError:
            remedy = f"finish the run with: deidsynth run {self.path / 'run.yaml'}"
            raise InputError(f"{self.path}: no report yet; {remedy}") from None


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _entry(publication: Publication) -> Published:
    """The files of a publication; a single file is recorded under the empty path."""
    manifest, subpath = publication.artifact.manifest, publication.subpath
    prefix = f"{subpath}/"
    files = {
        name.removeprefix(prefix) if name != subpath else "": asdict(record)
        for name, record in manifest.files.items()
        if name == subpath or name.startswith(prefix)
    }
    if not files:
        raise IntegrityError(f"{publication.artifact.path}: has no {subpath}; remove the folder and run again")
    return Published(manifest.key, manifest.content_digest, files)


def list_runs(root: Path) -> list[dict[str, Any]]:
    """One summary for each run folder up to three levels below ``root``, sorted by path; damaged ones are marked."""
    if not root.is_dir():
        raise InputError(f"{root}: no such folder; give the folder that contains the runs")
    return [_summary(place) for place in sorted(_run_folders(root, _LEVELS))]


def _run_folders(folder: Path, levels: int) -> Iterator[Path]:
    """The run folders at or below a folder, without searching in them or in hidden or locked folders."""
    if (folder / RECORD).is_file():
        yield folder
    elif levels and os.access(folder, os.R_OK | os.X_OK):
        for path in folder.iterdir():
            if path.is_dir() and not path.name.startswith("."):
                yield from _run_folders(path, levels - 1)


def _summary(place: Path) -> dict[str, Any]:
    folder = RunFolder(place)
    summary: dict[str, Any] = {"path": str(place), "status": "unfinished", "created": None, "language": None}
    summary |= {"gold_strict_f1": None, "synthetic_strict_f1": None}
    try:
        summary["created"] = folder.record().created or None
        if (place / "report.json").is_file():
            report = folder.report()
            models = report.models
            summary |= {"status": "finished", "created": report.created, "language": report.language}
            summary |= {"gold_strict_f1": models.gold.strict.f1, "synthetic_strict_f1": models.synthetic.strict.f1}
    except OtherVersionError:
        summary["status"] = "other version"
    except IntegrityError:
        summary["status"] = "damaged"
    return summary


def show_run(path: Path) -> dict[str, Any]:
    """The summary of a run, and all its artifacts with stage, key, size in bytes and duration.

    For an interrupted first run, the artifacts are the planned ones; not all are ``present``.

    Raises:
        InputError: no run folder.
        IntegrityError: its record or an artifact's manifest is damaged.
    """
    record = RunFolder(path).record()
    artifacts = []
    for name, entry in (record.artifacts or record.planned).items():
        artifact = Store(Path(record.store or "")).get(entry["key"], entry["stage"])
        shown: dict[str, Any] = {"name": name, "stage": entry["stage"], "key": entry["key"], "present": False}
        if artifact is not None:
            manifest = artifact.manifest
            shown |= {"present": True, "path": str(artifact.path), "size": manifest.size, "facts": manifest.facts}
            shown |= {"duration_seconds": manifest.duration_seconds, "lineage": manifest.lineage}
        artifacts.append(shown)
    return {**_summary(path), "store": record.store, "artifacts": artifacts, "published": sorted(record.published)}


def verify_run(path: Path) -> list[str]:
    """The problems of a run, one line each, after recomputing every digest; empty if there are none.

    Checked are the run's artifacts in the store, their inputs, and the copies in the run folder.

    Raises:
        InputError: no run folder.
    """
    record = RunFolder(path).record()
    store = Store(Path(record.store or ""))
    problems = [] if record.artifacts else _verify_unfinished(path, record, store)
    found: dict[str, Artifact] = {}
    for name, entry in record.artifacts.items():
        try:
            artifact = store.get(entry["key"], entry["stage"])
        except IntegrityError as error:
            problems.append(str(error))
            continue
        if artifact is None:
            problems.append(f"{name}: its artifact is not in the store {store.root}; run again to compute it")
            continue
        found[artifact.key] = artifact
        problems += store.verify(artifact)
        if artifact.content_digest != entry["content_digest"]:
            problems.append(f"{name}: its content in the store differs from that of this run; run again")
    for artifact in found.values():
        for role, used in artifact.manifest.inputs.items():
            if used.key in found and found[used.key].content_digest != used.content_digest:
                problems.append(f"{artifact.path.name}: made from different content of its input {role}; run again")
    for target, published in record.published.items():
        problems += _verify_copy(path, target, published)
    return problems


def _verify_unfinished(path: Path, record: RunRecord, store: Store) -> list[str]:
    """Progress and problems of a run that was interrupted before it published anything."""
    problems: list[str] = []
    n_there = 0
    for entry in record.planned.values():
        try:
            artifact = store.get(entry["key"], entry["stage"])
        except IntegrityError as error:
            problems.append(str(error))
            continue
        n_there += artifact is not None
        if artifact is not None:
            problems += store.verify(artifact)
    count = f"{n_there} of {len(record.planned)} artifacts" if record.planned else "no artifacts"
    return [f"unfinished: {count}; finish the run with: deidsynth run {path / 'run.yaml'}", *problems]


def _verify_copy(path: Path, target: str, published: Published) -> list[str]:
    recorded = {name: file["digest"] for name, file in published.files.items()}
    place = path / target
    if "" not in recorded:
        return compare_files(place, recorded, label=target)
    if not place.is_file():
        return [f"{target}: missing"]
    return [] if file_digest(place) == recorded[""] else [f"{target}: changed"]
