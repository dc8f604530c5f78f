"""Run folders: the results of a run for the user.

run.yaml                     the resolved configuration
run.json                     identifies a run folder; its artifacts, and the digest of every file, itself included
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

import hashlib
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from deidsynth.config import StageConfig, dump
from deidsynth.digests import ALGORITHM, file_digest
from deidsynth.errors import InputError, IntegrityError, OtherVersionError, OutputInUseError
from deidsynth.files import (
    fsync_path,
    is_temporary,
    make_private,
    make_private_folder,
    manifest_beside,
    replace_tree,
    storage_errors,
    temporary_beside,
    write_atomically,
)
from deidsynth.locks import hold_lock
from deidsynth.report.content import RunReport
from deidsynth.workflow.run_record import CONFIG, RECORD, REPORTS, Published, RunRecord, is_whole, read_record
from deidsynth.workflow.run_verification import LOCK, UNRECORDED, check_run
from deidsynth.workflow.store import Artifact, Store

_LEVELS = 3


@dataclass(frozen=True, slots=True)
class Publication:
    """A copy to make: ``subpath`` of an artifact to ``target`` in the run folder.

    It is for its owner only (0600, 0700) if ``private``, or if the artifact may go back to real text.
    """

    target: str
    artifact: Artifact
    subpath: str
    private: bool = False

    @property
    def is_private(self) -> bool:
        """Whether it is for its owner only."""
        return self.private or self.artifact.manifest.may_be_of_real_text


class RunFolder:
    """The folder of one run, created when it is first claimed, and made private (0700) whenever it is."""

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
        with hold_lock(self.path / LOCK, self._refuse):
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
        if {entry.name for entry in self.path.iterdir() if not is_temporary(entry.name)} - {LOCK}:
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
        return read_record(self.path)

    def _write_record(self, record: RunRecord) -> None:
        """Write the record; one of an earlier version gets the digests of what is there."""
        if record.is_early:
            there = {name: file_digest(self.path / name) for name in UNRECORDED if (self.path / name).is_file()}
            record = replace(record, files={**there, **record.files})
        write_atomically(self.path / RECORD, record.to_json())

    def _update(self, record: RunRecord, before: RunRecord) -> None:
        """Write a record that differs from the one before, or from what is on the disk."""
        if replace(record, record_digest="") != replace(before, record_digest="") or not self._is_recorded(before):
            self._write_record(replace(record, created=_now()))

    def _is_recorded(self, record: RunRecord) -> bool:
        return not record.is_early and is_whole(record, self.path)

    def write_config(self, config: StageConfig) -> bool:
        """Write ``run.yaml``; returns whether it changed."""
        return self.put({CONFIG: dump(config)})

    def put(self, texts: Mapping[str, str], *, private: bool = False, **changes: Any) -> bool:
        """Write files of the run and record their digests; returns whether any changed.

        Until all of them are there, the record has none of them, so that a run killed meanwhile is seen as unfinished.

        Args:
            texts: content by relative path.
            private: whether only the owner may read them (0600).
            changes: of other fields of the record.
        """
        digests = {name: _text_digest(text) for name, text in texts.items()}
        before = self.record()
        changed = [name for name in texts if not self.has(name, digests[name])]
        if any(name in before.files for name in changed):
            self._write_record(before.without_files(changed))
        for name in changed:
            write_atomically(self.path / name, texts[name], private=private)
        self._update(
            replace(before, files={**before.files, **digests}, **changes), self.record() if changed else before
        )
        return bool(changed)

    def has(self, name: str, digest: str | None = None) -> bool:
        """Whether a file of the run is there with this digest, by default the recorded one."""
        place, wanted = self.path / name, digest or self.record().files.get(name)
        return place.is_file() and file_digest(place) == wanted

    def write_plan(self, planned: Mapping[str, Mapping[str, str]], store: Store) -> None:
        """Record the planned artifacts of a run, so that an interrupted run can report what is missing.

        Args:
            planned: stage and key of every node, by name.
            store: where the artifacts will be.
        """
        record = self.record()
        plain = {name: dict(entry) for name, entry in planned.items()}
        self._update(replace(record, store=str(store.root.resolve()), planned=plain), record)

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
        entries = {each.target: _entry(each) for each in publications}
        changed = [each for each in publications if not self._is_published(each, record.published.get(each.target))]
        if changed:  # whoever looks meanwhile, or after a kill, sees a run that is not finished
            left = {target: entry for target, entry in record.published.items() if entries.get(target) == entry}
            for each in changed:
                left.pop(each.target, None)
            self._write_record(replace(record, artifacts={}, published=left))
        for each in changed:
            place = self.path / each.target
            self._copy(each.artifact.path / each.subpath, place, each.is_private)
            write_atomically(manifest_beside(place), each.artifact.manifest.to_json(), private=each.is_private)
        for each in publications:
            if each.is_private:
                make_private(self.path / each.target)
                make_private(manifest_beside(self.path / each.target))
        named = {
            name: {"stage": artifact.manifest.stage, "key": artifact.key, "content_digest": artifact.content_digest}
            for name, artifact in artifacts.items()
        }
        new = replace(record, store=str(store.root.resolve()), artifacts=named, published=entries)
        self._update(new, self.record() if changed else record)
        return [each.target for each in changed]

    def _is_published(self, publication: Publication, recorded: Published | None) -> bool:
        """Whether a copy is there, as far as names and sizes say, with the manifest of the same artifact."""
        entry, beside = _entry(publication), manifest_beside(self.path / publication.target)
        if recorded is None or replace(entry, manifest=recorded.manifest) != recorded:
            return False
        is_there = self._is_there(publication.target, entry) and beside.is_file()
        return is_there and file_digest(beside) == entry.manifest

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
            if source.is_dir():
                shutil.copytree(source, temporary)
                for path in temporary.rglob("*"):
                    fsync_path(path)
            else:
                temporary.touch(mode=0o600 if private else 0o666)
                shutil.copyfile(source, temporary)
                fsync_path(temporary)
            if private:
                make_private(temporary)
            replace_tree(temporary, target)

    def has_report(self, made_from: str) -> bool:
        """Whether the existing reports were made from inputs with this digest, and are what was written then."""
        return self.record().report == made_from and all(map(self.has, REPORTS))

    def write_report(self, report: RunReport, html: str, made_from: str) -> None:
        """Write ``report.json`` and ``report.html``."""
        self.put(dict(zip(REPORTS, (report.to_json(), html), strict=True)), report=made_from)

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


def _text_digest(text: str) -> str:
    return f"{ALGORITHM}:{hashlib.sha256(text.encode('utf-8')).hexdigest()}"


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
    return Published(manifest.key, manifest.content_digest, files, _text_digest(manifest.to_json()))


def list_runs(root: Path) -> list[dict[str, Any]]:
    """One summary for each run folder up to three levels below ``root``, sorted by path; damaged ones are marked."""
    if not root.is_dir():
        raise InputError(f"{root}: no such folder; give the folder that contains the runs")
    return [_summary(place) for place in sorted(_run_folders(root, _LEVELS))]


def _run_folders(folder: Path, levels: int) -> Iterator[Path]:
    """The run folders at or below a folder, without searching in them or in hidden or locked folders."""
    if not os.access(folder, os.R_OK | os.X_OK):
        return
    if (folder / RECORD).is_file():
        yield folder
    elif levels:
        for path in folder.iterdir():
            if path.is_dir() and not path.name.startswith("."):
                yield from _run_folders(path, levels - 1)


def _summary(place: Path) -> dict[str, Any]:
    folder = RunFolder(place)
    summary: dict[str, Any] = {"path": str(place), "status": "unfinished", "created": None, "language": None}
    summary |= {"gold_strict_f1": None, "synthetic_strict_f1": None}
    try:
        record = folder.record()
        summary["created"] = record.created or None
        if (place / "report.json").is_file() and not record.is_unfinished:
            report = folder.report()
            models = report.models
            summary |= {"status": "finished", "created": report.created, "language": report.language}
            summary |= {"gold_strict_f1": models.gold.strict.f1, "synthetic_strict_f1": models.synthetic.strict.f1}
    except OtherVersionError:
        summary["status"] = "other version"
    except (IntegrityError, InputError):
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
    """The problems of a run, one line each; being unfinished is none, see ``check_run``."""
    return list(check_run(path).problems)
