"""What an artifact says of itself: how it was made, from what, and the digest of every file."""

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
FILE_NAME = "manifest.json"
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
    """The key of an artifact, known before it is made: device, workers and paths have no part in it.

    Args:
        stage: name of the stage.
        stage_version: raised whenever the stage would give another output for the same arguments.
        config: resolved configuration, plain JSON.
        seed: None where there is no chance in the stage.
        precision: None where the stage computes nothing with it.
        inputs: key of each input artifact, by role.
        source: digest of the content, for a stage that takes it from outside.
        external: digest of what a path in the configuration leads to, by dotted key; it stands in for the path.
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
    """An input artifact as it was when it was used."""

    key: str
    content_digest: str


@dataclass(frozen=True, slots=True)
class FileRecord:
    """A file of the payload; ``size`` in bytes."""

    digest: str
    size: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """The record of one artifact.

    Args:
        key: see :func:`artifact_key`.
        stage: name of the stage.
        stage_version: version of the stage.
        name: what the plan called the node when the artifact was made.
        config: resolved configuration.
        seed: None where there is no chance in the stage.
        precision: None where the stage does not compute with it.
        inputs: by role.
        lineage: which real and invented data the artifact goes back to.
        source: digest of content from outside.
        external: digest of what paths in the configuration lead to.
        facts: what the stage said of its work: counts and rates.
        device: where it was computed.
        created: UTC, ISO 8601.
        duration_seconds: of the attempt that finished.
        attempts: how often the work was begun; more than one where a run was interrupted.
        versions: of Python and of the packages that matter; None for one that is not installed.
        git_commit: of the source tree of deidsynth, where it runs from a checkout.
        files: the payload, by relative POSIX path; filled in by the store.
        content_digest: over the files' paths and digests; filled in by the store.
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
        """The key, computed again from what the manifest records."""
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
        """The content digest, computed again from the recorded files."""
        return digest({path: record.digest for path, record in self.files.items()})

    @property
    def size(self) -> int:
        """Bytes of the payload."""
        return sum(record.size for record in self.files.values())

    def to_json(self) -> str:
        """The manifest as JSON, for people to read too."""
        return json.dumps(asdict(self), indent=2, sort_keys=True, allow_nan=False) + "\n"


def read_manifest(path: Path) -> Manifest:
    """The manifest in a file.

    Raises:
        IntegrityError: it is not a manifest of this version.
    """
    remedy = f"remove {path.parent} and run again to make the artifact anew"
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
    """Versions of Python and of the packages that shape an artifact; nothing is imported for it."""
    return dict(_package_versions())


@cache
def source_commit() -> str | None:
    """The git commit of the checkout that deidsynth runs from, ``-dirty`` where it has changes; None elsewhere."""
    root = Path(__file__).resolve().parents[4]
    if not (root / ".git").exists() or not (root / "src" / "deidsynth").is_dir():
        return None
    command = ["git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() or None
