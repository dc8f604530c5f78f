"""Manifests of artifacts: how an artifact was made, from which inputs, and the digest of every file."""

from __future__ import annotations

import importlib.metadata
import json
import platform
import subprocess
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from functools import cache
from pathlib import Path
from typing import Any

from deidsynth.digests import digest
from deidsynth.errors import IntegrityError

SCHEMA_VERSION = 1
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

    key: str
    content_digest: str


@dataclass(frozen=True, slots=True)
class FileRecord:
    """A file of the artifact; ``size`` in bytes."""

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
    """

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

    @property
    def size(self) -> int:
        """Total size of the files in bytes."""
        return sum(record.size for record in self.files.values())

    def to_json(self) -> str:
        """The manifest as readable JSON."""
        return json.dumps(asdict(self), indent=2, sort_keys=True, allow_nan=False) + "\n"


def read_manifest(path: Path) -> Manifest:
    """The manifest from a file.

    Raises:
        IntegrityError: it is not a manifest of this version.
    """
    remedy = f"remove {path.parent} and run again to compute the artifact again"
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        version = data["schema_version"]
        if version != SCHEMA_VERSION:
            raise IntegrityError(f"{path}: schema version {version}, this deidsynth reads {SCHEMA_VERSION}; {remedy}")
        data["inputs"] = {role: InputRecord(**record) for role, record in data["inputs"].items()}
        data["files"] = {name: FileRecord(**record) for name, record in data["files"].items()}
        missing = {each.name for each in fields(Manifest)} - data.keys()
        if missing:
            raise KeyError(*missing)
        return Manifest(**data)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise IntegrityError(f"{path}: not a readable manifest; {remedy}") from None


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
