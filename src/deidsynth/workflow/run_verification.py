"""Whether a run is whole: every digest of it is computed again, and what is unfinished is told from what is damaged."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from deidsynth.digests import file_digest
from deidsynth.errors import IntegrityError
from deidsynth.files import is_temporary, manifest_beside
from deidsynth.workflow.pipeline_plan import TEST_FOLDER
from deidsynth.workflow.run_record import CONFIG, RECORD, REPORTS, Published, RunRecord, is_whole, read_record
from deidsynth.workflow.store import Artifact, Store
from deidsynth.workflow.store.store import compare_files

LOCK = ".lock"
UNRECORDED = (CONFIG, *REPORTS, f"{TEST_FOLDER}/errors.html")
"""The files of a run that records of earlier versions do not have."""


@dataclass(frozen=True, slots=True)
class Verification:
    """What is the matter with a run, one line each.

    Args:
        problems: what is missing, changed, or there although it should not be.
        unfinished: how far the run is and how to finish it; None if it is finished.
        notes: what could not be checked.
    """

    problems: tuple[str, ...] = ()
    unfinished: str | None = None
    notes: tuple[str, ...] = ()

    @property
    def status(self) -> Literal["damaged", "unfinished", "whole"]:
        """Damaged, or else unfinished, or else whole."""
        if self.problems:
            return "damaged"
        return "whole" if self.unfinished is None else "unfinished"


@dataclass(slots=True)
class _Check:
    """A verification under way."""

    path: Path
    record: RunRecord
    problems: list[str] = field(default_factory=list)
    n_early: int = 0

    @property
    def store(self) -> Store:
        return Store(Path(self.record.store or ""))

    def artifact(self, stage: str, key: str) -> Artifact | None:
        """An artifact of the store; all its problems are noted."""
        try:
            artifact = self.store.get(key, stage)
        except IntegrityError as error:
            self.problems.append(str(error))
            raise
        if artifact is not None:
            self.problems += self.store.verify(artifact)
            self.n_early += not artifact.manifest.manifest_digest
        return artifact


def check_run(path: Path) -> Verification:
    """What is the matter with a run, after computing every digest again.

    Checked are the record of the run, its artifacts in the store and their inputs, the copies in the run folder, its
    configuration and reports, and that nothing else is there.

    Raises:
        InputError: no run folder.
        IntegrityError: its record cannot be read.
    """
    check = _Check(path, read_record(path))
    record = check.record
    if not is_whole(record, path):
        check.problems.append(f"{RECORD}: changed; run again to write it anew")
    unfinished = _progress(check) if record.is_unfinished else None
    if record.artifacts:
        _check_artifacts(check)
    for target, published in record.published.items():
        check.problems += _of_copy(path, target, published)
    check.problems += _of_files(path, record)
    if unfinished is None:
        check.problems += _extra(path, record)
    return Verification(tuple(check.problems), unfinished, tuple(_notes(check)))


def _check_artifacts(check: _Check) -> None:
    """Check the artifacts of the run in the store, and that each was made from the others as they are."""
    found: dict[str, Artifact] = {}
    for name, entry in check.record.artifacts.items():
        try:
            artifact = check.artifact(entry["stage"], entry["key"])
        except IntegrityError:
            continue
        if artifact is None:
            place = check.store.root
            check.problems.append(f"{name}: its artifact is not in the store {place}; run again to compute it")
            continue
        found[artifact.key] = artifact
        if artifact.content_digest != entry.get("content_digest"):
            check.problems.append(f"{name}: its content in the store differs from that of this run; run again")
    for artifact in found.values():
        for role, used in artifact.manifest.inputs.items():
            if used.key in found and found[used.key].content_digest != used.content_digest:
                line = f"{artifact.path.name}: made from different content of its input {role}; run again"
                check.problems.append(line)


def _progress(check: _Check) -> str:
    """How far an unfinished run is; what it has made so far is checked where nothing else does."""
    record, n_there = check.record, 0
    for entry in record.planned.values():
        if entry["key"] in {made["key"] for made in record.artifacts.values()}:
            n_there += check.store.has(entry["key"], entry["stage"])
            continue
        try:
            n_there += check.artifact(entry["stage"], entry["key"]) is not None
        except IntegrityError:
            continue
    count = f"{n_there} of {len(record.planned)} artifacts" if record.planned else "no artifacts"
    return f"unfinished: {count}; finish the run with: deidsynth run {check.path / CONFIG}"


def _of_copy(path: Path, target: str, published: Published) -> list[str]:
    """The problems of a copy and of the manifest beside it."""
    recorded = {name: str(file.get("digest", "")) for name, file in published.files.items()}  # none: it differs
    place = path / target
    problems = (
        compare_files(place, recorded, label=target) if "" not in recorded else _of_file(place, target, recorded[""])
    )
    if published.manifest:
        beside = manifest_beside(place)
        problems += _of_file(beside, beside.relative_to(path).as_posix(), published.manifest)
    return problems


def _of_files(path: Path, record: RunRecord) -> list[str]:
    """The problems of configuration, reports and pages."""
    return [line for name, digest in record.files.items() for line in _of_file(path / name, name, digest)]


def _of_file(place: Path, name: str, digest: str) -> list[str]:
    if not place.is_file():
        return [f"{name}: missing"]
    return [] if file_digest(place) == digest else [f"{name}: changed"]


def _extra(path: Path, record: RunRecord) -> list[str]:
    """What is in the folder of a finished run and is no part of it."""
    known = {LOCK, RECORD, *record.files, *record.published, *(UNRECORDED if record.is_early else ())}
    known |= {manifest_beside(Path(target)).as_posix() for target in record.published}
    problems = []
    for place in sorted(path.rglob("*")):
        name = place.relative_to(path).as_posix()
        inside = any(name.startswith(f"{target}/") for target in record.published)
        if name in known or inside or (place.is_dir() and not place.is_symlink() and not is_temporary(place.name)):
            continue
        if any(map(is_temporary, Path(name).parts[:-1])):
            continue
        left = is_temporary(place.name)
        problems.append(f"{name}: {'left by a killed process; remove it' if left else 'not part of the run'}")
    return problems


def _notes(check: _Check) -> list[str]:
    early = "made by an earlier version, which did not record"
    notes = [f"{RECORD}: {early} its own digest and those of {CONFIG} and the reports"] if check.record.is_early else []
    if check.n_early:
        count = f"{check.n_early} artifact{'' if check.n_early == 1 else 's'}"
        notes.append(f"{count}: {early} digests of manifests, so lineage, facts and versions in them are not checked")
    return notes
