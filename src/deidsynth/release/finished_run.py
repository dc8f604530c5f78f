"""What of a run a release is made from: its copies, and the artifacts that these go back to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from deidsynth.errors import IntegrityError
from deidsynth.files import MANIFEST
from deidsynth.workflow.pipeline_plan import AUDIT_FILES, SYNTHETIC_CORPUS, NodeName, model_place
from deidsynth.workflow.run_record import RunRecord, read_record
from deidsynth.workflow.store import Artifact, Store
from deidsynth.workflow.store.manifest import faults

CORPUS = SYNTHETIC_CORPUS
TAGGER = model_place(NodeName.SYNTHETIC)
AUDIT = AUDIT_FILES["figures"]


@dataclass(frozen=True, slots=True)
class FinishedRun:
    """A run folder and the artifacts of its run that are in the store.

    Args:
        path: of the run folder.
        record: of the run.
        artifacts: by key; what is missing, or has a manifest that is not as it was written, is not among them.
    """

    path: Path
    record: RunRecord
    artifacts: Mapping[str, Artifact]

    @classmethod
    def read(cls, path: Path) -> Self:
        """The run in a folder.

        Raises:
            InputError: no run folder.
            IntegrityError: its record is damaged.
        """
        record = read_record(path)
        store, found = Store(Path(record.store or "")), dict[str, Artifact]()
        for entry in record.artifacts.values():
            with suppress(IntegrityError):  # the verification of the run tells it
                artifact = store.get(entry["key"], entry["stage"])
                if artifact is not None and _is_as_written(artifact):
                    found[artifact.key] = artifact
        return cls(path, record, found)

    def artifact_of(self, target: str) -> Artifact | None:
        """The artifact that a copy in the run folder was made from; None if there is no such copy or artifact."""
        published = self.record.published.get(target)
        return None if published is None else self.artifacts.get(published.key)

    def input_of(self, artifact: Artifact, role: str) -> Artifact | None:
        """An input of an artifact; None if it has none of that role, or it is not there."""
        used = artifact.manifest.inputs.get(role)
        return None if used is None else self.artifacts.get(used.key)

    def line_of(self, artifact: Artifact) -> list[Artifact]:
        """An artifact and all that it was made from, as far as these are there; inputs before what was made of them."""
        found: dict[str, Artifact] = {}
        self._collect(artifact, found)
        return list(found.values())

    def _collect(self, artifact: Artifact, found: dict[str, Artifact]) -> None:
        for role in sorted(artifact.manifest.inputs):
            above = self.input_of(artifact, role)
            if above is not None and above.key not in found:
                self._collect(above, found)
        found[artifact.key] = artifact

    def lacks(self, artifact: Artifact) -> Iterator[str]:
        """The roles of inputs, anywhere above an artifact, that are not there."""
        for each in self.line_of(artifact):
            yield from (role for role in each.manifest.inputs if self.input_of(each, role) is None)


def _is_as_written(artifact: Artifact) -> bool:
    """Whether a manifest can be relied on; those of earlier versions have no digest of their own."""
    return bool(artifact.manifest.manifest_digest) and not faults(artifact.manifest, artifact.path / MANIFEST)
