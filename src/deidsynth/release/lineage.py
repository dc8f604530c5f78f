"""What the corpus and the model of a run go back to, by their manifests, and what of it keeps them from leaving.

The corpus may go back to real documents through models: what it gives away of these is what the audit measures. The
model may not, other than through that corpus. Its weights, tokenizer, augmentation and choice of epoch come from its
training corpus and from a public encoder, since the stage that trains it has no other inputs.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from deidsynth.corpora.provenance import lineage_beside
from deidsynth.documents import Corpus
from deidsynth.files import manifest_beside
from deidsynth.release.finished_run import CORPUS, TAGGER, FinishedRun
from deidsynth.release.refusals import Refusal
from deidsynth.stages.adapt import ADAPT
from deidsynth.stages.base import BASE
from deidsynth.stages.synthesize import SYNTHESIZE
from deidsynth.starters import Kind, kind_of_base
from deidsynth.workflow.external import content_of
from deidsynth.workflow.store import Artifact, Manifest

_AGAIN = "run again to make it anew"


def lineage_refusals(run: FinishedRun, corpus: Corpus | None) -> list[Refusal]:
    """Why the lineage of corpus and model keeps them from leaving; empty if it does not.

    Args:
        run: the run.
        corpus: its synthetic corpus; None if it cannot be read.
    """
    return [*_of_corpus(run, corpus), *_of_tagger(run)]


def base_named(manifest: Manifest, key: str) -> str | None:
    """The public name of the model that a training began from: a starter, ``scratch``, a hub id; None of a folder."""
    name = str(manifest.config.get(key, ""))
    return name if kind_of_base(name) != "hub" or key not in manifest.external else None


def _of_corpus(run: FinishedRun, corpus: Corpus | None) -> Iterator[Refusal]:
    artifact = run.artifact_of(CORPUS)
    if corpus is None:
        yield Refusal(CORPUS, f"cannot be read as a corpus; {_AGAIN}")
    elif corpus.origin != "synthetic" or corpus.annotation != "silver":
        yield Refusal(
            CORPUS,
            f"its text is {corpus.origin} and its annotation {corpus.annotation}; only synthetic text with silver "
            "annotation is released",
        )
    yield from _without_lineage(run, CORPUS, artifact)
    for each in () if artifact is None else run.line_of(artifact):
        if each.manifest.stage in (ADAPT.name, BASE.name):
            yield from _of_base(CORPUS, each.manifest, "base", "causal", "the language model")
        if each.manifest.stage == SYNTHESIZE.name:
            yield from _of_sampling(run, each)


def _of_tagger(run: FinishedRun) -> Iterator[Refusal]:
    artifact, corpus = run.artifact_of(TAGGER), run.artifact_of(CORPUS)
    yield from _without_lineage(run, TAGGER, artifact)
    if artifact is None:
        return
    inputs = {role: used.key for role, used in artifact.manifest.inputs.items()}
    if _is_of_real_text(artifact):
        yield Refusal(TAGGER, "was trained on real text; only a model that saw nothing but synthetic notes is released")
    elif corpus is not None and inputs != {"corpus": corpus.key}:
        yield Refusal(TAGGER, f"was trained on something else than the synthetic corpus of this run; {_AGAIN}")
    yield from _of_base(TAGGER, artifact.manifest, "encoder", "encoder", "its encoder")


def _is_of_real_text(artifact: Artifact) -> bool:
    """Whether an artifact or what it was made from holds text that is not known to be invented."""
    return any(
        entry.get("direct", True)
        for kind, entries in artifact.manifest.lineage.items()
        if kind != "invented_data"
        for entry in entries
    )


def _without_lineage(run: FinishedRun, target: str, artifact: Artifact | None) -> Iterator[Refusal]:
    """Why it is not known what something goes back to."""
    if artifact is None or not manifest_beside(run.path / target).is_file():
        yield Refusal(target, f"lineage is missing: no manifest as it was written says what it goes back to; {_AGAIN}")
        return
    if not artifact.manifest.lineage:
        yield Refusal(target, f"lineage is missing: its manifest names no data that it goes back to; {_AGAIN}")
    if roles := sorted(set(run.lacks(artifact))):
        above = f"what it was made from ({', '.join(roles)})"
        yield Refusal(target, f"lineage is missing: no manifest as it was written is there of {above}; {_AGAIN}")


def _of_base(target: str, manifest: Manifest, key: str, kind: Kind, words: str) -> Iterator[Refusal]:
    """Why the model that a training began from keeps its result from leaving.

    Starters are public, and so is what a hub has; a folder is what its own manifest says.

    Args:
        target: what was made in the end.
        manifest: of the training.
        key: of its configuration, which names the model.
        kind: of the model.
        words: for the message.
    """
    if base_named(manifest, key) is not None:
        return
    folder = Path(str(manifest.config[key])).expanduser()
    is_there = folder.is_dir() and content_of(folder) == manifest.external[key]
    lineage = lineage_beside(folder) if is_there else None
    if lineage is not None and lineage.get("real_data"):
        yield Refusal(
            target, f"{words} began from a model that saw real text, which the audit does not cover; use a public one"
        )
    elif lineage is None or any(entries for of, entries in lineage.items() if of != "invented_data"):
        what = "a language model" if kind == "causal" else "an encoder"
        yield Refusal(
            target,
            f"{words} began from a local folder, and nothing tells which data that has seen; use {what} by its hub id "
            "or a starter, or accept it if you know that it is public",
            may_be_accepted=True,
        )


def _of_sampling(run: FinishedRun, artifact: Artifact) -> Iterator[Refusal]:
    """Why the way in which the notes were sampled keeps them from leaving."""
    config: dict[str, Any] = artifact.manifest.config
    prompts, endpoint = config.get("prompts", {}), config.get("endpoint", {})
    if endpoint.get("base_url") is not None:
        yield Refusal(
            CORPUS,
            "a server wrote the notes, and nothing tells which data its model has seen; accept it if you know that the "
            "model saw no real text but that of this run",
            may_be_accepted=True,
        )
    given = run.input_of(artifact, "prompts")
    is_real = given is None or given.manifest.may_be_of_real_text
    if prompts.get("source") == "validation" and prompts.get("pii") == "keep" and is_real:
        yield Refusal(
            CORPUS,
            "its notes begin with the first words of real notes as they stand, names included; run again with "
            "synthesize.prompts.pii=surrogate or drop",
        )
    if prompts.get("source") == "file":
        yield Refusal(
            CORPUS,
            "its notes begin with prompts from a file, and nothing tells where these come from; accept it if you know "
            "that they are invented",
            may_be_accepted=True,
        )
