"""The last look at a bundle before it is there: paths of this machine, and digests that go back to real text."""

from __future__ import annotations

import re
from pathlib import Path

from deidsynth.digests import hex_of
from deidsynth.release.finished_run import CORPUS, TAGGER, FinishedRun

_DIGITS = 16
"""As many hexadecimal digits of a key name its artifact in the store."""

_HEX = re.compile(rb"[0-9a-f]{16,}")
_WEIGHTS = ".safetensors"
_NO_PATHS = ("corpus", "tokenizer.json", "vocab")
"""Where text may look like a path without being one."""


def find_traces(folder: Path, run: FinishedRun) -> list[str]:
    """The files in a bundle that name a private place or hold a digest of private data, by relative path."""
    digests = {hex_of(each)[:_DIGITS].encode() for each in _private_digests(run)}
    places = [place.encode() for place in _places(run)]
    found = []
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if not path.is_file() or path.suffix == _WEIGHTS:
            continue
        content = path.read_bytes()
        # ids in vocabularies are short; a text of a note may look like a path
        looks_free = name.startswith(_NO_PATHS) or path.name.startswith(_NO_PATHS)
        holds = any(each.group()[:_DIGITS] in digests for each in _HEX.finditer(content))
        if holds or (not looks_free and any(place in content for place in places)):
            found.append(name)
    return found


def _private_digests(run: FinishedRun) -> set[str]:
    """Keys and digests that a bundle has no need of: of all artifacts, but for the content of corpus and model."""
    released = {published.key for target in (CORPUS, TAGGER) if (published := run.record.published.get(target))}
    private, public = set[str](), set[str]()
    for artifact in run.artifacts.values():
        manifest = artifact.manifest
        private |= {each for each in (manifest.key, manifest.source, manifest.manifest_digest) if each}
        private |= {entry["source"] for entries in manifest.lineage.values() for entry in entries if "source" in entry}
        content = {manifest.content_digest, *(record.digest for record in manifest.files.values())}
        (public if artifact.key in released else private).update(content)
    return private - public


def _places(run: FinishedRun) -> list[str]:
    """Paths of this run and of its owner."""
    stated = [str(run.path.resolve()), str(run.path.absolute()), run.record.store or "", str(Path.home())]
    return [place for place in stated if len(place) > 1]
