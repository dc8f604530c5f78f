"""The artifact store: one folder for each artifact, named by stage and key.

    root/artifacts/<stage>-<16 hex digits of the key>/   files and manifest.json; its presence means complete
    root/work/<same name>/output, scratch                the attempt in progress; survives a kill and is resumed
    root/locks/<same name>.lock                          one process at a time computes a key

An artifact is created by renaming a folder whose files are on disk and whose manifest was written last.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from deidsynth.digests import file_digest, hex_of
from deidsynth.errors import IntegrityError, OutputInUseError, StorageError
from deidsynth.files import (
    MANIFEST,
    fsync_path,
    make_private,
    make_private_folder,
    remove_tree,
    replace_tree,
    storage_errors,
    write_atomically,
)
from deidsynth.locks import hold_lock
from deidsynth.workflow.store.manifest import FileRecord, InputRecord, Manifest, faults, read_manifest

_KEY_DIGITS = 16
_ATTEMPT = "attempt.json"


@dataclass(frozen=True, slots=True)
class Artifact:
    """A finished artifact: its folder (read-only by convention) and its manifest."""

    path: Path
    manifest: Manifest

    @property
    def key(self) -> str:
        """The key, as known in the plan."""
        return self.manifest.key

    @property
    def content_digest(self) -> str:
        """The digest of the content."""
        return self.manifest.content_digest


@dataclass(frozen=True, slots=True)
class Work:
    """The reserved folder of an artifact in progress.

    Args:
        stage: name of the stage.
        key: key of the future artifact.
        folder: holds ``output`` and ``scratch``.
    """

    stage: str
    key: str
    folder: Path

    @property
    def output(self) -> Path:
        """Folder that becomes the artifact."""
        return self.folder / "output"

    @property
    def scratch(self) -> Path:
        """Folder for checkpoints, deleted when the artifact is finished."""
        return self.folder / "scratch"

    def prepare(self, inputs: Mapping[str, InputRecord]) -> int:
        """Create the folders and return the number of this attempt, from 1.

        Files of an earlier attempt are kept, unless its inputs had different content; incomplete temporary
        files (``.*.tmp``) are deleted.
        """
        content = {role: record.content_digest for role, record in sorted(inputs.items())}
        attempts = self._earlier_attempts(content)
        if attempts == 0:
            remove_tree(self.folder)
        make_private_folder(self.folder)
        with storage_errors(self.folder):
            self.output.mkdir(exist_ok=True)
            self.scratch.mkdir(exist_ok=True)
            for left in [self.output / MANIFEST, *self.output.rglob(".*.tmp")]:
                remove_tree(left)
        write_atomically(self.folder / _ATTEMPT, json.dumps({"inputs": content, "attempts": attempts + 1}))
        return attempts + 1

    def _earlier_attempts(self, content: Mapping[str, str]) -> int:
        try:
            record = json.loads((self.folder / _ATTEMPT).read_text(encoding="utf-8"))
            return int(record["attempts"]) if record["inputs"] == content else 0
        except (OSError, ValueError, KeyError, TypeError):
            return 0


class Store:
    """The artifacts below ``root``, created (0700) with the first one; what the store makes in it is always private."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def __repr__(self) -> str:
        return f"Store({str(self.root)!r})"

    def folder_of(self, key: str, stage: str) -> Path:
        """The path of an artifact, whether or not it exists."""
        return self.root / "artifacts" / _name(key, stage)

    def work_of(self, key: str, stage: str) -> Work:
        """The work folder of an artifact, whether or not it exists."""
        return Work(stage, key, self.root / "work" / _name(key, stage))

    def has(self, key: str, stage: str) -> bool:
        """Whether the artifact exists; its content is not checked."""
        return (self.folder_of(key, stage) / MANIFEST).is_file()

    def get(self, key: str, stage: str) -> Artifact | None:
        """The artifact, or None if it does not exist.

        Raises:
            IntegrityError: the manifest is damaged or belongs to another artifact.
        """
        folder = self.folder_of(key, stage)
        if not (folder / MANIFEST).is_file():
            return None
        manifest = read_manifest(folder / MANIFEST)
        if manifest.key != key or manifest.stage != stage:
            raise IntegrityError(f"{folder}: its manifest belongs to another artifact; remove the folder and run again")
        return Artifact(folder, manifest)

    @contextmanager
    def reserve(self, key: str, stage: str, on_wait: Callable[[str], None] = lambda _: None) -> Iterator[Work]:
        """A context in which no other process computes this artifact.

        Another process may have finished it during the wait, so call :meth:`get` first.

        Args:
            key: key of the artifact.
            stage: name of the stage.
            on_wait: called with the id of the process that reserves the artifact, before waiting for it.
        """
        name = _name(key, stage)
        if not self.root.is_dir():  # one that is there may hold other things, whose owner decides
            make_private_folder(self.root)
        for part in ("artifacts", "work", "locks"):
            make_private_folder(self.root / part)
        with hold_lock(self.root / "locks" / f"{name}.lock", on_wait):
            yield self.work_of(key, stage)

    def commit(self, work: Work, manifest: Manifest) -> Artifact:
        """Turn the output into the artifact: sync the files, write the manifest last, and rename the folder.

        An existing artifact of the same key is replaced.

        Raises:
            StorageError: the disk is full or not writable; no artifact was created.
        """
        if (work.output / MANIFEST).exists():
            raise IntegrityError(f"stage {work.stage} wrote a file named {MANIFEST}, which is reserved for the store")
        target = self.folder_of(work.key, work.stage)
        with storage_errors(target):
            complete = manifest.with_files(_record_files(work.output))
            write_atomically(work.output / MANIFEST, complete.to_json())
            if complete.may_be_of_real_text:
                make_private(work.output)
            replace_tree(work.output, target)
        self.discard_work(work)
        return Artifact(target, complete)

    def discard_work(self, work: Work) -> None:
        """Delete the files of an attempt; only inside :meth:`reserve`."""
        remove_tree(work.folder)

    def discard_leftover(self, artifact: Artifact) -> None:
        """Delete the work folder of a finished artifact, whose process was killed before it did so itself.

        Nothing happens while another process computes the artifact anew, or where the store cannot be written.
        """

        def leave(process: str) -> None:
            raise OutputInUseError(f"{artifact.path}: process {process} is computing it")

        stage = artifact.manifest.stage
        if self.work_of(artifact.key, stage).folder.is_dir():
            with suppress(OutputInUseError, StorageError), self.reserve(artifact.key, stage, leave) as work:
                self.discard_work(work)

    def artifacts(self) -> list[Artifact]:
        """All finished artifacts, sorted by folder name.

        Raises:
            IntegrityError: a manifest is damaged.
        """
        manifests = sorted((self.root / "artifacts").glob(f"*/{MANIFEST}"))
        visible = (path for path in manifests if not path.parent.name.startswith("."))
        return [Artifact(path.parent, read_manifest(path)) for path in visible]

    def remove(self, artifact: Artifact) -> None:
        """Remove an artifact; the manifest is deleted first, so that a partial artifact never looks complete."""
        with self.reserve(artifact.key, artifact.manifest.stage), storage_errors(artifact.path):
            (artifact.path / MANIFEST).unlink(missing_ok=True)
            remove_tree(artifact.path)

    def verify(self, artifact: Artifact) -> list[str]:
        """The problems of an artifact, one line each, after recomputing every digest; empty if there are none."""
        manifest, name = artifact.manifest, artifact.path.name
        problems = [f"{name}: {fault}" for fault in faults(manifest, artifact.path / MANIFEST)]
        recorded = {path: record.digest for path, record in manifest.files.items()}
        return problems + compare_files(artifact.path, recorded, label=name)


def compare_files(folder: Path, recorded: Mapping[str, str], *, label: str) -> list[str]:
    """Differences between the files below a folder and recorded digests, one line each, as ``label/path``.

    A manifest of the store does not count as a file; a link does, wherever it leads.
    """
    links = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_symlink()}
    found = links | set(_payload(folder))
    problems = [f"{label}/{path}: missing" for path in sorted(recorded.keys() - found)]
    problems += [f"{label}/{path}: not in the manifest" for path in sorted(found - recorded.keys())]
    for path in sorted(found & recorded.keys()):
        if not (folder / path).is_file() or file_digest(folder / path) != recorded[path]:
            problems.append(f"{label}/{path}: changed")
    return problems


def _name(key: str, stage: str) -> str:
    return f"{stage}-{hex_of(key)[:_KEY_DIGITS]}"


def _payload(folder: Path) -> list[str]:
    names = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return sorted(name for name in names if name != MANIFEST)


def _record_files(folder: Path) -> dict[str, FileRecord]:
    files = {}
    for name in _payload(folder):
        path = folder / name
        fsync_path(path)
        files[name] = FileRecord(file_digest(path), path.stat().st_size)
    for below in folder.rglob("*"):
        if below.is_dir():
            fsync_path(below)
    return files
