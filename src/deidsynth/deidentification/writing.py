"""Writing what inputs become: in a private folder first, then all at once, the manifest last."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from deidsynth.config.policy import Policy
from deidsynth.deidentification.counting import Counts
from deidsynth.deidentification.inputs.rows import Source
from deidsynth.deidentification.job import FAILURES, MAP, OUTPUT, Job
from deidsynth.deidentification.partial import Partial
from deidsynth.deidentification.policies import wants_surrogates
from deidsynth.deidentification.runtime import Deidentifier
from deidsynth.digests import digest
from deidsynth.files import make_private, manifest_beside, write_json
from deidsynth.locks import hold_output
from deidsynth.progress import Progress
from deidsynth.workflow.alone import refuse_occupied
from deidsynth.workflow.store.manifest import package_versions

SCHEMA_VERSION = 1
MOST_FAILURES = 1000
"""Documents that are named in a manifest, at most."""

_KEY = "key"
_PUBLISHING = "is_publishing"

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Destination:
    """Where texts are written to.

    Args:
        output: a folder, or a file.
        file: for a file, its name among the targets of the inputs; None for a folder.
        is_private: whether only its owner may read it.
        map_folder: absent or empty, for the mapping from replacements to originals; None for none.
    """

    output: Path
    file: str | None
    is_private: bool
    map_folder: Path | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was written.

    Args:
        counts: of documents and entities.
        failures: number, place and reason of documents that were not written, the first ones of many.
        masked_without_surrogate: entities that were masked without surrogate, by label.
    """

    counts: Counts
    failures: Sequence[Mapping[str, Any]]
    masked_without_surrogate: Mapping[str, int]


def write(
    sources: Sequence[Source],
    to: Destination,
    *,
    policy: Policy,
    key: bytes | None,
    load: Callable[[bytes | None], Deidentifier],
    identity: Mapping[str, Any],
    facts: Mapping[str, Any],
    tell: Tell,
    progress: Progress,
) -> Outcome:
    """What was written, after everything is; a killed call with the same identity is continued.

    Args:
        sources: the inputs.
        to: the destination.
        policy: what happens to each label.
        key: what surrogates are derived from, if the user has one.
        load: gives the runtime for a key.
        identity: everything that decides what is written, but for policy, key and versions.
        facts: for the manifest, beside counts and policy.
        tell: called with lines about what killed commands left, and what is continued.
        progress: who listens.

    Raises:
        InputError: the destination has something in it, or an input changed.
        OutputInUseError: another command is writing to it.
        StorageError: the disk is full or cannot be written.
    """
    whole = digest(
        {
            **identity,
            "schema_version": SCHEMA_VERSION,
            "versions": package_versions(),
            "policy": _settings(policy),
            "key": fingerprint(key),
            "map": to.map_folder is not None,
        }
    )
    with hold_output(to.output, tell):
        before = Partial.left(to.output, whole)
        is_publishing = before is not None and before.state.get(_PUBLISHING, False)
        for place in (to.output if to.file is None else None, to.map_folder):
            if place is not None and not is_publishing:
                refuse_occupied(place)
        partial = before or Partial.new(to.output, whole, tell)
        job: Job | None = None
        with partial.kept_if(lambda: job is not None and job.n_shards > 0):
            if not is_publishing:
                job = Job(
                    load(_key(partial, policy, key)),
                    sources,
                    partial,
                    with_map=to.map_folder is not None,
                    progress=progress,
                )
                if job.n_shards:
                    tell(f"continuing what a command that was stopped had left in {partial.folder}")
                job.run()
                if to.map_folder is not None:
                    partial.put(f"{MAP}/key.json", json.dumps({"key_fingerprint": fingerprint(key)}) + "\n")
                partial.finish_shard({_PUBLISHING: True})
        counts, failures = Job.counts_of(partial), list(islice(partial.lines(FAILURES), MOST_FAILURES))
        _publish(partial, to)
        manifest = _manifest(counts, failures, policy, facts)
        write_json(manifest_beside(to.output), manifest, private=to.is_private)
        partial.remove()
    return Outcome(counts, failures, counts.masked_without_surrogate(policy))


def fingerprint(key: bytes | None) -> str | None:
    """What tells a key from others and does not let it be guessed; None for none."""
    if key is None:
        return None
    return hashlib.scrypt(key, salt=b"deidsynth key fingerprint", n=2**14, r=8, p=1, dklen=16).hex()


def _key(partial: Partial, policy: Policy, key: bytes | None) -> bytes | None:
    """The user's key, or where surrogates go without one, that of this output alone, kept until that is written."""
    if key is not None or policy.scope != "document" or policy.random or not wants_surrogates(policy):
        return key
    path = partial.path(_KEY)
    if not path.is_file():
        partial.put(_KEY, secrets.token_hex(32))
    return path.read_bytes()


def _settings(policy: Policy) -> dict[str, Any]:
    """What a policy says, without what it says of itself, which decides nothing."""
    return policy.model_dump(mode="json", exclude={"about"})


def _publish(partial: Partial, to: Destination) -> None:
    """Move what was written to its place; what a killed command had moved is there already."""
    name = OUTPUT if to.file is None else f"{OUTPUT}/{to.file}"
    moved = [(MAP, to.map_folder)] if to.map_folder is not None else []
    for source, target in (*moved, (name, to.output)):
        if (partial.folder / source).exists() and (to.is_private or source == MAP):
            make_private(partial.folder / source)
        partial.publish(source, target)


def _manifest(
    counts: Counts, failures: Sequence[Mapping[str, Any]], policy: Policy, facts: Mapping[str, Any]
) -> dict[str, Any]:
    settings = _settings(policy)
    return {
        "schema_version": SCHEMA_VERSION,
        **facts,
        "policy": {"digest": digest(settings), **settings},
        "versions": package_versions(),
        "n_documents": counts.n_documents,
        "n_failed": counts.n_failed,
        "n_renamed": counts.n_renamed,
        "failed": [{"document": each["document"], "reason": each["reason"]} for each in failures],
        "entities": {
            "by_label": counts.by_label,
            "by_source": counts.by_source,
            "by_action": counts.by_action,
            "masked_without_surrogate": counts.masked_without_surrogate(policy),
        },
    }
