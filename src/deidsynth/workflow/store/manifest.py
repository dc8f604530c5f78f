"""Manifests of artifacts: how an artifact was made, from which inputs, and the digest of every file."""

from __future__ import annotations

import importlib.metadata
import json
import platform
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from functools import cache
from pathlib import Path
from typing import Any, ClassVar, Self

from pydantic import ConfigDict, TypeAdapter

from deidsynth.digests import digest
from deidsynth.errors import IntegrityError

SCHEMA_VERSION = 1
STRICT = ConfigDict(extra="forbid", strict=True)
"""How the records of the store and of run folders are read: nothing unknown, nothing of another type."""

_PACKAGES = ("deidsynth", "torch", "transformers", "peft", "tokenizers", "numpy")


def artifact_key(
    *,
    stage: str,
    stage_version: int,
    config: Mapping[str, Any],
    seed: int | None,
    precision: str | None,
    inputs: Mapping[str, str],
    source: str | None = None,
    external: Mapping[str, str] | None = None,
) -> str:
    """The key of an artifact, known before it is computed: device, workers and paths are not part of it.

    Args:
        stage: name of the stage.
        stage_version: increased whenever the output changes for the same arguments.
        config: resolved configuration, plain JSON.
        seed: None if the stage is deterministic.
        precision: None if the stage does not depend on it.
        inputs: key of each input artifact, by role.
        source: digest of the content, for a stage whose content comes from outside.
        external: digest of the content of paths in the configuration, by dotted key; it replaces the path.
    """
    settled = json.loads(json.dumps(config))
    for dotted, content in (external or {}).items():
        *above, last = dotted.split(".")
        place = settled
        for part in above:
            place = place[part]
        place[last] = content
    return digest(
        {
            "stage": stage,
            "stage_version": stage_version,
            "config": settled,
            "seed": seed,
            "precision": precision,
            "inputs": dict(inputs),
            "source": source,
        }
    )


@dataclass(frozen=True, slots=True)
class InputRecord:
    """An input artifact at the time of its use."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    key: str
    content_digest: str


@dataclass(frozen=True, slots=True)
class FileRecord:
    """A file of the artifact; ``size`` in bytes."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    digest: str
    size: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """The record of one artifact.

    Args:
        key: from :func:`artifact_key`.
        stage: name of the stage.
        stage_version: version of the stage.
        name: of the node in the plan that made the artifact.
        config: resolved configuration.
        seed: None if the stage is deterministic.
        precision: None if the stage does not depend on it.
        inputs: by role.
        lineage: the real and invented data that the artifact derives from.
        source: digest of content from outside.
        external: digest of the content of paths in the configuration.
        facts: counts and rates reported by the stage.
        device: of the computation.
        created: UTC, ISO 8601.
        duration_seconds: of the successful attempt.
        attempts: number of attempts; more than one after an interruption.
        versions: of Python and of packages that affect results; None if not installed.
        git_commit: of deidsynth, if it runs from a checkout.
        files: by relative POSIX path; set by the store.
        content_digest: of the paths and digests of the files; set by the store.
        manifest_digest: of all other fields; set by the store, empty in manifests of before it was recorded.
    """

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    key: str
    stage: str
    stage_version: int
    name: str
    config: dict[str, Any]
    seed: int | None
    precision: str | None
    inputs: dict[str, InputRecord]
    lineage: dict[str, Any] = field(default_factory=dict)
    source: str | None = None
    external: dict[str, str] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    device: str = "cpu"
    created: str = ""
    duration_seconds: float = 0.0
    attempts: int = 1
    versions: dict[str, str | None] = field(default_factory=dict)
    git_commit: str | None = None
    files: dict[str, FileRecord] = field(default_factory=dict)
    content_digest: str = ""
    schema_version: int = SCHEMA_VERSION
    manifest_digest: str = ""

    def derived_key(self) -> str:
        """The key, recomputed from the manifest."""
        return artifact_key(
            stage=self.stage,
            stage_version=self.stage_version,
            config=self.config,
            seed=self.seed,
            precision=self.precision,
            inputs={role: record.key for role, record in self.inputs.items()},
            source=self.source,
            external=self.external,
        )

    def derived_content_digest(self) -> str:
        """The content digest, recomputed from the recorded files."""
        return digest({path: record.digest for path, record in self.files.items()})

    def with_files(self, files: Mapping[str, FileRecord]) -> Self:
        """The manifest of the same artifact with these files, with the digests that follow from them."""
        changed = replace(self, files=dict(files))
        changed = replace(changed, content_digest=changed.derived_content_digest())
        return replace(changed, manifest_digest=changed.derived_manifest_digest())

    def derived_manifest_digest(self) -> str:
        """The digest of the manifest, recomputed from all its other fields."""
        return digest({name: value for name, value in asdict(self).items() if name != "manifest_digest"})

    @property
    def may_be_of_real_text(self) -> bool:
        """Whether the artifact may go back to real text: to anything that is not known to be invented."""
        return is_of_real_text(self.lineage)

    @property
    def size(self) -> int:
        """Total size of the files in bytes."""
        return sum(record.size for record in self.files.values())

    def to_json(self) -> str:
        """The manifest as readable JSON; an early one as it was written."""
        data = {name: value for name, value in asdict(self).items() if name != "manifest_digest" or value}
        return json.dumps(data, indent=2, sort_keys=True, allow_nan=False) + "\n"


def is_of_real_text(lineage: Mapping[str, Sequence[Any]]) -> bool:
    """Whether a lineage may go back to real text: to anything that is not known to be invented."""
    return any(sources for kind, sources in lineage.items() if kind != "invented_data")


_MANIFEST: TypeAdapter[Manifest] = TypeAdapter(Manifest)
_NEEDED = {each.name for each in fields(Manifest)} - {"manifest_digest"}


def read_manifest(path: Path) -> Manifest:
    """The manifest from a file; whether its digest holds is for ``faults`` to say.

    Raises:
        IntegrityError: it cannot be read, or is not a manifest of this version.
    """
    remedy = f"remove {path.parent} and run again to compute the artifact again"
    try:
        text = path.read_text(encoding="utf-8")
        data = json.loads(text)
        version = data["schema_version"]
        if version != SCHEMA_VERSION:
            raise IntegrityError(f"{path}: schema version {version}, this deidsynth reads {SCHEMA_VERSION}; {remedy}")
        if not data.keys() >= _NEEDED:
            raise KeyError
        return _MANIFEST.validate_json(text)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise IntegrityError(f"{path}: not a readable manifest; {remedy}") from None


def faults(manifest: Manifest, path: Path) -> list[str]:
    """What does not hold in a manifest in a file, as far as it says; empty if all of it does."""
    found = []
    if manifest.derived_key() != manifest.key:
        found.append("the key does not match the manifest")
    if manifest.derived_content_digest() != manifest.content_digest:
        found.append("the content digest does not match the recorded files")
    if not found and manifest.manifest_digest:
        # Its text follows from its content, so that not even another blank goes unseen.
        is_whole = path.read_bytes() == manifest.to_json().encode("utf-8")
        if not is_whole or manifest.derived_manifest_digest() != manifest.manifest_digest:
            found.append("the manifest was changed")
    return found


@cache
def _package_versions() -> tuple[tuple[str, str | None], ...]:
    found: list[tuple[str, str | None]] = [("python", platform.python_version())]
    for package in _PACKAGES:
        try:
            found.append((package, importlib.metadata.version(package)))
        except importlib.metadata.PackageNotFoundError:
            found.append((package, None))
    return tuple(found)


def package_versions() -> dict[str, str | None]:
    """Versions of Python and of the packages that affect results, without importing them."""
    return dict(_package_versions())


@cache
def source_commit() -> str | None:
    """The git commit of the checkout that deidsynth runs from, with ``-dirty`` if it has changes; None otherwise."""
    root = Path(__file__).resolve().parents[4]
    if not (root / ".git").exists() or not (root / "src" / "deidsynth").is_dir():
        return None
    command = ["git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() or None
